"""Query costs, compared with sums made by hand."""

import pytest
import strawberry
from graphql import build_schema, parse

from app.platform.graphql.operations import operations

SCHEMA = build_schema("""
    type Query { me: Customer customers(first: Int!, after: String): CustomerConnection! }
    type Mutation { rename: Customer }
    type CustomerConnection { nodes: [Customer!]! pageInfo: PageInfo! totalCount: Int! }
    type PageInfo { hasNextPage: Boolean! }
    interface Thing { id: ID! }
    type Customer implements Thing {
        id: ID! name: String tags: [String!]! addresses: [Address!]! things: [Thing!]!
        orders(first: Int!): OrderConnection!
    }
    type Address { city: String }
    type OrderConnection { nodes: [Order!]! pageInfo: PageInfo! }
    type Order { number: String }
""")


def cost(document: str, **variables: object) -> int:
    [operation] = operations(SCHEMA, parse(document)).values()
    return operation.cost.evaluate(variables)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{ me { id name } }", 1 + 2),
        ("{ me { id tags } }", 1 + 2),
        ("{ me { addresses { city } } }", 1 + 1 + 10),
        ("{ me { things { id ... on Customer { name } } } }", 1 + 1 + 10 * 2),
        ("{ customers(first: 5) { nodes { id name } } }", 1 + 5 * (1 + 2)),
        ("{ customers(first: 9000) { nodes { id } } }", 1 + 100 * (1 + 1)),
        ("{ customers(first: 99999999999999999999) { nodes { id } } }", 1 + 100 * (1 + 1)),
        ("{ customers(first: -5) { nodes { id } } }", 1),
        ("{ customers(first: 2) { nodes { orders(first: 3) { nodes { number } } } } }", 1 + 2 * (1 + 1 + 3 * 2)),
        ("{ a: me { id } b: me { id } }", 2 * 2),
        ("{ __typename me { __typename } }", 1 + 1 + 1),
        ("mutation { rename { id } }", 10 + 1 + 1),
        ("{ me { ...F ...F } } fragment F on Customer { id addresses { city } }", 1 + 2 * (1 + 1 + 10)),
    ],
)
def test_a_document_costs_the_values_of_its_largest_answer(document: str, expected: int) -> None:
    assert cost(document) == expected


@pytest.mark.parametrize(
    ("given", "page"),
    [
        ({"n": 3}, 3),
        ({}, 7),
        ({"n": 1000}, 100),
        ({"n": -1}, 0),
        ({"n": "3"}, 100),
        ({"n": None}, 100),
        ({"n": True}, 100),
    ],
)
def test_a_page_size_in_a_variable_counts_with_its_value(given: dict[str, object], page: int) -> None:
    document = "query Q($n: Int! = 7) { customers(first: $n) { nodes { orders(first: $n) { nodes { number } } } } }"

    assert cost(document, **given) == 1 + page * (1 + 1 + page * 2)


def test_a_variable_without_any_default_counts_as_the_largest_page() -> None:
    assert cost("query Q($n: Int!) { me { orders(first: $n) { nodes { number } } } }") == 1 + 1 + 100 * 2


def test_the_default_of_the_schema_counts_where_a_page_size_is_not_given() -> None:
    @strawberry.type
    class Page:
        nodes: list[int]

    @strawberry.type
    class Query:
        @strawberry.field
        def items(self, first: int = 20) -> Page:
            return Page(nodes=list(range(first)))

    schema = strawberry.Schema(Query)._schema
    for document in ("{ items { nodes } }", "query Q($n: Int! = 20) { items(first: $n) { nodes } }"):
        [operation] = operations(schema, parse(document)).values()
        assert operation.cost.evaluate({}) == 1 + 20


def test_operations_of_one_document_have_their_own_defaults() -> None:
    found = operations(
        SCHEMA,
        parse("""query A($n: Int! = 1) { me { ...F } } query B($n: Int! = 9) { me { ...F } }
        fragment F on Customer { orders(first: $n) { nodes { number } } }"""),
    )

    assert [found[name].cost.evaluate({}) for name in ("A", "B")] == [2 + 2, 2 + 9 * 2]


def test_doubling_fragments_are_priced_once_each() -> None:
    doubling = " ".join(f"fragment F{n} on Customer {{ ...F{n + 1} ...F{n + 1} }}" for n in range(40))

    assert cost(f"{{ me {{ ...F0 }} }} {doubling} fragment F40 on Customer {{ id }}") == 1 + 2**40
