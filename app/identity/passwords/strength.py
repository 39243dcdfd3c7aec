"""Password strength rules (NIST SP 800-63B): length, blocklist, predictability, personal data."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise

from app.identity.passwords.common_passwords import is_common
from app.identity.passwords.normalization import MAX_LENGTH, normal_form
from app.platform.errors import AppError, ErrorCode, ErrorRule
from app.platform.values import fold

MIN_PERSONAL_WORD_LENGTH = 4
MIN_RUN_LENGTH = 4
REPETITION = re.compile(r"(.+?)\1+", re.DOTALL)
TRAILING_NON_LETTERS = re.compile(r"[\W\d_]+\Z")
LEADING_NON_LETTERS = re.compile(r"\A[\W\d_]+")
WORD_SEPARATORS = re.compile(r"[\W_]+")
# Two translations, since a 1 may stand for an i or for an l.
LEET_TRANSLATIONS = (str.maketrans("@4310!5$7", "aaeioisst"), str.maketrans("@4310!5$7", "aaeloisst"))


class PasswordTooWeak(AppError):
    """The password breaks `rule`; the message also says what to choose instead."""

    code = ErrorCode.PASSWORD_TOO_WEAK


class PasswordTooLong(PasswordTooWeak):
    """More than 128 characters. It is refused, not truncated: a part of it would otherwise match the whole."""

    rule = ErrorRule.LENGTH
    message = "This password is too long. Use at most {max} characters."

    def __init__(self) -> None:
        """The message names the maximum length."""
        super().__init__(max=MAX_LENGTH)


def check(password: str, *, shortest: int = 8, personal: Iterable[str] = ()) -> None:
    """Raise `PasswordTooWeak` for the first rule that `password` breaks. Works without network access.

    The rules follow NIST SP 800-63B: a minimum and a maximum length, counted in code points of the NFKC form, and a
    blocklist of leaked passwords, dictionary words, repetitions, sequences and context-specific words. There are no
    composition rules (upper case, digits, signs): NIST forbids them.

    `personal` lists what others may know about the person: email addresses, login name, first and last name; possibly
    the shop's name. None of these values and none of their parts of at least 4 characters may occur in the password,
    nor the password in them; case is ignored.
    """
    normal = normal_form(password)
    if normal is None:
        raise PasswordTooLong
    if len(normal) < shortest:
        raise PasswordTooWeak(
            "This password is too short. Use at least {min} characters; several unrelated words are easy to remember.",
            rule=ErrorRule.LENGTH,
            min=shortest,
        )
    folded = fold(normal)
    _refuse_predictable(folded)
    _refuse_common(folded)
    _refuse_personal(folded, personal)


def _refuse_predictable(folded: str) -> None:
    repetition = REPETITION.fullmatch(folded)
    unit = len(repetition.group(1)) if repetition else len(folded)
    if unit < MIN_RUN_LENGTH or _runs(folded) * MIN_RUN_LENGTH <= len(folded):
        raise PasswordTooWeak(
            "This password only repeats or counts characters. Use several unrelated words instead.",
            rule=ErrorRule.PREDICTABLE_PASSWORD,
        )


def _runs(text: str) -> int:
    """The number of runs in `text` that repeat one character, count up or count down: 2 for aaaa4321."""
    runs, step = 1, None
    for before, after in pairwise(map(ord, text)):
        distance = after - before
        if step is None and abs(distance) <= 1:
            step = distance
        elif step is None or distance != step:
            runs, step = runs + 1, None
    return runs


def _refuse_common(folded: str) -> None:
    if any(is_common(word) for word in _base_words(folded)):
        raise PasswordTooWeak(
            "This password is one that is guessed first: a leaked password or a single word, perhaps with digits or "
            "signs around it. Use several unrelated words, or let a password manager make one.",
            rule=ErrorRule.COMMON_PASSWORD,
        )


def _base_words(folded: str) -> set[str]:
    """The words in a password without the variations that cracking tools try (`P@ssw0rd2024!`, `monkeymonkey`).

    Digits and signs around a word are removed if the word makes up at least half of the password.
    """
    without_suffix = TRAILING_NON_LETTERS.sub("", folded)
    repetition = REPETITION.fullmatch(folded)
    stripped = {
        folded,
        without_suffix,
        LEADING_NON_LETTERS.sub("", without_suffix),
        LEADING_NON_LETTERS.sub("", folded),
    }
    words = {word for word in stripped if len(word) * 2 >= len(folded)} | (
        {repetition.group(1)} if repetition else set()
    )
    words |= {_without_accents(word) for word in words}
    return words | {word.translate(translation) for word in words for translation in LEET_TRANSLATIONS}


def _without_accents(word: str) -> str:
    return "".join(
        character for character in unicodedata.normalize("NFKD", word) if not unicodedata.combining(character)
    )


def _refuse_personal(folded: str, personal: Iterable[str]) -> None:
    for name in personal:
        if any(word in folded or folded in word for word in _words(fold(name))):
            raise PasswordTooWeak(
                "This password contains your name or email address, or a part of it. Leave them out.",
                rule=ErrorRule.PERSONAL_PASSWORD,
            )


def _words(name: str) -> Iterator[str]:
    """`name`, the part before its @, its words, and those words joined without separators."""
    local = name.partition("@")[0]
    parts = WORD_SEPARATORS.split(local)
    return (word for word in (name, local, "".join(parts), *parts) if len(word) >= MIN_PERSONAL_WORD_LENGTH)
