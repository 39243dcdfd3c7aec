"""What a receipt says: the claims of the JWS, their schema, and what no receipt can see.

iss, iat, jti        who issued it, when (seconds since 1970), `<erasure>.<number>`
erasure              id of the request; `person` is the customer's id, which orders keep, or null for a guest
requestedAt, startedAt, completedAt, keyDestroyedAt
irrecoverableBy      when the last key version that wrapped the person's key is to be destroyed, by the schedule
irrecoverableAt      when it was; null in the first receipt
stores               what was found and what became of it, by store
unanswered           payment gateways that have not confirmed yet what they were asked to delete
cannotSee            where data may be that the service cannot look into
previous             SHA-256 of the first receipt, in the second one
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from hashlib import sha256
from typing import Any, NamedTuple

import jwt

from app.platform.vault.ledger import Entry, Subject
from app.privacy.inventory import Inventory, entries
from app.privacy.stored_data import Outcome

TYPE = "erasure-receipt+jwt"
FIRST, FINAL = 1, 2


class Unseen(Enum):
    """Where data of the person may be that the service cannot look into."""

    MAILBOXES = "MAILBOXES"
    OTHER_SYSTEMS = "OTHER_SYSTEMS"
    PAYMENT_RECORDS = "PAYMENT_RECORDS"
    BACKUPS = "BACKUPS"


@dataclass(frozen=True, slots=True)
class Findings:
    """What the erasure counted, and what was found when every store was read again: `kept`, and nothing else."""

    counted: Inventory
    kept: Mapping[str, int]
    unanswered: list[str]


class Irrecoverable(NamedTuple):
    """When nobody can read the person any more, with every copy: `by` the schedule, and `at` once it happened."""

    by: datetime | None
    at: datetime | None


def claims(
    erasure: Entry,
    findings: Findings,
    irrecoverable: Irrecoverable,
    *,
    number: int,
    issuer: str,
    issued_at: datetime,
    previous: str | None,
) -> dict[str, Any]:
    """The content of a receipt; the module has the names."""
    is_guest = erasure.subject == Subject.GUEST.value
    unseen = [one.value for one in Unseen if one is not Unseen.BACKUPS or irrecoverable.at is None]
    return {
        "iss": issuer,
        "iat": int(issued_at.timestamp()),
        "jti": f"{erasure.id}.{number}",
        "erasure": str(erasure.id),
        "organization": str(erasure.organization_id),
        "subject": erasure.subject,
        "person": None if is_guest else str(erasure.person_id),
        "requestedAt": _moment(erasure.requested_at),
        "startedAt": _moment(erasure.started_at),
        "completedAt": _moment(erasure.completed_at),
        "keyDestroyedAt": _moment(erasure.completed_at),
        "irrecoverableBy": _moment(irrecoverable.by),
        "irrecoverableAt": _moment(irrecoverable.at),
        "stores": _stores(findings),
        "unanswered": findings.unanswered,
        "cannotSee": unseen,
        "previous": sha256(previous.encode()).hexdigest() if previous else None,
    }


def _stores(findings: Findings) -> list[dict[str, Any]]:
    stores = []
    for entry in entries(findings.counted):
        # What an erasure itself adds, such as its audit event, is kept, too.
        count = findings.kept.get(entry.store, entry.count) if entry.outcome is Outcome.KEPT else entry.count
        stores.append(
            {
                "store": entry.store,
                "deleted": count if entry.outcome is Outcome.DELETED else 0,
                "anonymised": count if entry.outcome is Outcome.ANONYMIZED else 0,
                "kept": count if entry.outcome is Outcome.KEPT else 0,
                "ground": entry.ground.value if entry.ground else None,
                "keptUntil": _moment(entry.kept_until),
            }
        )
    return stores


def _moment(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None


def content(jws: str) -> dict[str, Any]:
    """The claims of a receipt that this service has stored, and so need not verify."""
    claimed: dict[str, Any] = jwt.decode(jws, options={"verify_signature": False})
    return claimed
