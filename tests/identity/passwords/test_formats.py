"""Tests of password hash formats: known vectors are verified, and upgraded to argon2id."""

import asyncio
import hashlib
from base64 import b64encode

import pytest

from app.identity.passwords.formats import opencart_hash
from app.identity.passwords.hashing import UNUSABLE_PASSWORD, PasswordHasher, Verification

PASSWORD = "password"
# RFC 7914, section 12: of the 64 bytes there, the 32 that are stored
SIXTEEN_LANES_OF_SCRYPT = "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"


def b64(raw: bytes) -> str:
    return b64encode(raw).decode()


def bare_b64(raw: bytes) -> str:
    return b64(raw).rstrip("=")


VECTORS = {
    # crypt_blowfish's own test vectors
    "bcrypt 2a": ("bcrypt", "U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    "bcrypt 2b": ("bcrypt", "U*U", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    "bcrypt 2y of PHP": ("bcrypt", "U*U", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    # passlib's documentation
    "bcrypt_sha256": (
        "bcrypt_sha256",
        PASSWORD,
        "$bcrypt-sha256$v=2,t=2b,r=12$n79VH.0Q2TMWmt3Oqt9uku$Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2",
    ),
    "pbkdf2_sha256": (
        "pbkdf2_sha256",
        PASSWORD,
        "$pbkdf2-sha256$1212$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg.fJPeq1h/gXXY7acBp9/6c.tmQ",
    ),
    "pbkdf2_sha512": (
        "pbkdf2_sha512",
        PASSWORD,
        "$pbkdf2-sha512$1212$RHY0Fr3IDMSVO/RSZyb5ow$"
        "eNLfBK.eVozomMr.1gYa17k9B7KIK25NOEshvhrSX.esqY3s.FvWZViXz4KoLlQI.BzY/YTNJOiKc5gBYFYGww",
    ),
    # the reference implementation's test vectors
    "argon2i": (
        "argon2",
        PASSWORD,
        "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
    ),
    "argon2id of other parameters": (
        "argon2",
        PASSWORD,
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    ),
    "scrypt": (
        "scrypt",
        PASSWORD,
        f"$scrypt$ln=10,r=8,p=16$TmFDbA${bare_b64(bytes.fromhex(SIXTEEN_LANES_OF_SCRYPT))}",
    ),
    # phpass' own test
    "phpass of WordPress": ("phpass", "test12345", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"),
    "phpass of phpBB": ("phpass", "test12345", "$H$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"),
    # computed here by the standard library
    "django_pbkdf2_sha256": (
        "django_pbkdf2_sha256",
        PASSWORD,
        f"pbkdf2_sha256$1000$seasalt${b64(hashlib.pbkdf2_hmac('sha256', b'password', b'seasalt', 1000))}",
    ),
    "ldap_salted_sha1": (
        "ldap_salted_sha1",
        PASSWORD,
        "{SSHA}" + b64(hashlib.sha1(b"passwordsalt").digest() + b"salt"),
    ),
    # sha1sum: for i in 1 2: digest = sha1("q1W2e3R4t" + digest)
    "AbanteCart and OpenCart": (
        "opencart_sha1",
        PASSWORD,
        opencart_hash("q1W2e3R4t", "9b9ce17e7951d3bc76a6b284dbc7e6ba86279b82"),
    ),
}


def hasher() -> PasswordHasher:
    return PasswordHasher(memory_kib=8, iterations=1, parallel=1)


def verify(password: str, stored: str | None) -> Verification:
    return asyncio.run(hasher().verify(password, stored))


@pytest.mark.parametrize(("password", "stored"), [vector[1:] for vector in VECTORS.values()], ids=VECTORS)
def test_a_hash_of_this_format_is_verified_and_upgraded_to_argon2id_at_login(password: str, stored: str) -> None:
    verified = verify(password, stored)

    assert verified.matches
    assert verified.upgraded_hash is not None
    assert verified.upgraded_hash.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert verify(password, verified.upgraded_hash) == Verification(matches=True, upgraded_hash=None)


@pytest.mark.parametrize("stored", [vector[2] for vector in VECTORS.values()], ids=VECTORS)
def test_a_wrong_password_against_a_hash_of_this_format_neither_matches_nor_upgrades(stored: str) -> None:
    assert verify("wrong", stored) == Verification(matches=False, upgraded_hash=None)


@pytest.mark.parametrize(("scheme", "stored"), [(vector[0], vector[2]) for vector in VECTORS.values()], ids=VECTORS)
def test_import_learns_the_name_of_a_format_and_that_the_hash_is_outdated(scheme: str, stored: str) -> None:
    assert hasher().scheme(stored) == scheme
    assert hasher().needs_rehash(stored)


def test_a_hash_of_our_own_is_named_and_not_outdated() -> None:
    stored = asyncio.run(hasher().hash(PASSWORD))

    assert hasher().scheme(stored) == "argon2"
    assert not hasher().needs_rehash(stored)


@pytest.mark.parametrize(
    "stored",
    [
        "",
        UNUSABLE_PASSWORD,
        "plain text",
        "ünïcode",
        "$argon2id$",
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ",
        "$argon2id$v=19$m=8,t=1,p=1,data=AAAA$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.",
        "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$P$",
        "$P$9IQRaTwm",
        "$scrypt$ln=10,r=8,p=16$TmFDbA",
        "{SSHA}",
        "$opencart$salt$1234",
        "$opencart$$da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
    ],
)
def test_import_learns_that_a_hash_cannot_be_read_and_verifying_it_is_a_plain_refusal(stored: str) -> None:
    assert hasher().scheme(stored) is None
    assert verify(PASSWORD, stored) == Verification(matches=False)


@pytest.mark.parametrize(
    "stored",
    [
        "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=100000,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=65536,t=3,p=64$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$pbkdf2-sha256$4000000000$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg.fJPeq1h/gXXY7acBp9/6c.tmQ",
        f"$scrypt$ln=20,r=8,p=1$TmFDbA${'A' * 43}",
        "$P$SIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0",
    ],
)
def test_import_refuses_a_hash_whose_parameters_would_occupy_the_service(stored: str) -> None:
    assert hasher().scheme(stored) is None


@pytest.mark.parametrize(
    "stored",
    [
        "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        f"$scrypt$ln=16,r=8,p=1$TmFDbA${'A' * 43}",
        f"pbkdf2_sha256$1200000$seasalt${b64(bytes(32))}",
    ],
    ids=["argon2-cffi", "passlib's scrypt", "Django 6"],
)
def test_import_accepts_the_default_parameters_of_wide_spread_libraries(stored: str) -> None:
    assert hasher().scheme(stored) is not None


def test_bcrypt_looks_at_72_bytes_of_an_imported_password_as_it_always_did() -> None:
    seventy_two = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    stored = "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"

    upgraded = verify(seventy_two + "chars after 72 are ignored", stored).upgraded_hash

    assert upgraded is not None
    assert verify(seventy_two + "chars after 72 are ignored", upgraded).matches
    assert not verify(seventy_two, upgraded).matches


def test_bcrypt_with_a_nul_in_the_password_is_a_plain_refusal() -> None:
    assert verify("U*U\0", VECTORS["bcrypt 2a"][2]) == Verification(matches=False)


@pytest.mark.parametrize("hashed", ['Tom & "Jerry" <3', "Tom &amp; &quot;Jerry&quot; &lt;3"])
def test_opencart_hashes_match_with_and_without_the_input_filter_of_these_shops(hashed: str) -> None:
    digest = hashlib.sha1(hashed.encode()).hexdigest()
    for _ in range(2):
        digest = hashlib.sha1(b"$alt" + digest.encode()).hexdigest()

    assert verify('Tom & "Jerry" <3', opencart_hash("$alt", digest.upper())).matches


def test_an_imported_hash_of_a_password_that_was_never_normalised_matches_and_its_upgrade_matches_both_spellings() -> (
    None
):
    typed_apart, in_one = "Cafe\u0301 Zu\u0308rich", "Caf\u00e9 Z\u00fcrich"
    stored = "{SSHA}" + b64(hashlib.sha1(typed_apart.encode() + b"salt").digest() + b"salt")

    upgraded = verify(typed_apart, stored).upgraded_hash

    assert verify(typed_apart, upgraded).matches
    assert verify(in_one, upgraded) == Verification(matches=True)
