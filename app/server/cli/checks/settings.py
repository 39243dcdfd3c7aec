"""What the settings alone show: unknown names, addresses, the key, rate limits."""

import os
from difflib import get_close_matches
from urllib.parse import urlsplit

from app.platform.limits.policies import BadPolicy, policies
from app.platform.settings import Settings
from app.platform.vault.providers import MasterKeyError
from app.server.cli.checks.report import Report, Verdict
from app.server.http.local_requests import is_local_host
from app.server.runtime import BadSetting, key_providers

PREFIX = "PATRON_"
TEST_PREFIX = "PATRON_TEST_"


def check_names(config: Settings, report: Report) -> None:
    """Look for variables that no setting reads."""
    unknown = _unknown_names()
    for sentence in unknown:
        report.add(Verdict.ERROR, "settings", sentence)
    if not unknown:
        report.add(Verdict.OK, "settings", f"{config.env.value}, all names are known")


def _unknown_names() -> list[str]:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    found = [name for name in sorted(os.environ) if name.startswith(PREFIX) and not name.startswith(TEST_PREFIX)]
    return [_unknown(name, known) for name in found if name.upper() not in known]


def _unknown(name: str, known: set[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"There is no setting {name}." + (f" Did you mean {close[0]}?" if close else " Remove it.")


def check_addresses(config: Settings, report: Report) -> None:
    """Look at the address customers reach, and at the proxies before it."""
    parts = urlsplit(config.public_url)
    local = is_local_host(parts.netloc)
    if parts.scheme != "https" and not local:
        report.add(Verdict.ERROR, "public URL", "PATRON_PUBLIC_URL: Use https://, tokens and passwords go there.")
    elif config.development and not (local and is_local_host(config.host)):
        report.add(Verdict.ERROR, "public URL", "Development shows every mail. Set PATRON_ENV=production.")
    else:
        report.add(Verdict.OK, "public URL", config.public_url)
    if config.development or config.trusted_proxies:
        names = ", ".join(str(network) for network in config.trusted_proxies) or "none, in development"
        report.add(Verdict.OK, "proxies", names)
    else:
        report.add(
            Verdict.WARNING, "proxies", "PATRON_TRUSTED_PROXIES is empty: behind a proxy all customers are one source."
        )


def check_key(config: Settings, report: Report) -> bool:
    """Whether there is a key to open the key store with."""
    path = config.master_key_file
    if config.development and not config.master_key.get_secret_value() and path is not None and not path.exists():
        report.add(Verdict.OK, "master key", "is made at the first start of development")
        return False
    try:
        report.add(Verdict.OK, "master key", ", ".join(key_providers(config)))
    except (MasterKeyError, BadSetting) as error:
        report.add(Verdict.ERROR, "master key", str(error))
        return False
    return True


def check_limits(config: Settings, report: Report) -> None:
    """Look at the amounts of the rate limits."""
    try:
        policies(config.limit_scale, config.rate_limits)
    except BadPolicy as error:
        report.add(Verdict.ERROR, "rate limits", str(error))
