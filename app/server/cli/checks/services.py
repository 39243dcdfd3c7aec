"""The servers beside the databases: mail, Redis, the payment gateway."""

import asyncio
from collections.abc import Awaitable, Callable

import aiosmtplib

from app.platform.limits.shared import BadRedisUrl, open_windows
from app.platform.mail.smtp import BadMailServerUrl, MailServer
from app.platform.settings import Settings
from app.server.cli.checks.report import Report, Verdict

SECONDS = 10


async def check_services(config: Settings, report: Report) -> None:
    """Ask each of them; one that does not answer in time is an error."""
    await _within("mail", _check_mail, config, report)
    await _within("redis", _check_redis, config, report)
    await _within("stripe", _check_stripe, config, report)


async def _within(
    subject: str, look: Callable[[Settings, Report], Awaitable[None]], config: Settings, report: Report
) -> None:
    try:
        async with asyncio.timeout(SECONDS):
            await look(config, report)
    except TimeoutError:
        report.add(Verdict.ERROR, subject, f"No answer within {SECONDS} seconds.")


async def _check_mail(config: Settings, report: Report) -> None:
    url = config.smtp_url.get_secret_value()
    if not url:
        verdict = Verdict.OK if config.development else Verdict.WARNING
        report.add(verdict, "mail", "PATRON_SMTP_URL is not set: mails stay in the outbox.")
        return
    try:
        async with MailServer.parse(url).connect():
            report.add(Verdict.OK, "mail", "the server answers and takes the login")
    except BadMailServerUrl as error:
        report.add(Verdict.ERROR, "mail", f"PATRON_SMTP_URL: {error}")
    except (OSError, ValueError, aiosmtplib.SMTPException) as error:
        report.add(Verdict.ERROR, "mail", f"PATRON_SMTP_URL: The server refuses or is away ({type(error).__name__}).")


async def _check_redis(config: Settings, report: Report) -> None:
    url = config.redis_url.get_secret_value()
    if not url:
        report.add(Verdict.OK, "redis", "not used: each process counts rate limits for itself")
        return
    try:
        async with open_windows(url) as windows:
            away = windows.degraded
    except BadRedisUrl as error:
        report.add(Verdict.ERROR, "redis", f"PATRON_REDIS_URL: {error}")
        return
    except Exception as error:  # noqa: BLE001 - the library has its own error for each part of a URL
        report.add(Verdict.ERROR, "redis", f"PATRON_REDIS_URL cannot be used ({type(error).__name__}).")
        return
    if away:
        report.add(Verdict.ERROR, "redis", "PATRON_REDIS_URL: The server does not answer.")
    else:
        report.add(Verdict.OK, "redis", "answers")


async def _check_stripe(config: Settings, report: Report) -> None:
    secret = config.stripe_secret_key.get_secret_value()
    if not secret:
        note = "sandbox" if config.development else "no gateway: customers cannot save payment methods"
        report.add(Verdict.OK if config.development else Verdict.WARNING, "stripe", note)
        return
    missing = [
        name
        for name, value in (
            ("PATRON_STRIPE_PUBLISHABLE_KEY", config.stripe_publishable_key),
            ("PATRON_STRIPE_WEBHOOK_SECRET", config.stripe_webhook_secret.get_secret_value()),
        )
        if not value
    ]
    if missing:
        report.add(Verdict.ERROR, "stripe", f"Set {' and '.join(missing)} too.")
    status = await _stripe_status(config.stripe_api_base, secret)
    if status is None:
        report.add(Verdict.ERROR, "stripe", "Stripe does not answer: check the network, and PATRON_STRIPE_API_BASE.")
    elif status == 401:  # noqa: PLR2004 - an HTTP status
        report.add(Verdict.ERROR, "stripe", "PATRON_STRIPE_SECRET_KEY: Stripe does not know this key.")
    elif not missing:
        report.add(Verdict.OK, "stripe", "answers and knows the key")


async def _stripe_status(base: str, secret: str) -> int | None:
    # Other commands, and the server, need no HTTP client.
    import httpx  # noqa: PLC0415

    try:
        async with httpx.AsyncClient(timeout=SECONDS) as client:
            # A restricted key may be refused this, but is known.
            return (await client.get(f"{base}/v1/customers?limit=1", auth=(secret, ""))).status_code
    except httpx.HTTPError:
        return None
