"""GraphQL mutations of addresses; the payloads show the customer after the change."""

from typing import Annotated, Any

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.addresses import defaults, editing, inputs
from app.customers.addresses.api import ALLOWED, KIND, Address, AddressId, AddressType, to_address
from app.customers.addresses.customer_addresses import lock_addresses, lock_addresses_of
from app.customers.addresses.inputs import AddressInput, UpdateAddressInput
from app.customers.payload_customers import CustomerPayload
from app.platform.graphql import ids
from app.platform.graphql.context import Context
from app.platform.graphql.fields import mutation
from app.platform.graphql.owner import owner_id
from app.platform.graphql.user_errors import UserError, as_user_errors


def _payload_fields(context: Context, saved: editing.SavedAddress) -> dict[str, Any]:
    return {"address": to_address(saved.record, context.principal.locale), "warnings": as_user_errors(saved.warnings)}


@strawberry.type(description="The address that was written.")
class SavedAddressPayload(CustomerPayload):
    """The shared fields of the payloads of creating and updating."""

    address: Address | None = strawberry.field(description="The address as it is now.", default=None)
    warnings: list[UserError] = strawberry.field(
        default_factory=list,
        description="Where the address breaks rules of its country, in an organization that allows it; it was written.",
    )


@strawberry.type(description="The new address.")
class CreateAddressPayload(SavedAddressPayload):
    """Payload of `createAddress`."""


@strawberry.type(description="The changed address.")
class UpdateAddressPayload(SavedAddressPayload):
    """Payload of `updateAddress`."""


@strawberry.type(description="The new default address.")
class SetDefaultAddressPayload(CustomerPayload):
    """Payload of `setDefaultAddress`."""

    address: Address | None = strawberry.field(description="The address that is the default now.", default=None)


@strawberry.type(description="What was deleted.")
class DeleteAddressPayload(CustomerPayload):
    """Payload of `deleteAddress`."""

    deleted_address_id: strawberry.ID | None = strawberry.field(description="The id that is no more.", default=None)


@strawberry.type
class AddressMutations:
    """Mutations of addresses."""

    @mutation(
        allow=ALLOWED, description="Add an address, at most 100 for a customer. The first one becomes the default."
    )
    async def create_address(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[AddressInput, strawberry.argument(description="The address.")],
    ) -> CreateAddressPayload:
        """A customer adds its own; an integration names the customer."""
        customer_id = owner_id(context.principal, input.customer_id)
        addresses = await lock_addresses(session, context.store.vault, context.origin, customer_id=customer_id)
        saved = await editing.create(
            addresses,
            country=input.country,
            typed=inputs.address_details(input),
            default_types=inputs.default_types(input),
            strictness=context.organization.settings.address_strictness,
        )
        return CreateAddressPayload(customer_id=customer_id, **_payload_fields(context, saved))

    @mutation(
        allow=ALLOWED, description="Change an address, in part: a field left away stays, an explicit null clears it."
    )
    async def update_address(
        self,
        context: Context,
        session: AsyncSession,
        id: AddressId,
        input: Annotated[UpdateAddressInput, strawberry.argument(description="What to change.")],
    ) -> UpdateAddressPayload:
        """When anything changed: the next version and one audit row; else nothing."""
        owner, address_id = ids.decode_owned(KIND, id)
        addresses = await lock_addresses_of(session, context.store.vault, context.origin, owner_id=owner)
        strictness = context.organization.settings.address_strictness
        saved = await editing.update(addresses, address_id, changes=inputs.changes(input), strictness=strictness)
        return UpdateAddressPayload(customer_id=owner, **_payload_fields(context, saved))

    @mutation(
        allow=ALLOWED,
        description="Make an address the default for shipping or billing; the present one stops being it.",
    )
    async def set_default_address(
        self,
        context: Context,
        session: AsyncSession,
        id: AddressId,
        type: Annotated[AddressType, strawberry.argument(description="What it becomes the default for.")],
    ) -> SetDefaultAddressPayload:
        """Nothing is written when it already is the default."""
        owner, address_id = ids.decode_owned(KIND, id)
        addresses = await lock_addresses_of(session, context.store.vault, context.origin, owner_id=owner)
        record = await defaults.set_default(addresses, address_id, defaults.AddressType[type.name])
        return SetDefaultAddressPayload(customer_id=owner, address=to_address(record, context.principal.locale))

    @mutation(
        allow=ALLOWED,
        description="Delete an address. Another one takes over when it is a default and not the only one.",
    )
    async def delete_address(
        self,
        context: Context,
        session: AsyncSession,
        id: AddressId,
        replacement_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="The address that becomes the default for what the deleted one was."),
        ] = None,
    ) -> DeleteAddressPayload:
        """Orders keep their own copies of the address."""
        owner, address_id = ids.decode_owned(KIND, id)
        addresses = await lock_addresses_of(session, context.store.vault, context.origin, owner_id=owner)
        await editing.delete(
            addresses,
            address_id,
            replacement_id=ids.decode_owned(KIND, replacement_id, "replacementId").row_id if replacement_id else None,
            keep_last=context.organization.settings.keep_last_address,
        )
        deleted = ids.encode_owned(KIND, owner_id=owner, row_id=address_id)
        return DeleteAddressPayload(customer_id=owner, deleted_address_id=deleted)
