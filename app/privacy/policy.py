"""Privacy policy of the process: the delay before an anonymization starts."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class PrivacyPolicy:
    """`anonymization_delay`: how long a request can be cancelled before the anonymization starts."""

    anonymization_delay: timedelta
