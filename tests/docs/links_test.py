"""Links between the pages lead somewhere, every page can be found, and every command is written about."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dvcx.cli.table import TABLE, every_command
from tests.docs import code_map
from tests.docs.pages import DOCS, ROOT, pages

_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def prose(page: Path) -> str:
    """The text of a page without its code."""
    return _CODE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The names that links can end in after `#`, made from the headings as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def links(page: Path) -> list[str]:
    """Where the links of a page lead, apart from other sites."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [link for link in _LINK.findall(text) if not link.startswith(("http:", "https:", "mailto:"))]


def target(page: Path, link: str) -> Path:
    """The file that a link leads to."""
    path = link.partition("#")[0]
    return (page.parent / path).resolve() if path else page


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in links(page):
        found = target(page, link)
        assert found.exists(), f"{page.name} links to {link}, which is not there"
        anchor = link.partition("#")[2]
        assert not anchor or anchor in anchors(found), f"{page.name} links to {link}, but there is no such heading"


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        waiting += [found for link in links(page) if (found := target(page, link)).is_file()]
    assert set(pages()) - reached == set()


def test_every_command_is_written_about_outside_of_the_reference() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in pages() if DOCS / "reference" not in page.parents)
    names = {" ".join(("dvcx", *command.path)) for command in every_command()}
    assert {name for name in names if not re.search(rf"\b{name}\b", text)} == set()


def test_every_command_that_the_docs_name_exists() -> None:
    known = {"COMMAND", *(name for each in TABLE for name in (each.name, *each.aliases))}
    text = "".join(page.read_text(encoding="utf-8") for page in pages())
    named = {*re.findall(r"`dvcx ([a-zA-Z_][\w-]*)", text), *re.findall(r"^\$ dvcx ([a-z][\w-]*)", text, re.MULTILINE)}
    assert named - known == set()


def test_the_code_map_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert code_map.main(["--check"]) == 0


def test_every_file_of_ours_that_the_docs_name_exists() -> None:
    for page in pages():
        text = page.read_text(encoding="utf-8")
        for name in re.findall(r"`((?:dvcx|tests|docs|benchmarks|examples)/[\w./-]+)`", text):
            made = "/." in name  # a folder that Git ignores
            assert made or (ROOT / name).exists(), f"{page.relative_to(ROOT)} names {name}, which is not there"
