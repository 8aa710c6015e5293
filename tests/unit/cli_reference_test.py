from __future__ import annotations

import re
from pathlib import Path

import pytest

from dvcx.cli.exits import FAMILIES
from dvcx.cli.manual import _escaped
from dvcx.cli.reference import main, pages
from dvcx.cli.table import every_command

ROOT = Path(__file__).parents[2]


def test_the_committed_reference_is_current(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    code = main(["--check"])
    assert (code, capsys.readouterr().err) == (0, "")


def test_a_stale_page_is_noticed_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--check"]) == 1
    assert main(["--write"]) == 0
    assert main(["--check"]) == 0
    assert main(["--nonsense"]) == 2


def test_every_command_has_a_section_that_the_list_links_to() -> None:
    page = pages()["reference/commands.md"]
    sections = set(re.findall(r"^## (dvcx .+)$", page, re.MULTILINE))
    assert sections == {" ".join(("dvcx", *command.path)) for command in every_command()}
    for section in sections:
        assert f"](#{section.replace(' ', '-')})" in page


def test_every_command_is_in_the_manual_page_and_no_text_is_a_request_of_roff() -> None:
    lines = pages()["man/man1/git-dvcx.1"].splitlines()
    sections = {line.removeprefix('.SS "').rstrip('"').replace("\\-", "-") for line in lines if line.startswith(".SS ")}
    assert sections == {" ".join(("dvcx", *command.path)) for command in every_command()}
    requests = {line.split()[0] for line in lines if line.startswith((".", "'"))}
    assert requests <= {'.\\"', ".TH", ".SH", ".SS", ".PP", ".TP", ".RS", ".RE", ".nf", ".fi", ".br"}
    assert _escaped(".dvcxignore has a \\ and a-b") == "\\&.dvcxignore has a \\e and a\\-b"


def test_every_exit_code_is_described() -> None:
    page = pages()["reference/exit-codes.md"]
    assert re.findall(r"^\| (\d+) \|", page, re.MULTILINE) == [str(family.code) for family in FAMILIES]
