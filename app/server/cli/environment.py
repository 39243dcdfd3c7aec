"""What every command needs: the settings of the environment, and an end with a sentence instead of a traceback."""

from collections.abc import Coroutine, Sequence
from typing import Any, NoReturn

import typer
import uvloop
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from rich.console import Console

from app.platform import logs
from app.platform.errors import AppError, AppErrorGroup
from app.platform.limits.policies import BadPolicy
from app.platform.settings import Settings
from app.platform.vault import master
from app.server.runtime import NotMigrated

console = Console(soft_wrap=True)


def settings(**overrides: object) -> Settings:
    """The settings of the environment; ends the program with what is missing or wrong, never with a value."""
    try:
        found = Settings(**{name: value for name, value in overrides.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        end([_problem(one) for one in error.errors(include_input=False, include_url=False)])
    logs.configure(found.log_level)
    return found


def _problem(found: ErrorDetails) -> str:
    names = ", ".join(f"PATRON_{str(part).upper()}" for part in found["loc"])
    reason = found["msg"].removeprefix("Value error, ")
    return f"{names}: {reason}" if names else reason


class CommandRefused(Exception):
    """A command that cannot be done as it was given; the message says why, and what to do."""


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop; ends the program with a sentence for each thing that the operator can put right."""
    try:
        uvloop.run(coroutine)
    except (CommandRefused, NotMigrated, BadPolicy, master.MasterKeyError) as error:
        end([str(error)])
    except (AppError, AppErrorGroup) as error:
        end([_sentence(one) for one in (error.errors if isinstance(error, AppErrorGroup) else [error])])


def end(sentences: Sequence[str]) -> NoReturn:
    """End the program with these sentences and exit code 2: nothing was done."""
    for sentence in sentences:
        typer.echo(sentence, err=True)
    raise typer.Exit(2) from None


def _sentence(error: AppError) -> str:
    return f"{'.'.join(error.field)}: {error.message}" if error.field else error.message
