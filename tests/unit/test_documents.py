"""The documents lead where they say: what links name is there, and the picture shows the rooms that there are."""

import re

import pytest

from documents import BLOCKS, PAGES, ROOT

LINKING = [*PAGES, ROOT / "CHANGELOG.md"]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(page) -> set[str]:
    """The anchors of a page's headings, as they are made of their words."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", LINKING, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_picture_shows_the_rooms_that_there_are():
    library = ROOT / "workflow" / "scripts" / "gradflow"
    picture = (ROOT / "docs" / "images" / "rooms.svg").read_text(encoding="utf-8")
    rooms = [path.parent.name for path in library.glob("*/__init__.py")]
    assert [room for room in rooms if f">{room}<" not in picture] == []


def test_the_index_leads_to_every_page_of_the_folder():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    there = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert there - {link.partition("#")[0] for link in LINK.findall(index)} == set()


def test_the_readme_is_a_screen_and_a_half_and_begins_with_a_picture_and_two_commands():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 90
    assert (
        readme.splitlines()[2].startswith("![") and len(next(b for b in BLOCKS if b.page == "README.md").commands) == 2
    )
