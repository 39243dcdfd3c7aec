"""Which passwords are too weak to be chosen, and which rule says so."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import pairwise

from app.identity.passwords.common_passwords import is_common
from app.identity.passwords.normalization import MAX_LENGTH, normal_form
from app.platform.errors import AppError, ErrorCode
from app.platform.values import canonical

MIN_PERSONAL_WORD_LENGTH = 4
MIN_RUN_LENGTH = 4
REPETITION = re.compile(r"(.+?)\1+", re.DOTALL)
TRAILING_NON_LETTERS = re.compile(r"[\W\d_]+\Z")
LEADING_NON_LETTERS = re.compile(r"\A[\W\d_]+")
WORD_SEPARATORS = re.compile(r"[\W_]+")
# Two readings, since a 1 is written for an i and for an l.
LEET_TRANSLATIONS = (str.maketrans("@4310!5$7", "aaeioisst"), str.maketrans("@4310!5$7", "aaeloisst"))


class PasswordRule(Enum):
    """The rule a password breaks."""

    TOO_SHORT = "TOO_SHORT"
    TOO_LONG = "TOO_LONG"
    PREDICTABLE = "PREDICTABLE"
    COMMON = "COMMON"
    PERSONAL = "PERSONAL"


class PasswordTooWeak(AppError):
    """A password that must not be chosen; `rule` says why, the message also what would do."""

    code = ErrorCode.PASSWORD_TOO_WEAK

    def __init__(self, rule: PasswordRule, message: str) -> None:
        """Refuse by `rule`."""
        self.rule = rule
        super().__init__(message)


class PasswordTooLong(PasswordTooWeak):
    """More than 128 characters. It is refused, since cutting it would let a part of it pass for the whole."""

    def __init__(self) -> None:
        """Name the longest length."""
        super().__init__(PasswordRule.TOO_LONG, f"This password is too long. Use at most {MAX_LENGTH} characters.")


def check(password: str, *, shortest: int = 8, personal: Iterable[str] = ()) -> None:
    """Raise `PasswordTooWeak` by the first rule that `password` breaks; no network is asked.

    The rules are NIST SP 800-63B's: a shortest and a longest length, counted in code points of the NFKC form, and a
    blocklist of leaked passwords, dictionary words, repetitions, sequences and words of the context. There are no rules
    of composition (upper case, digits, signs): NIST forbids them.

    `personal` is what others may know of this person: email addresses, login name, first and last name (also the
    shop's name, if you like). Each of at least 4 characters, and each part of it, must not occur in the password, nor
    the password in it; case does not count.
    """
    normal = normal_form(password)
    if normal is None:
        raise PasswordTooLong
    if len(normal) < shortest:
        raise PasswordTooWeak(
            PasswordRule.TOO_SHORT,
            f"This password is too short. Use at least {shortest} characters; "
            "several unrelated words are easy to remember.",
        )
    folded = canonical(normal)
    _refuse_predictable(folded)
    _refuse_common(folded)
    _refuse_personal(folded, personal)


def _refuse_predictable(folded: str) -> None:
    repetition = REPETITION.fullmatch(folded)
    unit = len(repetition.group(1)) if repetition else len(folded)
    if unit < MIN_RUN_LENGTH or _runs(folded) * MIN_RUN_LENGTH <= len(folded):
        raise PasswordTooWeak(
            PasswordRule.PREDICTABLE,
            "This password only repeats or counts characters. Use several unrelated words instead.",
        )


def _runs(text: str) -> int:
    """Into how few pieces `text` falls that repeat one character, count up or count down: 2 for aaaa4321."""
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
            PasswordRule.COMMON,
            "This password is one that is guessed first: a leaked password or a single word, perhaps with digits or "
            "signs around it. Use several unrelated words, or let a password manager make one.",
        )


def _base_words(folded: str) -> set[str]:
    """What is left of a password without the disguises every guessing program knows (`P@ssw0rd2024!`, `monkeymonkey`).

    Digits and signs around a word are seen through as long as the word makes up half of the password or more.
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
        if any(word in folded or folded in word for word in _words(canonical(name))):
            raise PasswordTooWeak(
                PasswordRule.PERSONAL,
                "This password contains your name or email address, or a part of it. Leave them out.",
            )


def _words(name: str) -> Iterator[str]:
    """`name`, the part before its @, and their words, with and without what stands between these."""
    local = name.partition("@")[0]
    parts = WORD_SEPARATORS.split(local)
    return (word for word in (name, local, "".join(parts), *parts) if len(word) >= MIN_PERSONAL_WORD_LENGTH)
