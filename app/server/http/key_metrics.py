"""Metrics of the key versions and of the backups of the key store."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.platform.vault.rotation import is_unfinished
from app.platform.vault.versions import VersionRow


class KeyStates(NamedTuple):
    """All key versions, and when the newest backup of the key store was made."""

    versions: Sequence[VersionRow] = ()
    backed_up_at: datetime | None = None


class KeyMetrics(Collector):
    """What the key store says, the same in every process."""

    def __init__(self) -> None:
        """Show nothing until `states` is set."""
        self.states = KeyStates()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The metric families."""
        versions, backed_up_at = self.states
        counts = Counter(row.state for row in versions)
        states = GaugeMetricFamily("patron_key_versions", "Key versions by state.", labels=["state"])
        for state in ("current", "replaced", "retiring", "destroyed"):
            states.add_metric([state], counts[state])
        yield states
        for row in versions:
            if row.state == "current":
                yield GaugeMetricFamily("patron_key_version_current", "The current key version.", row.version)
                yield GaugeMetricFamily(
                    "patron_key_version_current_since_timestamp_seconds",
                    "When it became the current one.",
                    row.created_at.timestamp(),
                )
        yield GaugeMetricFamily(
            "patron_key_rotation_unfinished", "1 while keys of a replaced version are left.", is_unfinished(versions)
        )
        if backed_up_at is not None:
            yield GaugeMetricFamily(
                "patron_keystore_last_backup_timestamp_seconds",
                "When the newest backup of the key store was made.",
                backed_up_at.timestamp(),
            )
