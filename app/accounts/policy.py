"""What the house asks of every account, whatever the organization."""

from dataclasses import dataclass

from app.platform.principal import OrganizationSettings


@dataclass(frozen=True, slots=True)
class AccountPolicy:
    """Settings of the process that accounts need."""

    password_min_length: int = 8

    def password_min_length_for(self, settings: OrganizationSettings) -> int:
        """How many characters a password has at least in an organization, which may only ask for more."""
        return max(self.password_min_length, settings.password_min_length or 0)
