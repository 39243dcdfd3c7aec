"""Tests of forms: their fields, labels and values, and that the same definitions validate the input."""

from typing import Any

import pytest

from app.platform.principal import Scope
from tests.shop import PASSWORD, SeededOrganization, Shop

FIELDS = """fields { name path type label required readOnly maxLength pattern value options { value label }
    error { code message field ... on InputError { rule min max pattern } } }"""
REGISTRATION = f"""query ($locale: String, $values: [FormValueInput!]) {{
    registrationForm(locale: $locale, values: $values) {{ termsUrl {FIELDS} }} }}"""
PROFILE = f"query ($locale: String) {{ profileForm(locale: $locale) {{ {FIELDS} }} }}"
ADDRESS = f"""query ($values: [FormValueInput!], $locale: String) {{
    registrationForm(values: $values, address: true, locale: $locale) {{ {FIELDS} }} }}"""
CHANGE = """mutation ($current: String!, $new: String!, $again: String!) { changePassword(input: {
    currentPassword: $current, newPassword: $new, newPasswordConfirmation: $again }) {
    userErrors { code field } } }"""
MOVE = """mutation ($email: String!, $password: String!) { requestEmailChange(input: {
    newEmail: $email, password: $password }) { userErrors { code field } } }"""
CREATE = """mutation ($input: CreateExtraFieldInput!) { createExtraField(input: $input) {
    extraField { id } userErrors { code field } } }"""
BUILT_IN = [
    "email",
    "password",
    "passwordConfirmation",
    "firstName",
    "lastName",
    "phone",
    "fax",
    "company",
    "birthDate",
    "locale",
    "newsletter",
]


async def _registration(shop: Shop, organization: SeededOrganization | None = None, **variables: Any) -> dict[str, Any]:
    form = (await shop.ask(REGISTRATION, organization=organization, **variables)).data["registrationForm"]
    return {field["name"]: field for field in form["fields"]}


async def _profile(shop: Shop, token: str, **variables: Any) -> dict[str, Any]:
    form = (await shop.ask(PROFILE, token=token, **variables)).data["profileForm"]
    return {field["name"]: field for field in form["fields"]}


async def _declare_size(shop: Shop) -> None:
    given = {
        "name": "size",
        "type": "SELECT",
        "required": True,
        "labels": [{"locale": "en", "text": "Size"}, {"locale": "de", "text": "Grösse"}],
        "options": [
            {"value": "s", "labels": [{"locale": "en", "text": "Small"}, {"locale": "de", "text": "Klein"}]},
            {"value": "l", "labels": [{"locale": "en", "text": "Large"}]},
        ],
    }
    token = await shop.integration(Scope.ORGANIZATION_WRITE)
    (await shop.ask(CREATE, token=token, input=given)).payload("createExtraField")


async def test_the_contracts_form_lists_every_field_of_a_registration(shop: Shop) -> None:
    form = (await shop.ask("RegistrationForm")).data["registrationForm"]

    assert [field["name"] for field in form["fields"]] == BUILT_IN
    assert [field["name"] for field in form["fields"] if field["required"]] == BUILT_IN[:3]
    assert form["fields"][0] == {
        "name": "email",
        "type": "EMAIL",
        "label": "Email address",
        "required": True,
        "maxLength": 96,
        "pattern": None,
        "value": None,
        "options": [],
    }


async def test_login_name_and_terms_appear_only_where_the_organization_wants_them(shop: Shop) -> None:
    url = "https://shop.example/terms"
    organization = await shop.create_organization("strict", require_login_name=True, terms_url=url)

    plain, strict = await _registration(shop), await _registration(shop, organization)

    assert not {"loginName", "acceptTerms"} & set(plain)
    assert list(strict) == ["email", "loginName", *BUILT_IN[1:], "acceptTerms"]
    assert (strict["loginName"]["required"], strict["acceptTerms"]["required"]) == (True, True)
    assert strict["loginName"]["pattern"] == r"[A-Za-z0-9._\-]{5,64}"
    assert (await shop.ask(REGISTRATION, organization=organization)).data["registrationForm"]["termsUrl"] == url


@pytest.mark.parametrize(
    ("locale", "first_name", "size", "small"),
    [
        (None, "First name", "Size", "Small"),
        ("en-GB", "First name", "Size", "Small"),
        ("de-CH", "Vorname", "Grösse", "Klein"),
        ("fr", "Prénom", "Size", "Small"),
        ("it", "Nome", "Size", "Small"),
        ("es", "Nombre", "Size", "Small"),
        ("pt", "First name", "Size", "Small"),
    ],
)
async def test_labels_come_in_the_language_asked_for(
    shop: Shop, locale: str | None, first_name: str, size: str, small: str
) -> None:
    await _declare_size(shop)

    form = await _registration(shop, locale=locale)

    assert form["firstName"]["label"] == first_name
    assert form["size"]["label"] == size
    assert form["size"]["options"] == [{"value": "s", "label": small}, {"value": "l", "label": "Large"}]
    assert form["size"]["path"] == ["attributes", "size"]


