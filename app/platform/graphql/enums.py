"""GraphQL enums with descriptions, from plain enums of packages that do not know GraphQL."""

from enum import Enum

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition


def describe(enum: type[Enum], description: str, /, **values: str) -> None:
    """Make `enum` a GraphQL enum; `values` describes each of its members by name.

    A member without a description, or a description without a member, is an error at import.
    """
    if set(values) != set(enum.__members__):
        message = f"{enum.__name__}: the descriptions do not fit the members."
        raise TypeError(message)
    strawberry.enum(enum, description=description)
    definition: StrawberryEnumDefinition = enum.__strawberry_definition__  # type: ignore[attr-defined] # set above
    for value in definition.values:
        value.description = values[value.name]
