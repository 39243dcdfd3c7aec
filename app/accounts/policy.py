"""What the house asks of every account, whatever the organization."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccountPolicy:
    """Settings of the process that accounts need."""

    shortest_password: int = 8
