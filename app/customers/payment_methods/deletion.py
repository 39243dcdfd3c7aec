"""Deletes a payment method: at once here, and at the gateway as soon as it answers."""

from uuid import UUID

from app.customers.payment_methods import repository
from app.customers.payment_methods.customer_payment_methods import CustomerPaymentMethods
from app.customers.payment_methods.tables import PaymentMethod
from app.platform.errors import Invalid


async def delete(methods: CustomerPaymentMethods, method_id: UUID, *, replacement_id: UUID | None) -> None:
    """Delete a payment method; if it was the default, `replacement_id` becomes it, or else the newest other one.

    The order to the gateway is written in the same transaction. Raise `NotFound` of `id` or `replacementId`,
    `Invalid` when it is to replace itself.
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
    """Delete a row of which the gateway knows; while there are others, one of them stays or becomes the default."""
    await methods.remove(row)
    if row.is_default and methods.rows:
        await methods.make_default(replacement or methods.rows[-1])
