"""1,000 wrong logins from one source: how many are checked, and whether the owner can log in on a known device.

`python -m tests.server.bench.guessing`: limits as in production, in one process, with default hashes.
"""

import asyncio
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from app.identity.guessing.policy import GuessingPolicy
from app.identity.passwords.hashing import PasswordHasher
from app.server.runtime import open_runtime
from app.server.web import create_app
from tests.server.bench.logins import organization_in
from tests.shop import PASSWORD

GUESSES = 1000
EMAIL = "ann@example.org"
LOGIN = """mutation ($password: String!, $device: String) {
    login(input: { identifier: "ann@example.org", password: $password, deviceToken: $device }) {
        deviceToken tokens { accessToken }
        userErrors { code ... on RateLimitedError { retryAfterSeconds } } } }"""
REGISTER = """mutation ($input: RegisterInput!) { register(input: $input) { deviceToken userErrors { code } } }"""
console = Console(width=120)


async def _run(folder: Path) -> None:
    settings, organization = await organization_in(folder)
    async with open_runtime(settings) as runtime:
        runtime.services.add(GuessingPolicy, GuessingPolicy())
        transport = httpx.ASGITransport(create_app(runtime))
        async with httpx.AsyncClient(transport=transport, base_url="http://bench") as client:

            async def ask(query: str, **variables: Any) -> Any:
                body = {"query": query, "variables": variables}
                return (await client.post("/graphql", json=body, headers={"x-api-key": organization.key})).json()[
                    "data"
                ]

            account = {"email": EMAIL, "password": PASSWORD, "passwordConfirmation": PASSWORD}
            device = (await ask(REGISTER, input=account))["register"]["deviceToken"]
            hasher = runtime.services.get(PasswordHasher)
            before, started = hasher.hashes, time.perf_counter()
            answers = [(await ask(LOGIN, password=f"guess {number}"))["login"] for number in range(GUESSES)]
            seconds = time.perf_counter() - started
            codes = Counter(answer["userErrors"][0]["code"] for answer in answers)
            console.print(f"{GUESSES} wrong logins from one source in {seconds:.1f} s: {dict(codes)}")
            console.print(f"hashes: {hasher.hashes - before}")
            started = time.perf_counter()
            owner = (await ask(LOGIN, password=PASSWORD, device=device))["login"]
            console.print(
                f"owner on a known device: {'in' if owner['tokens'] else owner['userErrors']} "
                f"after {(time.perf_counter() - started) * 1000:.0f} ms"
            )
            stranger = (await ask(LOGIN, password=PASSWORD))["login"]
            console.print(f"right password on an unknown device meanwhile: {stranger['userErrors'] or 'in'}")


def main() -> None:
    """Run and print."""
    with tempfile.TemporaryDirectory(prefix="patron-guessing-") as name:
        asyncio.run(_run(Path(name)))


if __name__ == "__main__":
    main()
