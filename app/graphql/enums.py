"""Enums of lower floors as GraphQL shows them."""

from collections.abc import Mapping
from enum import Enum

import strawberry


def show(kind: type[Enum], description: str, values: Mapping[str, str]) -> None:
    """Put an enum that knows nothing of GraphQL into the schema; `values` says of each member what it means.

    Members keep their plain values, so that what the schema answers is what was stored. A test fails for a
    member without a description.
    """
    strawberry.enum(kind, description=description)
    for value in kind.__strawberry_definition__.values:  # type: ignore[attr-defined] # set by the line above
        value.description = values.get(value.name)
