"""`schema.storefront.graphql`: all that guests and customers may use, and nothing else."""

import pytest
from graphql import build_schema, find_breaking_changes, parse, validate

from app.server.graphiql.tabs import EXAMPLES
from app.server.schema import sdl
from app.server.storefront_schema import storefront_sdl
from tests.contract.permissions import CALLERS, GUEST, MATRIX, NO
from tests.contract.snapshot import SNAPSHOT

STOREFRONT = build_schema(storefront_sdl())
STOREFRONT_TABS = [tab for tab in EXAMPLES if not validate(STOREFRONT, parse(tab.document))]


def test_the_file_is_what_the_program_exports() -> None:
    assert SNAPSHOT.with_name("schema.storefront.graphql").read_text() == storefront_sdl()


def test_its_root_fields_are_those_that_a_guest_or_a_customer_may_use() -> None:
    assert STOREFRONT.query_type
    assert STOREFRONT.mutation_type

    fields = {*STOREFRONT.query_type.fields, *STOREFRONT.mutation_type.fields}

    columns = (CALLERS.index("guest"), CALLERS.index("owner"))
    assert fields == {
        name for name, entry in MATRIX.items() if not {entry.outcomes[column] for column in columns} <= {GUEST, NO}
    }


def test_whatever_is_valid_in_it_is_valid_in_the_whole_schema() -> None:
    assert find_breaking_changes(STOREFRONT, build_schema(sdl())) == []


@pytest.mark.parametrize("name", ["Customer.newsletterUnsubscribeUrl", "AddressInput.customerId"])
def test_fields_of_types_and_inputs_for_the_back_office_are_not_in_it(name: str) -> None:
    type_name, field_name = name.split(".")

    assert field_name in build_schema(sdl()).type_map[type_name].fields  # type: ignore[attr-defined] # types with fields
    assert field_name not in STOREFRONT.type_map[type_name].fields  # type: ignore[attr-defined] # the same


def test_the_operations_of_storefronts_are_valid_in_it_and_those_of_the_back_office_are_not() -> None:
    valid = {tab.name for tab in STOREFRONT_TABS}

    assert valid >= {"Register", "Login", "Me", "CreateAddress", "AddPaymentMethod", "UpdateCustomer"}
    assert valid.isdisjoint({"Customers", "UpsertCustomer", "RequestAnonymization", "CreateGroup"})
