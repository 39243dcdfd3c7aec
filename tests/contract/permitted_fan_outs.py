"""The statements that may touch rows of many owners, each with its reason: none is needed to answer a customer.

A shape is what is done (LOCK for SELECT … FOR UPDATE), to which tables, by which columns; `*` stands for any.
"""

from fnmatch import fnmatchcase
from functools import cache

SWEEP = "a sweep of the worker: what has expired is nobody's in particular"
QUEUE = "a queue of the worker looks at all owners without a lock; each row is locked by its owner afterwards"
BACK_OFFICE = "a list, a count or a search of the back office is about all customers of an organization"
RESTORED = "after a restore, and at start-up: what happened lately is nobody's in particular"
CHECKED = "`patron restore check` looks at all rows that need a key"
GROUP_MOVES = "a group is deleted: its customers, whoever they are, move to another one"
COUNTED = "what an erasure deletes is counted before and after it: rare, and by an index"
AUDIT_TREE = "the tree over the audit log is one for all owners; its events are read in the order of the tree"

PERMITTED: dict[str, str] = {
    "SELECT audit_events BY event_id, id, organization_id, owner_id": AUDIT_TREE,
    "SELECT audit_leaves BY event_id, id, owner_id": AUDIT_TREE,
    "SELECT audit_events, audit_leaves BY position": AUDIT_TREE,
    "DELETE audit_leaves BY nothing": AUDIT_TREE,
    "SELECT audit_events BY *organization_id*": BACK_OFFICE,
    "DELETE guess_counters BY last_failed_at": SWEEP,
    "SELECT guess_counters BY last_failed_at": SWEEP,
    "DELETE used_assertions BY expires_at": SWEEP,
    "SELECT proofs BY expires_at": SWEEP,
    "SELECT outgoing_mails BY organization_id, settled_at": SWEEP,
    "SELECT gateway_attempts BY state, updated_at": SWEEP,
    "SELECT refresh_tokens BY expires_at": SWEEP,
    "SELECT login_sessions BY expires_at, organization_id": SWEEP,
    "SELECT login_sessions BY ended_at, organization_id": SWEEP,
    "SELECT orders BY id, organization_id, placed_at, version": SWEEP,
    "SELECT customers BY deleted_at, erased_at, id, newsletter, organization_id, sealed_password, updated_at": SWEEP,
    "SELECT orders BY spent_key_id": QUEUE,
    "SELECT data_exports BY due_at": QUEUE,
    "SELECT data_exports BY expires_at": SWEEP,
    "SELECT anonymization_requests BY due_at, status": QUEUE,
    "SELECT customer_deletions BY due_at": QUEUE,
    "SELECT gateway_attempts BY next_attempt_at, state": QUEUE,
    "SELECT outgoing_mails BY due_at, state": QUEUE,
    "SELECT payment_methods BY expiry_notice_at, id": QUEUE,
    "SELECT gateway_attempts BY state": "metrics count what needs a person",
    "SELECT outgoing_mails BY nothing": "metrics count the mails in each state",
    "SELECT outgoing_mails BY id": "the mailbox of development shows the mails of all",
    "SELECT outgoing_mails BY sealed": "the mailbox of development shows the mails of all",
    "SELECT webhook_events BY due_at": QUEUE,
    "SELECT webhook_deliveries BY due_at, state": QUEUE,
    "SELECT webhook_deliveries BY settled_at": SWEEP,
    "SELECT webhook_deliveries BY *endpoint_id*": BACK_OFFICE,
    "DELETE login_identifiers BY customer_id": "an erasure frees all names, also without the key that would tell them",
    "DELETE login_identifiers BY customer_id, kind": "an address or a login name changes: rare, and by an index",
    "DELETE guess_counters BY customer_id": "an erasure, or a password reset by mail: rare, and by an index",
    "SELECT guess_counters BY customer_id, organization_id": "an export shows all counters of one customer: rare",
    "SELECT orders BY guest_hash, organization_id": "an address was proven: the orders of the guest own themselves",
    "SELECT anonymization_requests BY cancelled_at, completed_at": RESTORED,
    "SELECT login_identifiers BY customer_id": COUNTED,
    "SELECT shopper_references BY customer_id": COUNTED,
    "SELECT guess_counters BY customer_id": COUNTED,
    "SELECT customer_deletions BY deleted_at, due_at": RESTORED,
    "SELECT orders BY customer_id, guest_hash, updated_at": RESTORED,
    "SELECT legal_holds BY placed_at, released_at": RESTORED,
    "SELECT erasure_requests BY id, organization_id": "staff name a request by its id alone",
    "SELECT erasure_requests BY *organization_id*": BACK_OFFICE,
    "SELECT legal_holds BY id, organization_id": "staff name a hold by its id alone",
    "SELECT customers BY id, sealed": CHECKED,
    "SELECT orders BY customer_id, id, sealed": CHECKED,
    "SELECT anonymization_requests BY organization_id, status": BACK_OFFICE,
    "SELECT anonymization_requests BY id, organization_id": "staff name a request by its id alone, a guest's too",
    "SELECT orders BY id, organization_id": "the back office names an order by its id alone, whosever it is",
    "SELECT payment_methods BY token_hash": "a gateway's webhook names a token, which several customers may have",
    "UPDATE login_sessions BY ended_at, expires_at, organization_id, staff_id": "a staff member leaves: the sessions "
    "belong to the clients that were used",
    "SELECT customers BY group_id": GROUP_MOVES,
    "UPDATE customers BY group_id": GROUP_MOVES,
    "SELECT customers BY *deleted_at*organization_id*": BACK_OFFICE,
    "SELECT anonymization_requests BY *id, owner_id*": BACK_OFFICE,
}


@cache
def is_permitted(shape: str) -> bool:
    """Whether a statement of this shape may do without an owner."""
    return any(fnmatchcase(shape, pattern) for pattern in PERMITTED)
