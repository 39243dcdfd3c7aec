"""A receiver of webhooks over HTTP, which answers as a test says, and verifies as Standard Webhooks says."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


@dataclass
class Received:
    """A message as it arrived."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def is_signed_with(self, secret: str) -> bool:
        """Whether one of its signatures was made with a shared secret, or verifies with a public key."""
        prefix, _, encoded = secret.partition("_")
        key = base64.b64decode(encoded)
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        return any(self._is_right(prefix, key, signed, one) for one in self.headers["webhook-signature"].split())

    @staticmethod
    def _is_right(prefix: str, key: bytes, signed: bytes, signature: str) -> bool:
        version, _, encoded = signature.partition(",")
        if prefix == "whsec":
            expected = hmac.digest(key, signed, hashlib.sha256)
            return version == "v1" and hmac.compare_digest(base64.b64decode(encoded), expected)
        if version != "v1a":
            return False
        Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(encoded), signed)
        return True


@dataclass
class Receiver:
    """What was received; answers `status` with `headers`, to each message anew where `statuses` are given."""

    url: str = ""
    status: int = 204
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)

    @property
    def events(self) -> list[str]:
        return [one.json["type"] for one in self.received]


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.received.append(Received({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hooks"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