async def test_the_form_states_the_lengths_that_registering_enforces(shop: Shop) -> None:
    form = await _registration(shop)
    lengths = {name: field["maxLength"] for name, field in form.items() if field["type"] == "TEXT"}
    account = {"email": "ann@example.org", "password": PASSWORD, "passwordConfirmation": PASSWORD}

    too_long = {name: "x" * (most + 1) for name, most in lengths.items()}
    refused = await shop.ask("Register", input={**account, **too_long})

    assert refused.refusals("register") == [("TOO_LONG", [name]) for name in lengths]
    lengths.pop("locale")
    accepted = await shop.ask("Register", input={**account, **{name: "x" * most for name, most in lengths.items()}})
    assert accepted.payload("register")["customer"]["firstName"] == "x" * 32


async def test_typed_values_come_back_with_their_errors_and_passwords_do_not(shop: Shop) -> None:
    await _declare_size(shop)
    typed = {"email": "ann", "password": "password", "phone": "+41446681800", "birthDate": "31.1.2000", "size": "m"}

    form = await _registration(shop, values=[{"name": name, "value": value} for name, value in typed.items()])

    assert {name: form[name]["value"] for name in typed} == {**typed, "password": None}
    assert {name for name, field in form.items() if field["error"]} == set(typed) - {"phone"}
    assert form["birthDate"]["error"]["message"] == "This is not a day of the calendar. Write it as in 2026-01-31."
    assert await shop.count("customers") == 0


async def test_the_profile_form_has_the_values_of_who_is_logged_in(shop: Shop) -> None:
    ann = await shop.register(
        "ann@example.org", loginName="archer", firstName="Ann", birthDate="2000-01-31", locale="de-CH"
    )
    await _declare_size(shop)

    form = await _profile(shop, ann.token)

    assert list(form) == [
        *("email", "loginName", "firstName", "lastName", "phone", "fax", "company", "imageUrl"),
        *("birthDate", "locale", "newsletter", "size"),
    ]
    assert {name: field["value"] for name, field in form.items() if field["value"]} == {
        "email": "ann@example.org",
        "loginName": "archer",
        "firstName": "Ann",
        "birthDate": "2000-01-31",
        "locale": "de-CH",
        "newsletter": "false",
    }
    assert [name for name, field in form.items() if field["readOnly"]] == ["email", "loginName"]
    assert {name: field["error"]["code"] for name, field in form.items() if field["error"]} == {"size": "REQUIRED"}
    assert form["size"]["error"]["message"] == "Dieses Feld muss ausgefüllt werden."
    assert form["size"]["error"]["field"] == ["attributes", "size"]
    assert form["firstName"]["label"] == "Vorname"
    assert (await _profile(shop, ann.token, locale="fr"))["firstName"]["label"] == "Prénom"


async def test_a_profile_form_is_for_customers_only(shop: Shop) -> None:
    assert (await shop.ask(PROFILE)).codes == ["UNAUTHENTICATED"]
    assert (await shop.ask(PROFILE, token=await shop.integration())).codes == ["FORBIDDEN"]


async def test_the_registration_form_says_what_register_says(shop: Shop) -> None:
    weak = {"email": "ann@example.org", "firstName": "Heloise", "lastName": "Okonkwo", "password": "heloise-9471-ox"}
    typed = {**weak, "passwordConfirmation": "heloise-9471-oy", "locale": "de-CH", "phone": "044 668 18 00"}

    form = await _registration(shop, values=[{"name": name, "value": value} for name, value in typed.items()])
    refused = (await shop.ask("Register", input=typed)).data["register"]["userErrors"]

    assert {(name,): field["error"]["message"] for name, field in form.items() if field["error"]} == {
        tuple(error["field"]): error["message"] for error in refused
    }
    assert [error["code"] for error in refused] == ["PASSWORD_TOO_WEAK", "PASSWORD_MISMATCH"]
    assert await shop.count("customers") == 0


async def test_a_weak_password_is_reported_once_and_a_confirmation_only_beside_a_password(shop: Shop) -> None:
    repeated = {"password": "password", "passwordConfirmation": "password"}
    alone = {"passwordConfirmation": "password"}
    blank = {"password": " ", "passwordConfirmation": ""}

    wrong = []
    for typed in (repeated, alone, blank):
        form = await _registration(shop, values=[{"name": name, "value": value} for name, value in typed.items()])
        wrong.append([name for name, field in form.items() if field["error"]])

    assert wrong == [["password"], [], ["password", "passwordConfirmation"]]


