"""How the tables of the main database lie on several machines: by owner, by what is looked up, or everywhere.

One schema serves one machine and many. `scripts/citus` prints what Citus needs to know after `patron migrate`; a test
compares these lists with the tables, and every statement that the tests run with these lists.
"""

import sys
from collections.abc import Iterator

# Rows of one owner lie together, with the customer they belong to.
BY_OWNER = {
    "customers": "id",
    "addresses": "customer_id",
    "payment_methods": "customer_id",
    "gateway_customers": "customer_id",
    "gateway_attempts": "customer_id",
    "login_sessions": "owner_id",
    "refresh_tokens": "customer_id",
    "proofs": "customer_id",
    "orders": "owner_id",
    "outgoing_mails": "customer_id",
    "anonymization_requests": "owner_id",
    "customer_deletions": "customer_id",
    "legal_holds": "customer_id",
    "erasure_requests": "customer_id",
    "data_exports": "customer_id",
    "data_export_parts": "customer_id",
    "webhook_events": "owner_id",
    "webhook_deliveries": "owner_id",
    "audit_events": "owner_id",
    "audit_leaves": "owner_id",
}
# What is unique in the whole installation, by what it is looked up by.
BY_LOOKUP = {
    "login_identifiers": "keyed_hash",
    "shopper_references": "shopper_reference",
    "order_numbers": "number",
    "guess_counters": "key_hash",
    "used_assertions": "jti_hash",
}
# Small, and complete on every machine.
REFERENCE = (
    "alembic_version",
    "organizations",
    "api_clients",
    "staff_members",
    "customer_groups",
    "markets",
    "extra_fields",
    "webhook_endpoints",
    "webhook_subscriptions",
    "trusted_documents",
    "job_states",
    "retention_runs",
    "main_epoch",
    "audit_trees",
    "audit_tiles",
)
DISTRIBUTED = {**BY_OWNER, **BY_LOOKUP}


def citus_statements() -> Iterator[str]:
    """What an operator runs on the coordinator, once, on the empty tables of a migrated database."""
    for table in REFERENCE:
        yield f"SELECT create_reference_table('{table}');"
    for table, column in BY_OWNER.items():
        together = "none" if table == "customers" else "customers"
        yield f"SELECT create_distributed_table('{table}', '{column}', colocate_with => '{together}');"
    for table, column in BY_LOOKUP.items():
        yield f"SELECT create_distributed_table('{table}', '{column}', colocate_with => 'none');"


if __name__ == "__main__":
    sys.stdout.writelines(f"{statement}\n" for statement in citus_statements())
