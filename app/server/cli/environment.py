"""Shared parts of the commands: settings from the environment, output, error messages instead of tracebacks."""

import json
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, NoReturn

import typer
import uvloop
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError
from rich.console import Console

from app.platform import logs
from app.platform.db.migrating import MigrationBlocked
from app.platform.db.outages import DatabaseUnavailable
from app.platform.errors import AppError, AppErrorGroup
from app.platform.limits.policies import BadPolicy
from app.platform.limits.shared import BadRedisUrl
from app.platform.settings import Settings
from app.platform.vault.backups import BadBackup
from app.platform.vault.providers import MasterKeyError
from app.platform.vault.retirement import RetirementRefused
from app.privacy.restores import RestoreUnconfirmed
from app.server.demo import DemoInProduction
from app.server.main import CannotListen
from app.server.runtime import BadSetting, NotMigrated

console = Console(soft_wrap=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SETTING_OF_DATABASE = {"main": "PATRON_DATABASE_URL", "keystore": "PATRON_KEYSTORE_URL"}
# SQLSTATE of what an operator can correct.
NO_SUCH_DATABASE = "3D000"
REFUSED_LOGIN = frozenset({"28000", "28P01"})


def settings(**overrides: object) -> Settings:
    """The settings from the environment; end the program when some are missing or wrong, without printing values."""
    try:
        config = Settings(**{name: value for name, value in overrides.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        end(dict.fromkeys(_problem(details) for details in error.errors(include_input=False, include_url=False)))
    except SettingsError as error:
        # Of the library's message only the name: `error parsing value for field "rate_limits" from source …`.
        name = str(error).partition('"')[2].partition('"')[0].upper()
        end([f'PATRON_{name}: This is not JSON. Write it as in {{"guest-reads": "100 per minute"}}.'])
    logs.configure(config.log_level)
    return config


def _problem(details: ErrorDetails) -> str:
    reason = details["msg"].removeprefix("Value error, ")
    return f"PATRON_{str(details['loc'][0]).upper()}: {reason}" if details["loc"] else reason


class CommandRefused(Exception):
    """A command cannot be carried out as given; the message gives the reason and what to do."""


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop; print a message and end the program for errors that the operator can correct."""
    try:
        uvloop.run(coroutine)
    except (
        BadBackup,
        BadPolicy,
        BadSetting,
        CannotListen,
        CommandRefused,
        DemoInProduction,
        MigrationBlocked,
        NotMigrated,
        RestoreUnconfirmed,
        MasterKeyError,
        RetirementRefused,
    ) as error:
        end([str(error)])
    except BadRedisUrl as error:
        end([f"PATRON_REDIS_URL: {error}"])
    except DatabaseUnavailable as error:
        end([unreachable(error)])
    except (AppError, AppErrorGroup) as error:
        end([_sentence(failure) for failure in (error.errors if isinstance(error, AppErrorGroup) else [error])])


def unreachable(error: DatabaseUnavailable) -> str:
    """Why a database cannot be used, and which setting names it."""
    setting, cause = SETTING_OF_DATABASE[error.name], error.__cause__ or error
    state = getattr(cause, "sqlstate", None)
    if state == NO_SUCH_DATABASE:
        return f"{setting}: The server has no such database. Create it (`createdb`), then run `patron migrate`."
    if state in REFUSED_LOGIN:
        return f"{setting}: The server refuses the user or the password of the URL."
    return f"{setting}: The server does not answer ({type(cause).__name__}). Check host, port and sslmode of the URL."


def end(sentences: Iterable[str]) -> NoReturn:
    """Print the messages and end the program with exit code 2: nothing was done."""
    for sentence in sentences:
        typer.echo(sentence, err=True)
    raise typer.Exit(2) from None


def _sentence(error: AppError) -> str:
    return f"{'.'.join(error.field)}: {error}" if error.field else str(error)


def print_object(found: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one thing: a line for each value, or a JSON object."""
    if as_json:
        typer.echo(json.dumps(_json(found)))
        return
    for name, value in found.items():
        typer.echo(f"{name} {_text(value)}")


def print_rows(rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """Print several: a line for each, columns apart by tabs under a line of their names, or a JSON array."""
    if as_json:
        typer.echo(json.dumps([_json(row) for row in rows]))
        return
    if rows:
        typer.echo("\t".join(rows[0]))
    for row in rows:
        typer.echo("\t".join(_text(value) for value in row.values()))


def _json(found: Mapping[str, Any]) -> dict[str, Any]:
    return {_camel(name): _json_value(value) for name, value in found.items()}


def _json_value(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | dict):
        return value
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _camel(name: str) -> str:
    head, *rest = name.split(" ")
    return head + "".join(part.title() for part in rest)
