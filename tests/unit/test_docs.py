"""The documentation is as the code is: made pages are fresh, links lead somewhere, and files that are named exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench import docs
from bot.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
NAMED_FILE = re.compile(r"`((?:bot|tracking|rendering|playground|sample|tests|bench|docs)/[\w/.-]*)`")


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        if "://" in link or link.startswith("mailto:"):
            continue
        target, _, anchor = link.partition("#")
        path = page.parent / target if target else page
        assert path.exists(), link
        assert not anchor or anchor in anchors(path), link


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    missing = [name for name in NAMED_FILE.findall(page.read_text()) if not (ROOT / name).exists()]
    assert missing == []


def test_every_page_can_be_reached_from_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    reached = {index}
    waiting = [index]
    while waiting:
        page = waiting.pop()
        links = [
            (page.parent / link.partition("#")[0]).resolve() for link in LINK.findall(page.read_text()) if "://" not in link
        ]
        new = {link for link in links if link.suffix == ".md" and link.exists()} - reached
        reached |= new
        waiting += new
    assert {page for page in PAGES if page.is_relative_to(ROOT / "docs")} <= reached


def test_the_page_of_settings_is_what_the_code_says() -> None:
    assert docs.SETTINGS_PAGE.read_text() == docs.settings_page(), "run: make docs"


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_scopes_in_the_readme_are_those_that_the_bot_asks_for() -> None:
    readme = docs.README.read_text()
    assert docs.BEGIN in readme
    assert readme == docs.with_scopes(readme), "run: make docs"
