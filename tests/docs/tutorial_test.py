"""What the pages show in their ```console blocks is what happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.console import NEEDS_EXAMPLES, Step, differences, rewritten, steps
from tests.docs.pages import DOCS, ROOT, pages

WITH_CONSOLE = [
    page
    for page in pages()
    if "\n```console\n" in (text := page.read_text(encoding="utf-8")) and NEEDS_EXAMPLES not in text
]


@pytest.mark.libraries
def test_the_page_about_pipelines_is_true(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    page = DOCS / "tutorial-pipelines.md"
    found = list(differences(page.read_text(encoding="utf-8"), tmp_path))
    assert not found, "\n".join([*found, f"run `python -m tests.docs.console --write {page.relative_to(ROOT)}`"])


@pytest.mark.pages
@pytest.mark.parametrize("page", WITH_CONSOLE, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_commands_of_the_page_print_what_it_shows(page: Path, tmp_path: Path) -> None:
    found = list(differences(page.read_text(encoding="utf-8"), tmp_path))
    assert not found, "\n".join([*found, f"run `python -m tests.docs.console --write {page.relative_to(ROOT)}`"])


def test_a_page_that_shows_something_else_is_noticed_and_can_be_rewritten(tmp_path: Path) -> None:
    page = "text\n\n```console\n$ cd /\n$ echo a b; false  # exit code 1\na c\n\n$ pwd\n/\n```\n"
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    assert len(list(differences(page, tmp_path / "1"))) == 1
    assert rewritten(page, tmp_path / "2") == page.replace("a c", "a b")


def test_an_ellipsis_stands_for_anything_in_a_line_or_for_lines() -> None:
    (step,) = steps("$ ls |\n> sort\none …\n…\nlast\n")
    assert step == Step("ls |\nsort", 0, "one …\n…\nlast\n", "$ ls |\n> sort\n")
    assert step.matches("one 1\nlast\n")
    assert step.matches("one 1\ntwo\nthree\nlast\n")
    assert not step.matches("two\nlast\n")
    assert not step.matches("one 1\nlast\nmore\n")
