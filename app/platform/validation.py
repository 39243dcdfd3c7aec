"""Input validation: collects all wrong fields, so that they are reported together and nothing is written."""

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from app.platform.blanks import is_blank
from app.platform.errors import AppError, AppErrorGroup, Required

Raw = TypeVar("Raw")
Parsed = TypeVar("Parsed")


class Validation:
    """Collects failures field by field; `raise_errors()` raises them together.

    Do not use what `check` and its siblings return before `raise_errors()`: for a refused field it is None.
    """

    def __init__(self) -> None:
        """Start without failures."""
        self._errors: list[AppError] = []

    def check(self, field: str, parse: Callable[[Raw], Parsed], raw: Raw) -> Parsed:
        """The parsed value of `raw`; a refusal is kept as a failure of `field`."""
        try:
            return parse(raw)
        except AppError as error:
            self.add(error, field)
            return cast("Parsed", None)

    def require(self, field: str, parse: Callable[[Raw], Parsed], raw: Raw | None) -> Parsed:
        """Like `check`; absent, null or blank is a failure."""
        if raw is None or is_blank(raw):
            self.add(Required(), field)
            return cast("Parsed", None)
        return self.check(field, parse, raw)

    def optional(self, field: str, parse: Callable[[Raw], Parsed], raw: Raw | None) -> Parsed | None:
        """Like `check`; absent, null or blank gives None."""
        if raw is None or is_blank(raw):
            return None
        return self.check(field, parse, raw)

    def add(self, error: AppError, *field: str) -> None:
        """Keep a failure of `field`; without one, of the field that the error names itself."""
        if field:
            error.field = field
        self._errors.append(error)

    def merge(self, *field: str, errors: Sequence[AppError]) -> None:
        """Keep failures that were found below `field`."""
        for error in errors:
            self.add(error, *field, *(error.field or ()))

    @property
    def failed(self) -> bool:
        """Whether there are failures so far."""
        return bool(self._errors)

    @property
    def errors(self) -> list[AppError]:
        """The failures so far."""
        return list(self._errors)

    def raise_errors(self) -> None:
        """Raise `AppErrorGroup` when there are failures."""
        if self._errors:
            raise AppErrorGroup(self._errors)


def camel_case(name: str) -> str:
    """The name of a field in the GraphQL input: `postalCode` for `postal_code`."""
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)
