"""Value types: parsed at the edge, valid by construction, never checked again."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from app.platform.blanks import INVISIBLE_CHARACTER, without_blanks
from app.platform.cards import refuse_card_numbers, to_ascii_digits
from app.platform.errors import AppError, ErrorCode, ErrorRule, Invalid, Required, TooLong, TooShort
from app.platform.likely_cards import refuse_likely_card_numbers

EMAIL_MAX = 96
LOGIN_NAME_MIN = 5
LOGIN_NAME_MAX = 64
LOGIN_NAME = re.compile(r"[A-Za-z0-9._\-]+")
PHONE_MAX = 32
PHONE_MAX_DIGITS = 15
"""ITU-T E.164, section 6: country code and number together."""
NOT_AN_EMAIL = "This is not an email address. Write it as in ann@example.org."
URL_MAX = 2048
LOCALE_MAX = 64
LANGUAGE_TAG = re.compile(
    r"(?P<language>[a-z]{2,3}(?:-[a-z]{3}){0,3})(?P<script>-[a-z]{4})?(?P<region>-(?:[a-z]{2}|[0-9]{3}))?"
    r"(?P<rest>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?)",
    re.IGNORECASE | re.ASCII,
)
ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
EMAIL_LIKE = re.compile(r"[^@]@[^@]+\.[^@]")
SHOPPER_REFERENCE = re.compile(r"[!-~]+")
# U+2028 and U+2029 break lines, but are not control characters.
LINE_BREAKS = frozenset("\n\t\u2028\u2029")
# They turn around or hide what stands after them, in mails and in the back office, too (Unicode Technical Report 36,
# section 2.8.1). Marks and isolates, which people need to mix scripts, do not.
OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e")
MIN_BIRTH_YEAR = 1880


class InvalidPhone(AppError):
    """Not a telephone number that can be called."""

    code = ErrorCode.INVALID_PHONE
    message = "This is not a valid telephone number. Write it with its country code, as in +41 44 668 18 00."


def normalize_text(raw: str) -> str:
    """`raw` in NFC without surrounding blanks and invisible characters.

    Raise `Invalid` for control characters, and for those that turn the direction of what follows.
    """
    value = without_blanks(unicodedata.normalize("NFC", raw))
    if any(_is_control(character) for character in value):
        raise Invalid("This contains control characters. Remove them.", rule=ErrorRule.CONTROL_CHARACTERS)
    return value


def _is_control(character: str) -> bool:
    return character in OVERRIDES or (unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\t")


def text_parser(min_length: int, max_length: int, *, multiline: bool = False) -> Callable[[str], str]:
    """A parser for free text of `min_length` to `max_length` characters, on one line unless `multiline`.

    It refuses what looks like a card number, so that none is stored in a name or a note.
    """
    parse_bounded = _length_parser(min_length, max_length, multiline=multiline)

    def parse(raw: str) -> str:
        value = parse_bounded(raw)
        refuse_card_numbers(value)
        return value

    return parse


def identifier_parser(min_length: int, max_length: int) -> Callable[[str], str]:
    """Like `text_parser`, for what programs write: references, codes, addresses of pages.

    Such fields are full of long numbers, so only what is very likely a card number is refused.
    """
    parse_bounded = _length_parser(min_length, max_length)

    def parse(raw: str) -> str:
        value = parse_bounded(raw)
        refuse_likely_card_numbers(value)
        return value

    return parse


def _length_parser(min_length: int, max_length: int, *, multiline: bool = False) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        value = normalize_text(raw) if len(raw) <= max_length * 4 else raw
        if len(value) > max_length:
            raise TooLong("At most {max} characters.", max=max_length)
        if len(value) < min_length:
            raise Required() if not value else TooShort("At least {min} characters.", min=min_length)
        if not multiline and not LINE_BREAKS.isdisjoint(value):
            raise Invalid("This must be on one line.", rule=ErrorRule.ONE_LINE)
        return value

    return parse


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """An email address as typed, and its canonical form, equal for all spellings of its mailbox and no other."""

    address: str
    canonical: str

    @classmethod
    def parse(cls, raw: str) -> "EmailAddress":
        """Check the syntax (RFC 5321, 6531; no network) and the length (96 characters); raise `Invalid`, `TooLong`.

        Addresses below `.test` are taken like all others, as RFC 6761, section 6.2, asks of programs.
        """
        value = normalize_text(raw) if len(raw) <= EMAIL_MAX * 4 else raw
        if len(value) > EMAIL_MAX:
            raise TooLong("At most {max} characters.", max=EMAIL_MAX)
        try:
            checked = validate_email(value, check_deliverability=False, strict=True, test_environment=True)
        except EmailNotValidError:
            raise Invalid(NOT_AN_EMAIL, rule=ErrorRule.EMAIL) from None
        local = checked.local_part or ""
        if "." not in checked.domain or INVISIBLE_CHARACTER.search(local):
            raise Invalid(NOT_AN_EMAIL, rule=ErrorRule.EMAIL)
        # Separately: the digits of 13812345678@163.com are two numbers.
        for part in (local, checked.domain):
            refuse_card_numbers(part)
        return cls(checked.normalized, f"{_canonical_local_part(local)}@{checked.ascii_domain}")


def _canonical_local_part(local: str) -> str:
    """Lower case, for no server tells `Ann` from `ann`; nothing else: `ß` and `ss` are two mailboxes."""
    return unicodedata.normalize("NFC", local.lower())


def fold(text: str) -> str:
    """The form in which words that look alike are equal (NFKC, case folded): to compare by, never to name people by."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


