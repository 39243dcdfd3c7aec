"""Key provider: the Transit engine of OpenBao or Vault, one Transit key for each key version.

    name      `{prefix}-{version}`, of type aes256-gcm96, not exportable
    add       POST keys/{name}                    wrap, unwrap   POST encrypt/{name}, decrypt/{name}
    destroy   POST keys/{name}/config (deletion_allowed), then DELETE keys/{name}
    versions  LIST keys

The token needs these operations on `keys/{prefix}-*`, `encrypt/{prefix}-*`, `decrypt/{prefix}-*`, and LIST on `keys`.
Backups of the OpenBao server itself keep destroyed keys: keep them as short as those of the key store.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from app.platform.vault.providers import MasterKeyError, ProviderUnavailable

NAME = "transit"
TIMEOUT_SECONDS = 5.0
NOT_FOUND = 404


class TransitKeyProvider:
    """Wraps version keys with Transit keys; they never leave the server."""

    name = NAME
    manages_versions = True

    def __init__(
        self, url: str, read_token: Callable[[], str], *, mount: str = "transit", prefix: str = "patron"
    ) -> None:
        """Use the engine at `mount` of the server `url`; `read_token` is called for every request, as tokens change."""
        self._prefix = prefix
        self._read_token = read_token
        self._mount = f"/v1/{mount}"
        self._client = httpx.AsyncClient(base_url=url, timeout=TIMEOUT_SECONDS)

    async def versions(self) -> frozenset[int]:
        """The versions whose Transit key exists."""
        found = await self._send("LIST", "keys", allow_missing=True)
        names = found.get("data", {}).get("keys", [])
        numbers = (name.removeprefix(f"{self._prefix}-") for name in names if name.startswith(f"{self._prefix}-"))
        return frozenset(int(number) for number in numbers if number.isdecimal())

    async def add(self, version: int) -> None:
        """Create the Transit key; one that exists is kept."""
        await self._send("POST", f"keys/{self._key(version)}", {"type": "aes256-gcm96", "exportable": False})

    async def wrap(self, version: int, key: bytes) -> bytes:
        """Encrypt with the Transit key; its version is bound to the result."""
        body = {"plaintext": _base64(key), "associated_data": self._associated_data(version)}
        if version not in await self.versions():
            # Encrypting with a name that does not exist would create it.
            raise self._missing(version)
        found = await self._send("POST", f"encrypt/{self._key(version)}", body)
        return str(found["data"]["ciphertext"]).encode()

    async def unwrap(self, version: int, wrapped: bytes) -> bytes:
        """Decrypt with the Transit key."""
        body = {"ciphertext": wrapped.decode(errors="replace"), "associated_data": self._associated_data(version)}
        found = await self._send("POST", f"decrypt/{self._key(version)}", body, version=version)
        return base64.b64decode(found["data"]["plaintext"])

    async def destroy(self, version: int) -> None:
        """Delete the Transit key with all its material; one that is gone is no error."""
        if version not in await self.versions():
            return
        await self._send("POST", f"keys/{self._key(version)}/config", {"deletion_allowed": True})
        await self._send("DELETE", f"keys/{self._key(version)}")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _key(self, version: int) -> str:
        return f"{self._prefix}-{version}"

    def _associated_data(self, version: int) -> str:
        return _base64(f"version-key|{version}".encode())

    async def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        version: int | None = None,
        allow_missing: bool = False,
    ) -> dict[str, Any]:
        try:
            response = await self._client.request(
                method, f"{self._mount}/{path}", json=body, headers={"X-Vault-Token": self._read_token()}
            )
        except (httpx.HTTPError, OSError) as error:
            raise ProviderUnavailable(f"The key provider does not answer ({type(error).__name__}).") from None
        if response.is_success:
            found: dict[str, Any] = response.json() if response.content else {}
            return found
        if response.status_code == NOT_FOUND and allow_missing:
            return {}
        if version is not None and response.is_client_error and version not in await self.versions():
            raise self._missing(version)
        if version is not None and response.status_code == httpx.codes.BAD_REQUEST:
            raise MasterKeyError(f"Version {version} of the master key is not the one that wrapped the version key.")
        # Sealed, throttled, token expired, policy: all of them may pass, and nothing says that a key is lost.
        raise ProviderUnavailable(f"The key provider answered {response.status_code} to {method} {path}.")

    @staticmethod
    def _missing(version: int) -> MasterKeyError:
        return MasterKeyError(f"Version {version} of the master key is needed and not there.")


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
