"""Gathers every wrong field of an input, so that all are reported at once and nothing is written."""

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from app.platform.errors import AppError, AppErrorGroup, Required

Raw = TypeVar("Raw")
Parsed = TypeVar("Parsed")


class Validation:
    """Collects failures field by field; `raise_errors()` raises them together.

    What `check` and its siblings return may be used only after `raise_errors()`: until then a refused
    field holds nothing of its type.
    """

    def __init__(self) -> None:
        """Start with nothing wrong."""
        self._errors: list[AppError] = []

    def check(self, field: str, parse: Callable[[Raw], Parsed], raw: Raw) -> Parsed:
        """What `parse` makes of `raw`; a refusal is remembered as a failure of `field`."""
        try:
            return parse(raw)
        except AppError as error:
            self.add(error, field)
            return cast("Parsed", None)

    def require(self, field: str, parse: Callable[[Raw], Parsed], raw: Raw | None) -> Parsed:
        """Like `check`, and absent, null or blank is a failure too."""
        if raw is None or (isinstance(raw, str) and not raw.strip()):
            self.add(Required(), field)
            return cast("Parsed", None)
        return self.check(field, parse, raw)

    def optional(self, field: str, parse: Callable[[Raw], Parsed], raw: Raw | None) -> Parsed | None:
        """Like `check`, and absent, null or blank means nothing."""
        if raw is None or (isinstance(raw, str) and not raw.strip()):
            return None
        return self.check(field, parse, raw)

    def add(self, error: AppError, *field: str) -> None:
        """Remember a failure of `field`; without one, of the field the error names itself."""
        if field:
            error.field = field
        self._errors.append(error)

    def merge(self, *field: str, errors: Sequence[AppError]) -> None:
        """Remember failures that somebody else found below `field`."""
        for error in errors:
            self.add(error, *field, *(error.field or ()))

    @property
    def failed(self) -> bool:
        """Whether anything was wrong so far."""
        return bool(self._errors)

    def raise_errors(self) -> None:
        """Raise `AppErrorGroup` when anything was wrong."""
        if self._errors:
            raise AppErrorGroup(self._errors)


def camel_case(name: str) -> str:
    """The name of a field in the GraphQL input: `postalCode` for `postal_code`."""
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)
