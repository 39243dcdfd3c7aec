"""What is stored, column by column, and what an erasure does to it: the record that plans and receipts are made from.

Every column of every table is one of these; a test fails on a column that is not listed, and on a personal one that is
not sealed:

personal        says something about a person; sealed with the person's key
pseudonymous    points at a person: an id, or a keyed hash
operational     anything else: times, states, versions, settings of the shop
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """What an erasure does to the rows of a person."""

    DELETED = "DELETED"
    ANONYMIZED = "ANONYMIZED"
    KEPT = "KEPT"


class Ground(Enum):
    """Why something stays: the law, or that the erasure and the accesses before it can be shown."""

    BOOKKEEPING = "BOOKKEEPING"
    ACCOUNTABILITY = "ACCOUNTABILITY"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredData:
    """A table. `owner` is the column with the id of the person; None where the rows are nobody's.

    `emptied` are the columns that an erasure empties where it keeps the row.
    """

    table: str
    owner: str | None = None
    outcome: Outcome | None = None
    ground: Ground | None = None
    personal: str = ""
    pseudonymous: str = ""
    operational: str = ""
    emptied: str = ""

    @property
    def columns(self) -> Iterator[tuple[str, str]]:
        """Each column with its kind."""
        for kind in ("personal", "pseudonymous", "operational"):
            yield from ((name, kind) for name in getattr(self, kind).split())


DELETED, ANONYMIZED, KEPT = Outcome.DELETED, Outcome.ANONYMIZED, Outcome.KEPT

OWNED: tuple[StoredData, ...] = (
    StoredData(
        table="customers",
        owner="id",
        outcome=ANONYMIZED,
        ground=Ground.BOOKKEEPING,
        personal="sealed sealed_password",
        pseudonymous="id shopper_reference reference_hash",
        operational="organization_id placed_orders group_id newsletter approval terms_version email_verified_at "
        "version created_at updated_at erased_at deleted_at",
        emptied="sealed sealed_password reference_hash group_id terms_version email_verified_at",
    ),
    StoredData(
        table="login_identifiers",
        owner="customer_id",
        outcome=DELETED,
        pseudonymous="keyed_hash customer_id",
        operational="organization_id kind",
    ),
    StoredData(
        table="shopper_references",
        owner="customer_id",
        outcome=DELETED,
        pseudonymous="shopper_reference customer_id",
        operational="organization_id",
    ),
    StoredData(
        table="addresses",
        owner="customer_id",
        outcome=DELETED,
        personal="sealed",
        pseudonymous="customer_id id",
        operational="organization_id country_code is_default_shipping is_default_billing version created_at updated_at",
    ),
    StoredData(
        table="payment_methods",
        owner="customer_id",
        outcome=DELETED,
        personal="sealed",
        pseudonymous="customer_id id token_hash",
        operational="organization_id gateway type is_default expiry_notice_at created_at updated_at",
    ),
    StoredData(
        table="gateway_customers",
        owner="customer_id",
        outcome=DELETED,
        personal="sealed",
        pseudonymous="customer_id id",
        operational="organization_id gateway created_at",
    ),
    StoredData(
        table="orders",
        owner="owner_id",
        outcome=ANONYMIZED,
        ground=Ground.BOOKKEEPING,
        personal="sealed",
        pseudonymous="owner_id id customer_id number spent_key_id guest_hash content_hash",
        operational="organization_id status placed_at cancelled_at total_minor currency_code item_count country_code "
        "version created_at updated_at",
        emptied="sealed guest_hash content_hash",
    ),
    StoredData(
        table="login_sessions",
        owner="owner_id",
        outcome=DELETED,
        personal="sealed_device",
        pseudonymous="owner_id id customer_id client_id staff_id custom_claim",
        operational="organization_id kind scopes created_at last_used_at idle_expires_at expires_at ended_at "
        "ended_reason",
    ),
    StoredData(
        table="refresh_tokens",
        owner="customer_id",
        outcome=DELETED,
        pseudonymous="customer_id id session_id token_hash",
        operational="organization_id issued_at expires_at used_at",
    ),
    StoredData(
        table="proofs",
        owner="customer_id",
        outcome=DELETED,
        personal="sealed",
        pseudonymous="customer_id id about_hash token_hash code_hash",
        operational="organization_id purpose code_tries created_at expires_at used_at",
    ),
    StoredData(
        table="guess_counters",
        owner="customer_id",
        outcome=DELETED,
        pseudonymous="key_hash customer_id",
        operational="organization_id failures last_failed_at blocked_until",
    ),
    StoredData(
        table="outgoing_mails",
        owner="customer_id",
        outcome=DELETED,
        personal="sealed",
        pseudonymous="customer_id id",
        operational="organization_id template state attempts due_at created_at settled_at failure",
    ),
    StoredData(
        table="anonymization_requests",
        owner="owner_id",
        outcome=KEPT,
        ground=Ground.ACCOUNTABILITY,
        pseudonymous="owner_id id customer_id guest_hash requester_id canceller_id",
        operational="organization_id status requested_at starts_after due_at started_at completed_at failed_at "
        "cancelled_at attempts failure counts",
    ),
    StoredData(
        table="erasure_requests",
        owner="customer_id",
        outcome=ANONYMIZED,
        ground=Ground.ACCOUNTABILITY,
        personal="sealed",
        pseudonymous="customer_id id decided_by_id",
        operational="organization_id status requested_at decided_at",
        emptied="sealed",
    ),
    StoredData(
        table="data_exports",
        owner="customer_id",
        outcome=DELETED,
        pseudonymous="customer_id id requested_by_id",
        operational="organization_id status requested_at due_at attempts failure ready_at expires_at size",
    ),
    StoredData(
        table="data_export_parts",
        owner="customer_id",
        outcome=DELETED,
        personal="sealed",
        pseudonymous="customer_id id export_id",
        operational="position",
    ),
    StoredData(
        table="legal_holds",
        owner="customer_id",
        outcome=ANONYMIZED,
        ground=Ground.ACCOUNTABILITY,
        personal="sealed",
        pseudonymous="customer_id id placed_by_id released_by_id",
        operational="organization_id until placed_at released_at",
        emptied="sealed",
    ),
    StoredData(
        table="webhook_events",
        owner="owner_id",
        outcome=DELETED,
        pseudonymous="owner_id id customer_id object_id",
        operational="organization_id event fields actor_kind at due_at",
    ),
    StoredData(
        table="webhook_deliveries",
        owner="owner_id",
        outcome=DELETED,
        pseudonymous="owner_id id customer_id object_id",
        operational="organization_id endpoint_id event fields actor_kind at state attempts due_at settled_at "
        "last_status failure",
    ),
    StoredData(
        table="audit_events",
        owner="owner_id",
        outcome=KEPT,
        ground=Ground.ACCOUNTABILITY,
        pseudonymous="owner_id id customer_id actor_id client_id object_id source",
        operational="organization_id actor_kind action fields request_id at",
    ),
    StoredData(
        table="audit_leaves",
        owner="owner_id",
        outcome=KEPT,
        ground=Ground.ACCOUNTABILITY,
        pseudonymous="owner_id event_id",
        operational="position",
    ),
)
"""What customers own in the main database."""

ORDER_NUMBERS = StoredData(
    table="order_numbers",
    owner="owner_id",
    outcome=KEPT,
    ground=Ground.BOOKKEEPING,
    pseudonymous="number owner_id order_id",
    operational="organization_id",
)
"""A row for each order, kept with it; not counted, as it is found by its number only."""

GATEWAY_ATTEMPTS = StoredData(
    table="gateway_attempts",
    owner="customer_id",
    pseudonymous="customer_id id token_hash",
    personal="sealed",
    operational="organization_id kind state gateway attempts next_attempt_at created_at updated_at",
)
"""What the payment gateways are asked to delete; sealed with the key of the system, and emptied when they answered."""

OTHERS: tuple[StoredData, ...] = (
    StoredData(
        table="customer_deletions",
        pseudonymous="customer_id id",
        operational="organization_id deleted_at due_at",
    ),
    StoredData(
        table="staff_members",
        owner="id",
        personal="sealed",
        pseudonymous="id email_hash",
        operational="organization_id created_at removed_at key_due_at",
    ),
    StoredData(
        table="organizations",
        operational="id slug name settings is_default created_at",
    ),
    StoredData(
        table="api_clients",
        operational="id organization_id kind name key_hash previous_key_hash previous_key_until scopes public_key "
        "created_at last_used_at revoked_at",
    ),
    StoredData(
        table="customer_groups",
        operational="id organization_id code name tax_exempt is_default created_at updated_at",
    ),
    StoredData(
        table="markets",
        operational="id organization_id code name currency_code group_id created_at updated_at",
    ),
    StoredData(
        table="extra_fields",
        operational="id organization_id name type required pattern max_length position labels options created_at "
        "updated_at",
    ),
    StoredData(
        table="webhook_endpoints",
        operational="id organization_id url signing events secrets previous_secret_until enabled disabled_reason "
        "failing_since created_at",
    ),
    StoredData(table="webhook_subscriptions", operational="endpoint_id event organization_id"),
    StoredData(table="used_assertions", operational="client_id jti_hash expires_at"),
    StoredData(table="trusted_documents", operational="sha256 text added_at"),
    StoredData(
        table="job_states", operational="name due_at last_success_at last_failure_at last_milliseconds last_count"
    ),
    StoredData(table="retention_runs", operational="organization_id category last_run_at last_removed"),
    StoredData(table="main_epoch", operational="id pair_id epoch advanced_at"),
    StoredData(table="audit_trees", operational="id origin size checkpoint built_until"),
    StoredData(table="audit_tiles", operational="level position hashes"),
)
"""The other tables of the main database."""

KEYSTORE: tuple[StoredData, ...] = (
    StoredData(
        table="person_keys",
        owner="person_id",
        outcome=DELETED,
        pseudonymous="person_id",
        operational="organization_id wrapped master_version created_at",
    ),
    StoredData(
        table="erasures",
        owner="person_id",
        outcome=KEPT,
        ground=Ground.ACCOUNTABILITY,
        pseudonymous="id person_id guest_hash requester_id canceller_id",
        operational="organization_id subject status requested_at starts_after started_at cancelled_at completed_at "
        "epoch key_version",
    ),
    StoredData(
        table="erasure_holds",
        pseudonymous="id person_id",
        operational="organization_id until placed_at released_at epoch",
    ),
    StoredData(
        table="erasure_receipts",
        pseudonymous="erasure_id",
        operational="number organization_id jws issued_at",
    ),
    StoredData(table="destroyed_keys", pseudonymous="person_id", operational="organization_id epoch"),
    StoredData(
        table="key_versions",
        operational="version provider wrapped created_at replaced_at rewrapped_at retiring_at destroyed_at",
    ),
    StoredData(table="keystore_backups", operational="id started_at finished_at oldest_version row_count sha256"),
    StoredData(table="system_keys", operational="id purpose wrapped master_version created_at retired_at"),
    StoredData(table="keystore_epoch", operational="id pair_id epoch advanced_at"),
    StoredData(table="audit_checkpoints", operational="origin day tree_size checkpoint created_at"),
)
"""The tables of the key store."""

MAIN = (*OWNED, ORDER_NUMBERS, GATEWAY_ATTEMPTS, *OTHERS)
