"""A postal address: the fields that are checked and formatted."""

from dataclasses import dataclass

from app.platform.geography.countries import Country


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """An address as typed. Absent, null and blank are equal; nothing here changes a value."""

    country: Country
    zone: str | None = None
    city: str | None = None
    postal_code: str | None = None
    line1: str | None = None
    line2: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None

    @property
    def by_field(self) -> dict[str, str]:
        """The values by input field, without surrounding or repeated blanks."""
        values = {
            "firstName": self.first_name,
            "lastName": self.last_name,
            "company": self.company,
            "line1": self.line1,
            "line2": self.line2,
            "city": self.city,
            "postalCode": self.postal_code,
            "zone": self.zone,
        }
        return {field: " ".join((value or "").split()) for field, value in values.items()}
