"""URLs of PostgreSQL, as libpq takes them and hosting providers write them."""

from urllib.parse import parse_qs, urlsplit

import pytest

from app.platform.db.engine import Database, DatabaseOptions
from app.platform.db.postgres import BadDatabaseUrl, parse
from app.platform.db.revisions import DatabaseKind, is_current
from tests.shop import Urls


@pytest.mark.parametrize(
    ("url", "dsns", "timeout"),
    [
        (
            "postgres://ann:s%40cret@db.example.org/shop?sslmode=require&channel_binding=require",
            ["postgresql://ann:s%40cret@db.example.org/shop?sslmode=require&application_name=patron"],
            None,
        ),
        (
            "postgresql+asyncpg://db/shop?application_name=eu&connect_timeout=3&keepalives=1&keepalives_idle=10",
            ["postgresql://db/shop?application_name=eu"],
            3.0,
        ),
        (
            "postgresql://u@one:5432,two:5433/shop?sslmode=verify-full",
            [
                "postgresql://u@one:5432/shop?sslmode=verify-full&target_session_attrs=read-write&application_name=patron",
                "postgresql://u@two:5433/shop?sslmode=verify-full&target_session_attrs=read-write&application_name=patron",
            ],
            None,
        ),
        (
            "postgresql:///shop?host=one,two&port=5432,5433&target_session_attrs=primary",
            [
                "postgresql:///shop?target_session_attrs=primary&application_name=patron&host=one&port=5432",
                "postgresql:///shop?target_session_attrs=primary&application_name=patron&host=two&port=5433",
            ],
            None,
        ),
        (
            "postgresql://u@/shop?host=/run/postgresql",
            ["postgresql://u@/shop?application_name=patron&host=%2Frun%2Fpostgresql"],
            None,
        ),
    ],
)
def test_urls_are_taken_as_libpq_takes_them(url: str, dsns: list[str], timeout: float | None) -> None:
    parsed = parse(url)

    assert (list(parsed.dsns), parsed.database, parsed.connect_timeout) == (dsns, "shop", timeout)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgresql://ann:hunter2@db", "The URL names no database."),
        ("postgresql://ann:hunter2@db/shop?sslmode=on", "The parameter sslmode must be one of allow, disable,"),
        ("postgresql://ann:hunter2@db/shop?connect_timeout=soon", "The parameter connect_timeout must be a number"),
        ("postgresql://ann:hunter2@db/shop?target_session_attrs=master", "The parameter target_session_attrs must be"),
        ("postgresql:///shop?host=a,b,c&port=1,2", "The URL has another number of ports than of hosts."),
        ("postgresql://ann:hunter2@[db/shop", "This is not a URL."),
    ],
)
def test_a_wrong_url_is_refused_without_being_repeated(url: str, sentence: str) -> None:
    with pytest.raises(BadDatabaseUrl) as refused:
        parse(url)

    assert str(refused.value).startswith(sentence)
    assert "hunter2" not in str(refused.value)


async def test_the_first_host_that_accepts_a_connection_is_used_and_named(postgres_urls: Urls) -> None:
    parts = urlsplit(postgres_urls.main)
    here = parse_qs(parts.query)["host"][0]
    # Nobody listens on the first of the two.
    url = f"postgresql://{parts.netloc}{parts.path}?host=/nowhere,{here}&application_name=eu-shop"
    database = Database(url, DatabaseOptions(pool_size=1))

    assert await is_current(database, DatabaseKind.MAIN)
    async with database.engine.connect() as connection:
        assert (await connection.exec_driver_sql("SHOW application_name")).scalar_one() == "eu-shop"
        assert (await connection.exec_driver_sql("SHOW transaction_read_only")).scalar_one() == "off"
    await database.close()
