"""What the house promises about being forgotten."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class PrivacyPolicy:
    """How long a request can be taken back before the anonymization starts."""

    anonymization_delay: timedelta
