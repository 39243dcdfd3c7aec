"""GraphQL types and queries of countries and zones."""

import unicodedata
from functools import lru_cache
from typing import Annotated

import strawberry

from app.platform.geography import countries, formats, zones
from app.platform.geography.typed_postal_codes import typed_pattern
from app.platform.graphql.access import ANYBODY
from app.platform.graphql.context import Context
from app.platform.graphql.fields import query
from app.platform.values import LOCALE_MAX

ENGLISH = "en"
MAX_LOCALE_LENGTH = 64
"""The length that RFC 5646, section 4.4.1, recommends to support."""

Locale = Annotated[
    str | None,
    strawberry.argument(
        description="Language of the names as a BCP 47 tag, such as `de-CH`; without it, the customer's own `locale`, "
        "or else `Accept-Language`. English where it is not known."
    ),
]


@strawberry.type(description="A part of a country that its addresses name: a state, province, prefecture, canton …")
class Zone:
    """A zone, or the text that somebody typed where the country has no such zone."""

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
    """Code and names are plain values; the address rules are computed when first requested."""

    code: str = strawberry.field(description="ISO 3166-1 alpha-2 code, such as `CH`.")
    alpha3: str = strawberry.field(description="ISO 3166-1 alpha-3 code, such as `CHE`.")
    name: str = strawberry.field(description="What the country is called.")
    source: strawberry.Private[countries.Country]
    locale: strawberry.Private[str]

    @strawberry.field(
        description="The address input fields without which mail does not arrive; names depend on who is addressed."
    )
    def required_fields(self) -> list[str]:
        """Names as in `AddressInput`."""
        return list(formats.of_country(self.source).required)

    @strawberry.field(
        description="Regular expression of a postal code as people may type it, in either case and with or without "
        "separators, fit for an HTML `pattern`; null where there are no codes."
    )
    def postal_code_pattern(self) -> str | None:
        """In the syntax that Python, JavaScript and HTML share."""
        return typed_pattern(self.source)

    @strawberry.field(description="The zones an address chooses from; empty for most countries.")
    def zones(self) -> list[Zone]:
        """In the language of the country's name."""
        return [to_graphql_zone(zone, self.locale) for zone in zones.of_country(self.source)]

    @strawberry.field(description="How an address of this country is written.")
    def address_format(self) -> AddressFormat:
        """Lists the sets in the order of the fields."""
        address_format = formats.of_country(self.source)
        return AddressFormat(
            template=address_format.template,
            latin_template=address_format.latin_template,
            fields=list(address_format.fields),
            upper_case=[field for field in address_format.fields if field in address_format.upper_case],
            postal_code_examples=list(address_format.postal_code_examples),
            postal_code_prefix=address_format.postal_code_prefix,
            zone_type=address_format.zone_type,
            city_type=address_format.city_type,
            postal_code_type=address_format.postal_code_type,
        )


def to_graphql_country(source: countries.Country, locale: str) -> Country:
    """The GraphQL object of a country, named in `locale`."""
    return Country(
        code=source.code,
        alpha3=source.alpha3,
        name=countries.name(source.code, locale),
        source=source,
        locale=locale,
    )


def to_graphql_zone(source: zones.Zone, locale: str) -> Zone:
    """The GraphQL object of a zone, named in `locale`."""
    return Zone(code=source.code, name=zones.zone_name(source, locale))


@lru_cache(maxsize=4096)
def graphql_country(code: str, locale: str | None) -> Country:
    """The country with this code, named in `locale`, else in English; cached, as addresses are read often."""
    return to_graphql_country(countries.parse_country(code), _locale_or_english(locale))


def graphql_zone(country_code: str, code: str | None, locale: str | None) -> Zone | None:
    """The zone that an address stores as `code`, named like its country; other text becomes a zone of that name."""
    if code is None:
        return None
    return _graphql_zones(country_code, locale).get(code) or Zone(code=code, name=code)


@lru_cache(maxsize=512)
def _graphql_zones(country_code: str, locale: str | None) -> dict[str, Zone]:
    return {zone.code: zone for zone in graphql_country(country_code, locale).zones()}


@strawberry.type
class GeographyQueries:
    """Reference data, the same for all organizations."""

    @query(allow=ANYBODY, description="All countries in the order of their names.", size=250, reference=True)
    async def countries(self, context: Context, locale: Locale = None) -> list[Country]:
        """Sorted without accents (Åland Islands among the A), which is close enough to the alphabet for a list."""
        language = _locale_or_english(locale or context.locale)
        result = [to_graphql_country(source, language) for source in countries.all_countries()]
        return sorted(result, key=lambda country: _sort_key(country.name))

    @query(
        allow=ANYBODY,
        description="One country with its rules for addresses; null when there is no such country.",
        reference=True,
    )
    async def country(
        self,
        context: Context,
        code: Annotated[str, strawberry.argument(description="ISO 3166-1 alpha-2 code, such as `CH`, in any case.")],
        locale: Locale = None,
    ) -> Country | None:
        """Unlike an address, a query corrects nothing: `UK` is no country."""
        source = countries.find(code)
        return to_graphql_country(source, _locale_or_english(locale or context.locale)) if source else None


def _sort_key(name: str) -> tuple[str, str]:
    """Letters first, then accents: punctuation does not count (Unicode Technical Standard 10, levels 1 and 2).

    Vowel signs of Indian and Thai letters are marks too, and count as letters: they have no combining class.
    """
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(one for one in decomposed if one == " " or _is_letter(one)), decomposed


def _is_letter(one: str) -> bool:
    return one.isalnum() or (unicodedata.category(one)[0] == "M" and not unicodedata.combining(one))


def _locale_or_english(locale: str | None) -> str:
    return locale if locale and len(locale) <= LOCALE_MAX else ENGLISH