async def test_the_form_lists_the_fields_of_the_first_address_by_its_country(shop: Shop) -> None:
    plain = await _address(shop)
    swiss = await _address(shop, country="CH", postalCode="12345", isBusiness="true", line1="", phone="044 668 18 00")
    hongkong = await _address(shop, country="hk")
    unknown = await _address(shop, country="XX")
    nothing = await _address(shop, country="", line1=" ")

    assert list(plain) == [
        *("country", "isBusiness", "firstName", "lastName", "company", "line1", "line2"),
        *("postalCode", "city", "zone", "phone", "notes"),
    ]
    assert {name for name, field in plain.items() if field["required"]} == {"country", "firstName", "lastName", "line1"}
    assert plain["postalCode"]["path"] == ["address", "postalCode"]
    assert {name for name, field in swiss.items() if field["required"]} == {
        *("country", "company", "line1", "postalCode", "city")
    }
    assert {name for name, field in swiss.items() if field["error"]} == {"postalCode", "line1"}
    assert swiss["postalCode"]["pattern"] == r" *(?:(?:[Cc][Hh])[ \-]?){0,2}(?:\d{4}) *"
    assert "postalCode" not in hongkong
    assert {name for name, field in unknown.items() if field["error"]} == {"country"}
    assert {name for name, field in nothing.items() if field["error"]} == {"country", "line1"}
    assert not any(name.startswith("address.") for name in await _registration(shop))


async def test_countries_and_zones_are_chosen_and_named_as_their_country_calls_them(shop: Shop) -> None:
    plain, japanese, states, german = [
        await _address(shop, locale, **typed)
        for locale, typed in [
            ("de", {}),
            ("de", {"country": "JP"}),
            ("en", {"country": "US"}),
            ("de", {"country": "DE"}),
        ]
    ]

    assert plain["country"]["type"] == "SELECT"
    named = {one["value"]: one["label"] for one in plain["country"]["options"]}
    assert (len(named), named["CH"], named["AX"]) == (250, "Schweiz", "Ålandinseln")
    labels = [one["label"] for one in plain["country"]["options"]]
    assert labels.index("Ägypten") < labels.index("Albanien") < labels.index("Zypern")
    assert (plain["zone"]["type"], plain["zone"]["options"]) == ("TEXT", [])
    assert (japanese["zone"]["type"], japanese["zone"]["label"]) == ("SELECT", "Präfektur")
    assert len(japanese["zone"]["options"]) == 47
    assert (states["zone"]["label"], states["zone"]["required"]) == ("State", True)
    assert {"value": "CA", "label": "California"} in states["zone"]["options"]
    assert "zone" not in german


async def test_a_text_longer_than_the_form_says_is_refused_by_register_with_the_same_number(shop: Shop) -> None:
    answer = await shop.ask("{ registrationForm(address: true) { fields { path type maxLength } } }")
    lengths = {
        tuple(one["path"]): one["maxLength"]
        for one in answer.data["registrationForm"]["fields"]
        if one["type"] in {"TEXT", "MULTILINE"}
        and one["maxLength"]
        and one["path"][-1] not in {"country", "postalCode"}
    }
    too_long: dict[str, Any] = {"address": {"country": "CH", "line1": "Weg 1", "city": "Bern", "postalCode": "3011"}}
    for path, length in lengths.items():
        at = too_long["address"] if path[0] == "address" else too_long
        at[path[-1]] = "x" * (length + 1)
    document = """mutation ($input: RegisterInput!) { register(input: $input) {
        userErrors { code field ... on InputError { max } } } }"""
    account = {"email": "ann@example.org", "password": PASSWORD, "passwordConfirmation": PASSWORD}

    refused = (await shop.ask(document, input={**account, **too_long})).data["register"]["userErrors"]

    assert {tuple(one["field"]): one["max"] for one in refused if one["code"] == "TOO_LONG"} == lengths
    assert len(lengths) > 8


async def test_the_form_says_the_shortest_password_and_login_name(shop: Shop) -> None:
    organization = await shop.create_organization("careful", password_min_length=12, require_login_name=True)
    answer = await shop.ask("{ registrationForm { fields { name minLength } } }", organization=organization)

    found = {one["name"]: one["minLength"] for one in answer.data["registrationForm"]["fields"]}

    assert (found["password"], found["passwordConfirmation"], found["loginName"], found["email"]) == (12, 12, 5, None)


