"""Tests of password strength rules."""

import random
import secrets
import string
from hashlib import sha256
from importlib.resources import files

import pytest

from app.identity.passwords.common_passwords import FALSE_POSITIVE_RATE, FINGERPRINT_BYTES, is_common, pack
from app.identity.passwords.strength import PasswordTooWeak, check
from app.platform.errors import ErrorCode, ErrorRule


def refusal(password: str, **rules: object) -> PasswordTooWeak | None:
    try:
        check(password, **rules)  # type: ignore[arg-type]
    except PasswordTooWeak as error:
        return error
    return None


def rule(password: str, **rules: object) -> ErrorRule | None:
    error = refusal(password, **rules)
    return error.rule if error else None


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "purple-kettle-7",
        "Zürich Regen Tram",
        "xK9!vQ2z",
        "我的密码很好记住",
        "J'aime les cerises en juin",
        "love8372910",
        "\U0001f984\U0001f335 unter dem Sofa",
        "a" + "bcd efg " * 15,
    ],
)
def test_a_strong_password_is_accepted_whatever_its_characters(password: str) -> None:
    assert rule(password) is None


@pytest.mark.parametrize("password", ["", "short", "1234567", "1234567\u0301"[:7], "\U0001f984" * 7])
def test_fewer_than_8_characters_are_too_short(password: str) -> None:
    assert rule(password) is ErrorRule.LENGTH


def test_the_shortest_length_is_a_setting_and_named_in_the_message() -> None:
    error = refusal("purple-kettle-7", shortest=16)

    assert error is not None
    assert error.rule is ErrorRule.LENGTH
    assert "at least 16 characters" in str(error)
    assert rule("purple-kettle-77", shortest=16) is None


def test_length_is_counted_in_the_form_that_is_hashed() -> None:
    assert rule("e\u0301e\u0301e\u0301e\u0301") is ErrorRule.LENGTH
    assert rule("\ufb03x\ufb03y") is None


def test_more_than_128_characters_are_too_long_and_128_are_not() -> None:
    long_enough = "".join(random.Random(1).choices(string.ascii_letters, k=128))

    assert rule(long_enough) is None
    assert rule(long_enough + "x") is ErrorRule.LENGTH
    assert rule("x" * 5_000_000) is ErrorRule.LENGTH
    assert rule("\ufdfa" * 100) is ErrorRule.LENGTH


@pytest.mark.parametrize(
    "password",
    [
        "aaaaaaaa",
        "!!!!!!!!!!!!",
        "12345678",
        "87654321",
        "abcdefgh",
        "abcd1234",
        "aaaabbbb",
        "1111222233334444",
        "xyxyxyxyxy",
        "abcabcabcabc",
        "        ",
    ],
)
def test_repetitions_and_sequences_are_predictable(password: str) -> None:
    assert rule(password) is ErrorRule.PREDICTABLE_PASSWORD


@pytest.mark.parametrize(
    "password",
    [
        "password",
        "qwertyuiop",
        "iloveyou",
        "1qaz2wsx",
        "football",
        "baseball",
        "sunshine",
        "princess",
        "trustno1",
        "letmein1",
        "superman",
        "starwars",
        "zaq12wsx",
        "passw0rd",
    ],
)
def test_a_leaked_password_is_common(password: str) -> None:
    assert rule(password) is ErrorRule.COMMON_PASSWORD


@pytest.mark.parametrize(
    "password",
    [
        "PASSWORD",
        "P@ssw0rd2024!",
        "$unshine1",
        "!!football!!",
        "2024Monkey",
        "m0nkeym0nkey",
        "Contraseña1",
        "Ｐａｓｓｗｏｒｄ",
        "l3tm31n2",
        "12345monkey",
    ],
)
def test_variations_of_a_common_password_are_refused(password: str) -> None:
    assert rule(password) is ErrorRule.COMMON_PASSWORD


@pytest.mark.parametrize("password", ["architecture", "Jennifer1987", "marmalade7"])
def test_a_single_word_or_name_is_common_even_with_a_few_digits(password: str) -> None:
    assert rule(password) is ErrorRule.COMMON_PASSWORD


