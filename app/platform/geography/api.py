"""Countries and zones as GraphQL shows them."""

import unicodedata
from functools import lru_cache
from typing import Annotated

import strawberry

from app.platform.geography import countries, formats, zones
from app.platform.graphql.access import ANYBODY
from app.platform.graphql.context import Context
from app.platform.graphql.fields import query

ENGLISH = "en"
LONGEST_LOCALE = 35
"""What RFC 5646, section 4.4.1, advises to make room for."""

Locale = Annotated[
    str | None,
    strawberry.argument(
        description="Language of the names as a BCP 47 tag, such as `de-CH`; without it, the customer's own `locale`. "
        "English where it is not known."
    ),
]


@strawberry.type(description="A part of a country that its addresses name: a state, province, prefecture, canton …")
class Zone:
    """Plain values; also what somebody typed where the country has no such zone."""

    code: str = strawberry.field(
        description="Second half of the ISO 3166-2 code, such as `ZH`; where there is none, the name."
    )
    name: str = strawberry.field(description="What the zone is called.")


@strawberry.type(description="How an address of a country is written: what a form shows, in which order.")
class AddressFormat:
    """Mirrors `formats.AddressFormat`."""

    template: str = strawberry.field(
        description="The lines of an address with the names of the input fields in braces: `{postalCode} {city}`."
    )
    latin_template: str = strawberry.field(
        description="The same for an address in Latin letters, where that turns the order round (China, Japan, Korea)."
    )
    fields: list[str] = strawberry.field(description="The input fields of the template in its order.")
    upper_case: list[str] = strawberry.field(description="The input fields that are printed in capitals.")
    postal_code_examples: list[str] = strawberry.field(description="Postal codes of this country as examples.")
    postal_code_prefix: str = strawberry.field(
        description="What the post puts before the code in letters from abroad, such as `CH-`; mostly empty."
    )
    zone_type: str = strawberry.field(description="What a form calls the zone: `state`, `province`, `prefecture` …")
    city_type: str = strawberry.field(description="What a form calls the city: `city`, `suburb`, `post_town` …")
    postal_code_type: str = strawberry.field(
        description="What a form calls the code: `postal`, `zip`, `pin`, `eircode`."
    )


@strawberry.type(description="A country of ISO 3166-1 (and Kosovo), with the rules for its addresses.")
class Country:
    """Code and names are plain values; the rules are worked out when asked for, at the first time only."""

    code: str = strawberry.field(description="ISO 3166-1 alpha-2 code, such as `CH`.")
    alpha3: str = strawberry.field(description="ISO 3166-1 alpha-3 code, such as `CHE`.")
    name: str = strawberry.field(description="What the country is called.")
    source: strawberry.Private[countries.Country]
    locale: strawberry.Private[str]

    @strawberry.field(
        description="The address input fields without which a letter does not arrive; names depend on who is addressed."
    )
    def required_fields(self) -> list[str]:
        """Names as in `AddressInput`."""
        return list(formats.of_country(self.source).required)

    @strawberry.field(
        description="Regular expression of a postal code, fit for an HTML `pattern`; null where there are no codes."
    )
    def postal_code_pattern(self) -> str | None:
        """The syntax that Python, JavaScript and HTML share."""
        return formats.of_country(self.source).postal_code_pattern

    @strawberry.field(description="The zones an address chooses from; empty for most countries.")
    def zones(self) -> list[Zone]:
        """In the language of the country's name."""
        return [zone_shown(zone, self.locale) for zone in zones.of_country(self.source)]

    @strawberry.field(description="How an address of this country is written.")
    def address_format(self) -> AddressFormat:
        """Sets become lists in the order of the fields."""
        written = formats.of_country(self.source)
        return AddressFormat(
            template=written.template,
            latin_template=written.latin_template,
            fields=list(written.fields),
            upper_case=[field for field in written.fields if field in written.upper_case],
            postal_code_examples=list(written.postal_code_examples),
            postal_code_prefix=written.postal_code_prefix,
            zone_type=written.zone_type,
            city_type=written.city_type,
            postal_code_type=written.postal_code_type,
        )


def country_shown(source: countries.Country, locale: str) -> Country:
    """The GraphQL object of a country, named in `locale`."""
    return Country(
        code=source.code,
        alpha3=source.alpha3,
        name=countries.name(source.code, locale),
        source=source,
        locale=locale,
    )


def zone_shown(source: zones.Zone, locale: str) -> Zone:
    """The GraphQL object of a zone, named in `locale`."""
    return Zone(code=source.code, name=zones.zone_name(source, locale))


@lru_cache(maxsize=4096)
def country_named(code: str, locale: str | None) -> Country:
    """The country with this code in `locale`, else in English; kept, as addresses are read often."""
    return country_shown(countries.parse_country(code), _known(locale))


def zone_named(country_code: str, code: str | None, locale: str | None) -> Zone | None:
    """The zone that an address keeps as `code`, named like its country; what was typed where there is no such zone."""
    if code is None:
        return None
    return _zones_named(country_code, locale).get(code) or Zone(code=code, name=code)


@lru_cache(maxsize=512)
def _zones_named(country_code: str, locale: str | None) -> dict[str, Zone]:
    return {zone.code: zone for zone in country_named(country_code, locale).zones()}


@strawberry.type
class GeographyQueries:
    """Reference data; nothing of it belongs to an organization."""

    @query(allow=ANYBODY, description="All countries in the order of their names.", size=250)
    async def countries(self, context: Context, locale: Locale = None) -> list[Country]:
        """Accents count after letters (Åland Islands among the A): near enough to the alphabet for a list."""
        known = _known(locale or context.principal.locale)
        shown = [country_shown(source, known) for source in countries.every()]
        return sorted(shown, key=lambda country: unicodedata.normalize("NFKD", country.name.casefold()))

    @query(allow=ANYBODY, description="One country with its rules for addresses; null when there is no such country.")
    async def country(
        self,
        context: Context,
        code: Annotated[str, strawberry.argument(description="ISO 3166-1 alpha-2 code, such as `CH`, in any case.")],
        locale: Locale = None,
    ) -> Country | None:
        """Unlike an address, a query guesses nothing: `UK` is no country."""
        source = countries.find(code)
        return country_shown(source, _known(locale or context.principal.locale)) if source else None


def _known(locale: str | None) -> str:
    return locale if locale and len(locale) <= LONGEST_LOCALE else ENGLISH
