"""What every command needs: the settings of the environment, and an end with a sentence instead of a traceback."""

from collections.abc import Coroutine
from typing import Any

import typer
import uvloop
from pydantic import ValidationError
from rich.console import Console

from app.platform import logs
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
        for problem in error.errors(include_input=False, include_url=False):
            names = ", ".join(f"PATRON_{str(part).upper()}" for part in problem["loc"])
            reason = problem["msg"].removeprefix("Value error, ")
            typer.echo(f"{names}: {reason}" if names else reason, err=True)
        raise typer.Exit(2) from None
    logs.configure(found.log_level)
    return found


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop; ends the program with a sentence where the operator can do something."""
    try:
        uvloop.run(coroutine)
    except (NotMigrated, BadPolicy, master.MasterKeyError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
