"""Store when the owner of a payment method is notified of its expiry

Revision: c31043ea9e9a, after 68501dd819ae
"""

import sqlalchemy as sa
from alembic import op

revision = "c31043ea9e9a"
down_revision = "68501dd819ae"
branch_labels = None
depends_on = None

AWAITED_ONLY = sa.text("expiry_notice_at IS NOT NULL")


def upgrade() -> None:
    """Expand, and make every row due for the worker: the expiry is sealed, so SQL cannot read it."""
    with op.batch_alter_table("payment_methods") as batch_op:
        batch_op.add_column(sa.Column("expiry_notice_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(
            "ix_payment_methods_expiry_notice",
            ["expiry_notice_at"],
            sqlite_where=AWAITED_ONLY,
            postgresql_where=AWAITED_ONLY,
        )
    op.execute("UPDATE payment_methods SET expiry_notice_at = updated_at")


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("payment_methods") as batch_op:
        batch_op.drop_index("ix_payment_methods_expiry_notice")
        batch_op.drop_column("expiry_notice_at")
