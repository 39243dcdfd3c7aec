"""The operations that GraphiQL's panel offers: one for each root field, valid, in the group it belongs to."""

import json

from graphql import parse, validate

from app.server.example_operations import groups
from app.server.schema import SCHEMA

CORE = SCHEMA._schema


def test_every_root_field_has_a_valid_operation() -> None:
    operations = [one for group in groups() for one in group.operations]
    called = {
        selection.name.value
        for one in operations
        for definition in parse(one.document).definitions
        for selection in definition.selection_set.selections  # type: ignore[attr-defined] # all are operations
    }

    assert CORE.query_type is not None
    assert CORE.mutation_type is not None
    assert called == {*CORE.query_type.fields, *CORE.mutation_type.fields}
    for one in operations:
        assert validate(CORE, parse(one.document)) == [], one.name
        assert one.variables == "" or isinstance(json.loads(one.variables), dict)


def test_operations_stand_where_they_are_looked_for() -> None:
    found = {group.name: {one.name for one in group.operations} for group in groups()}

    assert {"Register", "VerifyEmail", "EndSession"} <= found["Account"]
    assert {"CreateAddress", "AddPaymentMethod", "Me"} <= found["Owned by the customer"] | found["Account"]
    assert {"RequestMyErasure", "PlaceLegalHold"} <= found["Privacy"]
    assert {"Customers", "CreateWebhookEndpoint"} <= found["Back office"]
    assert "Countries" in found["About"]