@pytest.mark.parametrize(
    ("password", "personal"),
    [
        ("Ann.Meier-xq7!", "ann.meier@example.org"),
        ("xx ann.meier@example.org xx", "ann.meier@example.org"),
        ("blue annmeier tram", "ann.meier@example.org"),
        ("MEIER over the hill", "Meier"),
        ("meier over the hill", "ann.meier@example.org"),
        ("zq-Anna-Maria-7", "Anna Maria"),
        ("zq-maria-vW7", "Anna Maria"),
        ("mÜLLERs kettle", "Müller"),
        ("tram Mu\u0308ller tram", "M\u00fcller"),
        ("grumpycat", "xxgrumpycatxx"),
        ("zq-skater77-kettle", "skater77"),
    ],
)
def test_the_persons_own_email_login_name_and_names_are_refused_inside_a_password(password: str, personal: str) -> None:
    assert rule(password) is None
    assert rule(password, personal=[personal]) is ErrorRule.PERSONAL_PASSWORD


@pytest.mark.parametrize(
    ("password", "personal"),
    [
        ("purple-annual-kettle", "Ann"),
        ("purple-kettle-bob", "bob@example.org"),
        ("the example tram org", "ann.meier@example.org"),
        ("purple-kettle-7", ""),
        ("purple-kettle-7", "   "),
        ("purple-kettle-7", "@"),
    ],
)
def test_a_personal_word_below_4_characters_or_only_a_mail_domain_is_no_reason(password: str, personal: str) -> None:
    assert rule(password, personal=[personal]) is None


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short", ("too short", "at least 8 characters")),
        ("x" * 600, ("too long", "at most 128 characters")),
        ("abcdefgh", ("repeats or counts", "several unrelated words")),
        ("football", ("guessed first", "several unrelated words")),
        ("Zq7 Meier 7qZ", ("your name or email address", "Leave them out")),
    ],
)
def test_the_message_names_the_broken_rule_and_what_would_do_and_never_the_password(
    password: str, words: tuple[str, str]
) -> None:
    error = refusal(password, personal=["Meier"])

    assert error is not None
    assert error.code is ErrorCode.PASSWORD_TOO_WEAK
    assert words[0] in str(error)
    assert words[1].lower() in str(error).lower()
    assert password not in str(error).split()


def test_passwords_made_by_a_password_manager_are_accepted() -> None:
    signs = string.ascii_letters + string.digits + string.punctuation

    refused = [made for made in ("".join(secrets.choice(signs) for _ in range(12)) for _ in range(3000)) if rule(made)]

    assert refused == []


def test_the_false_positive_rate_of_the_filter_stays_below_the_stated_bound() -> None:
    tried = 200_000
    random_words = (f"{secrets.token_hex(8)}" for _ in range(tried))

    found = sum(is_common(word) for word in random_words)

    assert found == 0
    assert size_of_filter() / FINGERPRINT_BYTES / 2**64 < FALSE_POSITIVE_RATE


def size_of_filter() -> int:
    return len(files("app.identity.passwords").joinpath("common.bin").read_bytes())


def test_the_filter_is_below_a_megabyte_and_the_one_its_note_describes() -> None:
    content = files("app.identity.passwords").joinpath("common.bin").read_bytes()
    note = files("app.identity.passwords").joinpath("common.txt").read_text()

    assert len(content) < 1_000_000
    assert f"{len(content) // FINGERPRINT_BYTES:,}" in note
    assert sha256(content).hexdigest() in note
    assert "BSD-3-Clause" in note
    assert "MIT License" in note


def test_the_filter_does_not_depend_on_the_order_of_the_words_and_leaves_out_short_ones() -> None:
    assert pack(["password", "sunshine", "abc"]) == pack(["sunshine", "password", "password"])
    assert len(pack(["password", "sunshine", "abc"])) == 2 * FINGERPRINT_BYTES


def test_the_rarest_listed_words_are_found_as_the_first_are() -> None:
    assert all(map(is_common, ("123456", "password", "sunshine", "marmalade", "jennifer")))
    assert not any(map(is_common, ("", "abc", "purple-kettle-7")))
