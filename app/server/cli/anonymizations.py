"""Commands for anonymization requests."""

from typing import Annotated

import typer
from sqlmodel import col, select

from app.customers.anonymizations.repository import AnonymizationStatus
from app.customers.anonymizations.tables import AnonymizationRequest
from app.platform.settings import Settings
from app.server.cli.environment import AsJson, print_rows, run, settings
from app.server.cli.organizations import Slug, find_organization
from app.server.runtime import open_runtime

anonymizations = typer.Typer(no_args_is_help=True, help="Anonymization requests of an organization.")


@anonymizations.command("list")
def list_anonymizations(
    slug: Slug,
    status: Annotated[
        list[AnonymizationStatus] | None, typer.Option(help="Only those with this status; repeat for several.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the requests to anonymize customers, oldest first, with why one failed."""
    run(_list(settings(), slug, [one.value for one in status or AnonymizationStatus], as_json=as_json))


async def _list(config: Settings, slug: str, statuses: list[str], *, as_json: bool) -> None:
    async with open_runtime(config) as runtime, runtime.store.database.transaction() as session:
        organization = await find_organization(session, slug)
        statement = (
            select(AnonymizationRequest)
            .where(
                AnonymizationRequest.organization_id == organization.id,
                col(AnonymizationRequest.status).in_(statuses),
            )
            .order_by(col(AnonymizationRequest.id))
        )
        rows = (await session.exec(statement)).all()
    found = [
        {
            "customer": row.customer_id,
            "status": row.status,
            "requested": row.requested_at,
            "starts after": row.starts_after,
            "completed": row.completed_at,
            "attempts": row.attempts,
            "failure": row.failure,
        }
        for row in rows
    ]
    print_rows(found, as_json=as_json)