@dataclass(frozen=True, slots=True)
class LoginName:
    """A login name as typed, and its canonical form for the look-up."""

    name: str
    canonical: str

    @classmethod
    def parse(cls, raw: str) -> "LoginName":
        """5 to 64 letters, digits, `.`, `_`, `-`; raise `TooShort`, `TooLong`, `Invalid`."""
        value = text_parser(LOGIN_NAME_MIN, LOGIN_NAME_MAX)(raw)
        if not LOGIN_NAME.fullmatch(value):
            raise Invalid("Use letters, digits, dots, underscores and hyphens only.", rule=ErrorRule.PATTERN)
        return cls(value, value.lower())


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A telephone number in E.164 form."""

    e164: str

    @classmethod
    def parse(cls, raw: str, region: str | None = None) -> "PhoneNumber":
        """Parse 3 to 32 characters; without a leading + or 00 it is a number of `region` (ISO 3166-1)."""
        value = _length_parser(3, PHONE_MAX)(raw)
        if not _looks_like_phone_number(value):
            refuse_card_numbers(value)
        number = _valid_number(value, region) or _valid_number(f"+{value[2:]}" if value.startswith("00") else "", None)
        if number is None:
            refuse_card_numbers(value)
            raise InvalidPhone
        if number.extension:
            # E.164 cannot store it; the caller has to learn that it would be lost.
            raise InvalidPhone("Write the number without its extension.")
        return cls(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))

    @property
    def national(self) -> str:
        """The number as it is written inside its own country."""
        number = phonenumbers.parse(self.e164)
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)


def _valid_number(value: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def fax(raw: str) -> str:
    """Parse a fax number of 1 to 32 characters. With a country code or a leading 0 it is no card number."""
    value = _length_parser(1, 32)(raw)
    if not _looks_like_phone_number(value):
        refuse_card_numbers(value)
    return value


def _looks_like_phone_number(value: str) -> bool:
    """Whether this begins like a telephone number and is short enough: one in ten of them would pass for a card."""
    digits = "".join(character for character in to_ascii_digits(value) if character.isdecimal())
    return value.startswith(("+", "0", "(")) and len(digits.lstrip("0")) <= PHONE_MAX_DIGITS


def shopper_reference(raw: str) -> str:
    """3 to 128 visible ASCII characters, as gateways accept no others; no email address, as it is stored readable."""
    value = identifier_parser(3, 128)(raw)
    if EMAIL_LIKE.search(value):
        raise Invalid("This is stored readable. Do not use an email address.", rule=ErrorRule.PATTERN)
    if not SHOPPER_REFERENCE.fullmatch(value):
        raise Invalid("Use letters, digits and punctuation without spaces.", rule=ErrorRule.PATTERN)
    return value


def iso_date(raw: str) -> date:
    """A day as `YYYY-MM-DD`; no other form of ISO 8601 (`20260131`, `2026-W05-6`) is accepted."""
    value = without_blanks(raw)
    try:
        if ISO_DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise Invalid("This is not a day of the calendar. Write it as in 2026-01-31.", rule=ErrorRule.DATE)


def iso_datetime(raw: str) -> datetime:
    """A moment with its zone, ISO 8601, in UTC."""
    try:
        parsed = datetime.fromisoformat(without_blanks(raw))
        if parsed.tzinfo is not None:
            return parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Invalid(
        "This is not a point in time. Write it with its zone, as in 2026-01-31T12:00:00Z.", rule=ErrorRule.DATE
    )


def birth_date(raw: str) -> date:
    """A past day on which a living person can have been born, as `YYYY-MM-DD`."""
    day = iso_date(raw)
    if day.year < MIN_BIRTH_YEAR:
        raise Invalid("Nobody alive was born before {min}. Check the year.", rule=ErrorRule.RANGE, min=MIN_BIRTH_YEAR)
    if day >= date.today():  # noqa: DTZ011 - a birthday has no time zone
        raise Invalid("A birth date lies in the past.", rule=ErrorRule.PAST)
    return day


def https_url(raw: str) -> str:
    """A web address of at most 2,048 characters that starts with https://."""
    value = identifier_parser(1, URL_MAX)(raw)
    if not re.fullmatch(r"https://[^\s/?#@]+(?:[/?#]\S*)?", value):
        raise Invalid("Write a web address that starts with https://.", rule=ErrorRule.URL)
    return value


def locale(raw: str) -> str:
    """A language tag such as `de`, `fr-CH`, `ca-ES-valencia` or `en-US-u-hc-h12` (BCP 47), in its recommended case.

    All of RFC 5646, section 2.1, but the tags that are registered as a whole and those of private use alone.
    """
    value = text_parser(2, LOCALE_MAX)(raw).replace("_", "-")
    match = LANGUAGE_TAG.fullmatch(value)
    if match is None:
        raise Invalid("Write a language tag such as de or fr-CH.", rule=ErrorRule.LANGUAGE)
    script, region = match["script"] or "", match["region"] or ""
    return f"{match['language'].lower()}{script.title()}{region.upper()}{match['rest'].lower()}"


def region_of(raw: str | None) -> str | None:
    """The country that a language tag names: `CH` of `de-CH`; None where it names none or a part of the world."""
    match = LANGUAGE_TAG.fullmatch((raw or "").replace("_", "-"))
    region = (match["region"] or "").lstrip("-").upper() if match else ""
    return region if region.isalpha() else None
