"""Deletes a payment method: immediately here, and at the gateway through the outbox."""

from uuid import UUID

from app.customers.payment_methods import repository
from app.customers.payment_methods.customer_payment_methods import CustomerPaymentMethods
from app.customers.payment_methods.tables import PaymentMethod
from app.platform.errors import Invalid


async def delete(methods: CustomerPaymentMethods, method_id: UUID, *, replacement_id: UUID | None) -> None:
    """Delete a payment method; if it was the default, `replacement_id` becomes the default, or else the newest one.

    The DETACH attempt is written in the same transaction. Raise `NotFound` of `id` or `replacementId`, `Invalid` when
    the payment method is named as its own replacement.
    """
    row = methods.find(method_id, "id")
    replacement = methods.find(replacement_id, "replacementId") if replacement_id else None
    if replacement is row:
        raise Invalid("A payment method cannot replace itself. Name another one.", field=("replacementId",))
    repository.request_detach(methods.session, methods.vault, row, methods.cipher)
    await remove_and_choose_default(methods, row, replacement=replacement)


async def remove_and_choose_default(
    methods: CustomerPaymentMethods, row: PaymentMethod, *, replacement: PaymentMethod | None = None
) -> None:
    """Delete a row whose detach was requested, or done by the gateway; while others are left, one is the default."""
    await methods.remove(row)
    if row.is_default and methods.rows:
        await methods.make_default(replacement or methods.rows[-1])
