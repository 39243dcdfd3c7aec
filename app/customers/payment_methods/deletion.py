"""Deletes a payment method: at once here, and at the gateway as soon as it answers."""

from uuid import UUID

from app.customers.payment_methods import repository
from app.customers.payment_methods.tables import PaymentMethod
from app.customers.payment_methods.wallets import Wallet
from app.platform.errors import Invalid


async def delete(wallet: Wallet, method_id: UUID, *, replacement_id: UUID | None) -> None:
    """Delete a payment method; if it was the default, `replacement_id` becomes it, or else the newest other one.

    The order to the gateway is written in the same transaction. Raise `NotFound` of `id` or `replacementId`,
    `Invalid` when it is to replace itself.
    """
    row = wallet.find(method_id, "id")
    replacement = wallet.find(replacement_id, "replacementId") if replacement_id else None
    if replacement is row:
        raise Invalid("A payment method cannot replace itself. Name another one.", field=("replacementId",))
    repository.give_up(wallet.session, wallet.vault, row, wallet.box)
    await take_out(wallet, row, replacement=replacement)


async def take_out(wallet: Wallet, row: PaymentMethod, *, replacement: PaymentMethod | None = None) -> None:
    """Delete a row of which the gateway knows; while there are others, one of them stays or becomes the default."""
    await wallet.remove(row)
    if row.is_default and wallet.rows:
        await wallet.make_default(replacement or wallet.rows[-1])
