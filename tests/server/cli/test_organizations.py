"""`patron organizations`: one default organization, and the same rules as the API's."""

import pytest
from sqlalchemy.exc import IntegrityError

from tests.server.cli.conftest import Patron
from tests.shop import Shop

VIEWER = {"query": "{ viewer { organization { slug } } }"}


async def default_organization(shop: Shop) -> str:
    """The organization of whoever sends no key."""
    slug: str = (await shop.post(VIEWER)).data["viewer"]["organization"]["slug"]
    return slug


async def test_a_second_default_organization_is_refused_until_it_takes_the_place_of_the_first(
    shop: Shop, patron: Patron
) -> None:
    before = await shop.counts()

    refused = await patron("organizations", "create", "second", "--name", "Second", "--default")

    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == (
        "There is a default organization already. Create this one without --default, then make it the default "
        "with `patron organizations update second --default`.\n"
    )
    assert (await shop.counts(), await default_organization(shop)) == (before, "first")

    assert (await patron("organizations", "create", "second", "--name", "Second")).returncode == 0
    assert await default_organization(shop) == "first"
    assert (await patron("organizations", "update", "second", "--default")).returncode == 0
    assert await default_organization(shop) == "second"


async def test_the_database_holds_one_default_organization_whoever_writes(shop: Shop) -> None:
    await shop.create_organization("second")
    await shop.create_organization("third")

    with pytest.raises(IntegrityError):
        await shop.execute("UPDATE organizations SET is_default = true")

    assert await shop.count("organizations", "is_default") == 1
    assert await default_organization(shop) == "first"


async def test_what_the_api_refuses_the_command_line_refuses_in_the_same_words(shop: Shop, patron: Patron) -> None:
    before = await shop.counts()

    malformed = await patron("organizations", "create", "Second Shop!", "--name", " ")
    taken = await patron("organizations", "create", "first", "--name", "Another")
    unknown = await patron("organizations", "update", "third", "--default")

    assert [one.returncode for one in (malformed, taken, unknown)] == [2, 2, 2]
    assert malformed.stderr == (
        "slug: Use lower-case letters, digits, and hyphens between them.\nname: This field is required.\n"
    )
    assert taken.stderr == "slug: Another organization has this short name.\n"
    assert unknown.stderr == "There is no organization third. `patron organizations list` shows those there are.\n"
    assert await shop.counts() == before
