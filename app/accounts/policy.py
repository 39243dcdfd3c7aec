"""Account policy of the process, which applies to every organization."""

from dataclasses import dataclass

from app.platform.principal import OrganizationSettings


@dataclass(frozen=True, slots=True)
class AccountPolicy:
    """Process settings of accounts: the minimum length of passwords."""

    password_min_length: int = 8

    def password_min_length_for(self, settings: OrganizationSettings) -> int:
        """The minimum number of characters of a password. An organization may raise it, not lower it."""
        return max(self.password_min_length, settings.password_min_length or 0)
