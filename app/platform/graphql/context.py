"""What a resolver may know about its request."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast
from uuid import UUID

from strawberry.dataloader import DataLoader

from app.platform.principal import Organization, Principal, RequestOrigin
from app.platform.vault.vault import Store

Service = TypeVar("Service")
Loaded = TypeVar("Loaded")
Load = Callable[[Store, UUID, Sequence[UUID]], Awaitable[list[Loaded]]]


class Services:
    """The long-lived objects of the process, found by their type."""

    def __init__(self, *services: object) -> None:
        """Keep one object of each type."""
        self._services = {type(service): service for service in services}

    def add(self, kind: type[Service], service: Service) -> None:
        """Keep `service` under an interface it implements."""
        self._services[kind] = service

    def get(self, kind: type[Service]) -> Service:
        """The one object of this type; a missing one is a bug of the start-up (`KeyError`)."""
        return cast("Service", self._services[kind])


@dataclass(slots=True)
class Context:
    """One request: who asks, where things are kept, and what was loaded already."""

    origin: RequestOrigin
    store: Store
    services: Services
    _loaders: dict[Load[Any], DataLoader[UUID, Any]] = field(default_factory=dict)

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return self.origin.principal

    @property
    def organization(self) -> Organization:
        """The shop the request belongs to."""
        return self.origin.principal.organization

    async def load(self, load: Load[Loaded], key: UUID) -> Loaded:
        """What `load` finds for `key`; asking for many keys at once costs one query."""
        return cast("Loaded", await self._loader(load).load(key))

    def prime(self, load: Load[Loaded | None], key: UUID, value: Loaded) -> None:
        """Remember what `load` would find for `key`, as it was read already."""
        self._loader(load).prime(key, value)

    def cached(self, load: Load[Loaded | None], key: UUID) -> Loaded | None:
        """What `load` has found for `key` already, or was told; None where nothing was asked yet."""
        loader = self._loaders.get(load)
        found = loader.cache_map.get(key) if loader else None
        return cast("Loaded", found.result()) if found and found.done() else None

    def clear_cache(self) -> None:
        """Drop all that was loaded: something was written."""
        self._loaders.clear()

    def _loader(self, load: Load[Any]) -> DataLoader[UUID, Any]:
        loader = self._loaders.get(load)
        if loader is None:

            async def batch(keys: list[UUID]) -> list[Any]:
                return await load(self.store, self.organization.id, keys)

            loader = self._loaders[load] = DataLoader(load_fn=batch)
        return loader
