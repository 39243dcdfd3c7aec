"""What the house asks of every account, whatever the organization."""

from dataclasses import dataclass

from app.platform.principal import OrganizationSettings


@dataclass(frozen=True, slots=True)
class AccountPolicy:
    """Settings of the process that accounts need."""

    shortest_password: int = 8

    def shortest_in(self, settings: OrganizationSettings) -> int:
        """How many characters a password has at least in an organization, which may only ask for more."""
        return max(self.shortest_password, settings.password_min_length or 0)
