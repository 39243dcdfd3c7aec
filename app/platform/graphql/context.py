"""The request context of resolvers: the caller, the databases, long-lived services, data loaders."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast
from uuid import UUID

from strawberry.dataloader import DataLoader

from app.platform.graphql.session_cookie import SessionCookie
from app.platform.languages import language_of, preferred_language
from app.platform.principal import DeadSession, Organization, Principal, RequestOrigin
from app.platform.vault.vault import Store

Service = TypeVar("Service")
Loaded = TypeVar("Loaded")
Load = Callable[[Store, UUID, Sequence[UUID]], Awaitable[list[Loaded]]]


class Services:
    """The long-lived objects of the process, looked up by type."""

    def __init__(self, *services: object) -> None:
        """Keep one object of each type."""
        self._services = {type(service): service for service in services}

    def add(self, kind: type[Service], service: Service) -> None:
        """Keep `service` under an interface it implements."""
        self._services[kind] = service

    def get(self, kind: type[Service]) -> Service:
        """The object of this type; a missing one is a bug of the start-up (`KeyError`)."""
        return cast("Service", self._services[kind])


@dataclass(slots=True)
class Context:
    """One request: the caller, the databases, the services, and what its data loaders have read."""

    origin: RequestOrigin
    store: Store
    services: Services
    dead_session: DeadSession | None = None
    cookie: SessionCookie = field(default_factory=SessionCookie)
    _sender: RequestOrigin | None = None
    _loaders: dict[Load[Any], DataLoader[UUID, Any]] = field(default_factory=dict)

    @property
    def principal(self) -> Principal:
        """The caller."""
        return self.origin.principal

    @property
    def organization(self) -> Organization:
        """The shop the request belongs to."""
        return self.origin.principal.organization

    @property
    def browser_customer_id(self) -> UUID | None:
        """The customer who is, or was until the access token expired, logged in in the browser that asks.

        For what a browser may know, not for what it may do: a session that was ended is nobody's.
        """
        dead = self.dead_session
        return dead.owner_id if dead and dead.reason == "TOKEN_EXPIRED" else self.principal.customer_id

    @property
    def locale(self) -> str | None:
        """The language of names and labels: the customer's own, else of `Accept-Language`; None where neither says."""
        return self.principal.locale or preferred_language(self.origin.accepted_languages)

    @property
    def language(self) -> str:
        """The language of messages: of `Accept-Language`, else of the customer's locale, else English."""
        return preferred_language(self.origin.accepted_languages) or language_of(self.principal.locale)

    def follow_locale(self, locale: str | None) -> None:
        """The customer's own locale was just changed: what is answered from now on is named in it."""
        self.answer_as(replace(self.principal, locale=locale))
        self._sender = self.origin

    def answer_as(self, principal: Principal) -> None:
        """The mutation logged a customer in: its payload shows what that customer may see, until the next one."""
        self._sender = self._sender or self.origin
        self.origin = replace(self.origin, principal=principal)

    def act_as_sender(self) -> None:
        """What follows is done as who sent the request, whom a mutation before may have logged in."""
        self.origin = self._sender or self.origin

    async def load(self, load: Load[Loaded], key: UUID) -> Loaded:
        """The result of `load` for `key`; calls for several keys in the same turn of the event loop share one query."""
        return cast("Loaded", await self._loader(load).load(key))

    def prime(self, load: Load[Loaded | None], key: UUID, value: Loaded) -> None:
        """Store the result of `load` for `key`, because it was read already."""
        self._loader(load).prime(key, value)

    def cached(self, load: Load[Loaded | None], key: UUID) -> Loaded | None:
        """The result of `load` for `key` if it was read or primed already, else None; starts no query."""
        loader = self._loaders.get(load)
        future = loader.cache_map.get(key) if loader else None
        return cast("Loaded", future.result()) if future and future.done() else None

    def clear_cache(self) -> None:
        """Drop everything the data loaders have read, because something was written."""
        self._loaders.clear()

    def _loader(self, load: Load[Any]) -> DataLoader[UUID, Any]:
        loader = self._loaders.get(load)
        if loader is None:

            async def batch(keys: list[UUID]) -> list[Any]:
                return await load(self.store, self.organization.id, keys)

            loader = self._loaders[load] = DataLoader(load_fn=batch)
        return loader