@pytest.mark.parametrize(
    "query",
    [
        'query Q { registrationForm(values: [{ name: "password", value: "hunter2" }]) { fields { name } } }',
        "query Q($v: [FormValueInput!]) { registrationForm(values: $v) { fields { name } } }",
        "query Q($v: [FormValueInput!]) { form: registrationForm(values: $v) { fields { name } } viewer { kind } }",
        "query Q { ...F } fragment F on Query { registrationForm(values: []) { fields { name } } }",
    ],
)
async def test_what_was_typed_is_taken_by_post_only(shop: Shop, query: str) -> None:
    headers = {"x-api-key": shop.organization.key}

    refused = await shop.client.get("/graphql", params={"query": query}, headers=headers)
    plain = await shop.client.get(
        "/graphql", params={"query": "{ registrationForm { fields { name } } }"}, headers=headers
    )

    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert "data" not in refused.json()
    assert plain.status_code == 200
    assert (await shop.ask(query)).data


async def test_errors_of_a_form_are_in_the_language_of_its_labels(shop: Shop) -> None:
    document = """query ($locale: String) { registrationForm(
        locale: $locale, values: [{ name: "email", value: "nope" }]) { fields { name label error { message } } } }"""
    headers = {"accept-language": "en-US,en;q=0.9", "x-api-key": shop.organization.key}

    asked, own = [
        await shop.post({"query": document, "variables": variables}, **headers) for variables in ({"locale": "de"}, {})
    ]

    assert asked.data["registrationForm"]["fields"][0] == {
        "name": "email",
        "label": "E-Mail-Adresse",
        "error": {"message": "Dies ist keine E-Mail-Adresse. Schreiben Sie sie wie ann@example.org."},
    }
    assert own.data["registrationForm"]["fields"][0]["error"]["message"].startswith("This is not an email address.")


async def _address(shop: Shop, locale: str | None = None, **typed: str) -> dict[str, Any]:
    values = [{"name": f"address.{name}", "value": value} for name, value in typed.items()]
    answer = await shop.ask(ADDRESS, values=values, locale=locale)
    fields = answer.data["registrationForm"]["fields"]
    return {field["name"].removeprefix("address."): field for field in fields if field["name"].startswith("address.")}


async def test_the_form_and_register_refuse_the_same_of_an_address(shop: Shop) -> None:
    address = {"country": "DE", "firstName": "x" * 33, "line1": "Weg 1", "city": "Bonn", "postalCode": "1"}
    account = {"email": "ann@example.org", "password": PASSWORD, "passwordConfirmation": PASSWORD}
    every_field = dict.fromkeys(["lastName", "zone", "phone"], "")

    form = await _address(shop, **address, **every_field)
    refused = (await shop.ask("Register", input={**account, "address": address})).data["register"]["userErrors"]

    assert {("address", name): field["error"]["message"] for name, field in form.items() if field["error"]} == {
        tuple(error["field"]): error["message"] for error in refused
    }
    assert [error["field"][1] for error in refused] == ["firstName", "lastName", "postalCode"]


async def test_an_accent_typed_in_two_ways_is_one_password(shop: Shop) -> None:
    composed, decomposed = "caf\u00e9 crayon girafe", "cafe\u0301 crayon girafe"

    registered = await shop.ask(
        "Register",
        input={"email": "ann@example.org", "password": composed, "passwordConfirmation": decomposed},
    )
    other = await shop.ask(
        "Register",
        input={
            "email": "bea@example.org",
            "password": composed,
            "passwordConfirmation": composed.replace("\u00e9", "e"),
        },
    )

    token = registered.payload("register")["tokens"]["accessToken"]
    assert other.refusals("register") == [("PASSWORD_MISMATCH", ["passwordConfirmation"])]
    changed = await shop.ask(CHANGE, token=token, current=decomposed, new=decomposed + "s", again=composed + "s")
    changed.payload("changePassword")


async def test_a_wrong_current_password_hides_no_other_error(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")

    wrong = await shop.ask(CHANGE, token=ann.token, current="wrong", new="short", again="other")
    failures = await shop.scalar("SELECT max(failures) FROM guess_counters")
    weak = await shop.ask(CHANGE, token=ann.token, current=PASSWORD, new="short", again="short")
    moved = await shop.ask(MOVE, token=ann.token, email="nonsense", password="wrong")
    same = await shop.ask(MOVE, token=ann.token, email="ann@example.org", password="wrong")

    assert wrong.refusals("changePassword") == [
        ("INVALID_CREDENTIALS", ["currentPassword"]),
        ("PASSWORD_TOO_WEAK", ["newPassword"]),
        ("PASSWORD_MISMATCH", ["newPasswordConfirmation"]),
    ]
    assert failures == 1
    assert weak.refusals("changePassword") == [("PASSWORD_TOO_WEAK", ["newPassword"])]
    for answer in (moved, same):
        assert answer.refusals("requestEmailChange") == [
            ("INVALID", ["newEmail"]),
            ("INVALID_CREDENTIALS", ["password"]),
        ]
    for person in (ann, bob):
        login = await shop.ask("Login", identifier=person.email, password=PASSWORD)
        assert login.payload("login")["tokens"]
