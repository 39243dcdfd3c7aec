"""The command itself: looks at everything, prints a row for each, and ends with 2 where something is wrong."""

import typer

from app.platform.settings import Settings
from app.server.cli.checks.databases import check_databases
from app.server.cli.checks.report import Report
from app.server.cli.checks.services import check_services
from app.server.cli.checks.settings import check_addresses, check_key, check_limits, check_names
from app.server.cli.environment import AsJson, print_rows, run, settings


def check(as_json: AsJson = False) -> None:
    """Check settings, databases, master key, mail server, Redis, Stripe and organizations; exit code 2 for errors."""
    config = settings()
    report = Report()
    check_names(config, report)
    run(_check(config, report))
    print_rows(report.rows, as_json=as_json)
    if report.failed:
        raise typer.Exit(2)


async def _check(config: Settings, report: Report) -> None:
    check_addresses(config, report)
    check_limits(config, report)
    await check_databases(config, report, has_key=check_key(config, report))
    await check_services(config, report)
