"""Shared parts of the commands: settings from the environment, error messages instead of tracebacks."""

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
from app.platform.vault.providers import MasterKeyError
from app.server.demo import DemoInProduction
from app.server.runtime import NotMigrated

console = Console(soft_wrap=True)


def settings(**overrides: object) -> Settings:
    """The settings from the environment; end the program when some are missing or wrong, without printing values."""
    try:
        config = Settings(**{name: value for name, value in overrides.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        end([_problem(details) for details in error.errors(include_input=False, include_url=False)])
    logs.configure(config.log_level)
    return config


def _problem(details: ErrorDetails) -> str:
    names = ", ".join(f"PATRON_{str(part).upper()}" for part in details["loc"])
    reason = details["msg"].removeprefix("Value error, ")
    return f"{names}: {reason}" if names else reason


class CommandRefused(Exception):
    """A command cannot be carried out as given; the message gives the reason and what to do."""


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop; print a message and end the program for errors that the operator can correct."""
    try:
        uvloop.run(coroutine)
    except (CommandRefused, DemoInProduction, NotMigrated, BadPolicy, MasterKeyError) as error:
        end([str(error)])
    except (AppError, AppErrorGroup) as error:
        end([_sentence(failure) for failure in (error.errors if isinstance(error, AppErrorGroup) else [error])])


def end(sentences: Sequence[str]) -> NoReturn:
    """Print the messages and end the program with exit code 2: nothing was done."""
    for sentence in sentences:
        typer.echo(sentence, err=True)
    raise typer.Exit(2) from None


def _sentence(error: AppError) -> str:
    return f"{'.'.join(error.field)}: {error.message}" if error.field else error.message
