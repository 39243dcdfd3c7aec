"""Downloads of exports: with the mailed token, for ten minutes from its first use, or as a staff member.

| Who                                   | How                                   | How often                            |
| ------------------------------------- | ------------------------------------- | ------------------------------------ |
| who reads the customer's mail         | POST /data-export, with the token     | again for ten minutes, then no more  |
| a staff member with `privacy:write`   | GET /data-exports/<id>, with a bearer | as often as needed, until it expires |
| anybody else; the customer's sessions | not at all: one might be stolen       |                                      |
"""

from dataclasses import dataclass
from uuid import UUID

from starlette.responses import Response, StreamingResponse

from app.identity.proofs import repository as proofs
from app.identity.proofs.errors import ProofInvalid
from app.identity.proofs.purposes import Purpose
from app.platform.audit.log import Action, record
from app.platform.errors import NotFound
from app.platform.graphql import ids
from app.platform.principal import CallerKind, RequestOrigin, Scope
from app.platform.vault.vault import Store
from app.privacy.exports import repository
from app.privacy.exports.api import KIND
from app.privacy.exports.repository import DataExportStatus, ExportRow


@dataclass(frozen=True, slots=True)
class Download:
    """A ready export, which was recorded as downloaded."""

    export: ExportRow

    def response(self, store: Store) -> Response:
        """The file, opened part by part while it is sent."""
        day = self.export.ready_at.date().isoformat() if self.export.ready_at else ""
        headers = {
            "Content-Disposition": f'attachment; filename="data-export-{day}.zip"',
            "Content-Length": str(self.export.size),
            "Cache-Control": "no-store",
        }
        return StreamingResponse(repository.content(store, self.export), media_type="application/zip", headers=headers)


async def by_token(store: Store, origin: RequestOrigin, token: str) -> Download:
    """The customer's own newest export, with the token of the mail; raise `ProofInvalid`, `ProofExpired`."""
    organization_id = origin.principal.organization.id
    async with store.database.transaction() as session:
        used = await proofs.use(
            session, store.vault, organization_id=organization_id, purpose=Purpose.DATA_EXPORT, token=token
        )
        export = await _ready(store, organization_id, used.customer_id, by_staff=False)
        if export is None:
            raise ProofInvalid
        record(session, origin, Action.DATA_EXPORT_DOWNLOADED, customer_id=used.customer_id, object_id=export.id)
    return Download(export)


async def by_staff(store: Store, origin: RequestOrigin, export_id: str) -> Download | None:
    """An export that a staff member may download; None for any other caller, or when it is not ready."""
    principal = origin.principal
    if principal.kind is not CallerKind.STAFF or Scope.PRIVACY_WRITE not in principal.scopes:
        return None
    try:
        owned = ids.decode_owned(KIND, export_id)
    except NotFound:
        return None
    export = await _ready(store, principal.organization.id, owned.owner_id, export_id=owned.row_id, by_staff=True)
    if export is None:
        return None
    async with store.database.transaction() as session:
        record(session, origin, Action.DATA_EXPORT_DOWNLOADED, customer_id=owned.owner_id, object_id=export.id)
    return Download(export)


async def _ready(
    store: Store, organization_id: UUID, customer_id: UUID, *, by_staff: bool, export_id: UUID | None = None
) -> ExportRow | None:
    found = await repository.of_customer(store, organization_id=organization_id, customer_id=customer_id)
    for row in found:
        is_theirs = (row.requested_by_id is not None) == by_staff
        if row.status == DataExportStatus.READY.value and is_theirs and export_id in {None, row.id}:
            return row
    return None
