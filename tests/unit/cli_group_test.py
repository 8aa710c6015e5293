from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer

from dvcx.base.errors import MissingData
from dvcx.cli import table
from dvcx.cli.app import run
from dvcx.cli.console import Console
from dvcx.cli.group import load
from dvcx.cli.help import described
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import DryRun, Paths
from dvcx.cli.table import Command, Group, Panel, every_command


@dataclass(frozen=True)
class Greeting:
    text: str
    directory: Path


def greet(
    call: Invocation,
    names: Paths,
    dry_run: DryRun = False,
    times: Annotated[int, typer.Option("--times", min=1, help="how often")] = 1,
) -> Greeting | Outcome:
    call.console.say("greeting")
    call.console.detail("in detail")
    result = Greeting(" ".join(names * times), call.directory)
    if "part" in names:
        return Outcome(result, error=MissingData("one name is missing", "add it", ["x"]))
    return Outcome(result, code=1) if "one" in names else result


def render(result: Greeting, console: Console) -> None:
    console.line(result.text)


def silent(call: Invocation) -> None:
    call.console.raw("done")


def module(command: Command, function: object, **more: object) -> types.ModuleType:
    made = types.ModuleType(command.module)
    made.__doc__ = "Greet.\n\nExamples:\n    dvcx greet a   # one\n\n    dvcx greet b\n"
    made.__dict__.update(command=function, **more)
    return made


@pytest.fixture(autouse=True)
def made_up_commands(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A table with `greet` (alias `hi`), `silent` and `far greet`."""
    top = Command(("greet",), "greet people", Panel.LOOK, aliases=("hi",))
    bare = Command(("silent",), "do something", Panel.TRACK)
    below = Command(("far", "greet"), "greet from afar", Panel.SHARE)
    group = Group(("far",), "things far away", Panel.SHARE, (below,))
    monkeypatch.setitem(sys.modules, top.module, module(top, greet, render=render))
    monkeypatch.setitem(sys.modules, below.module, module(below, greet, render=render))
    monkeypatch.setitem(sys.modules, bare.module, module(bare, silent))
    monkeypatch.setattr("dvcx.cli.group.TABLE", (bare, top, group))
    monkeypatch.setenv("COLUMNS", "80")
    yield


Captured = pytest.CaptureFixture[str]


def test_a_result_is_rendered(capsys: Captured) -> None:
    assert run(["greet", "a", "b", "--times", "2"]) == 0
    assert tuple(capsys.readouterr()) == ("a b a b\n", "greeting\n")


def test_a_result_is_printed_as_json(capsys: Captured) -> None:
    assert run(["greet", "a", "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"text": "a", "directory": str(Path.cwd())}
    assert printed.err == ""


@pytest.mark.parametrize("words", [["-q", "greet", "a"], ["greet", "-q", "a"], ["greet", "a", "--quiet"]])
def test_common_options_stand_before_or_after_the_command(words: list[str], capsys: Captured) -> None:
    assert run(words) == 0
    assert tuple(capsys.readouterr()) == ("a\n", "")


def test_v_adds_up_over_all_places(capsys: Captured) -> None:
    assert run(["-v", "far", "-v", "greet", "a"]) == 0
    assert capsys.readouterr().err == "greeting\nin detail\n"


def test_folders_given_with_c_follow_each_other_and_are_left_again(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    before = Path.cwd()
    assert run(["-C", str(tmp_path), "greet", "-C", "a", "-C", "b", "x", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["directory"] == str(tmp_path / "a" / "b")
    assert Path.cwd() == before


def test_a_folder_that_is_not_there_is_a_usage_error(capsys: Captured) -> None:
    assert run(["-C", "/nowhere", "greet", "a"]) == 2
    assert "error: cannot work in '/nowhere' (-C): no such file or directory\n" in capsys.readouterr().err


def test_a_current_folder_that_is_gone_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert run(["greet", "a"]) == 2
    assert "error: the current folder does not exist any more\n" in capsys.readouterr().err


def test_an_alias_runs_the_command(capsys: Captured) -> None:
    assert run(["hi", "a"]) == 0
    assert capsys.readouterr().out == "a\n"


def test_a_command_in_a_group_runs(capsys: Captured) -> None:
    assert run(["far", "greet", "a"]) == 0
    assert capsys.readouterr().out == "a\n"


def test_an_outcome_sets_the_exit_code(capsys: Captured) -> None:
    assert run(["greet", "one"]) == 1
    assert capsys.readouterr().out == "one\n"


def test_work_done_in_part_prints_the_result_and_the_error(capsys: Captured) -> None:
    assert run(["greet", "part", "-q"]) == 4
    assert tuple(capsys.readouterr()) == ("part\n", "error: one name is missing\n  x\nhint: add it\n")
    assert run(["greet", "part", "--json"]) == 4
    printed = capsys.readouterr()
    assert json.loads(printed.out)["text"] == "part"
    assert json.loads(printed.err)["error"]["names"] == ["x"]


def test_a_wrong_command_brings_the_likely_one(capsys: Captured) -> None:
    assert run(["gret", "a"]) == 2
    assert capsys.readouterr().err == "error: there is no command `dvcx gret`\nhint: did you mean `dvcx greet`?\n"
    assert run(["far", "grete"]) == 2
    assert "did you mean `dvcx far greet`?" in capsys.readouterr().err
    assert run(["xyzzy"]) == 2
    assert "hint: `dvcx --help` lists them all\n" in capsys.readouterr().err


def test_a_wrong_option_brings_the_likely_one(capsys: Captured) -> None:
    assert run(["greet", "a", "--dry-runn"]) == 2
    assert capsys.readouterr().err == "error: `dvcx greet` has no option --dry-runn\nhint: did you mean `--dry-run`?\n"
    assert run(["--verison"]) == 2
    assert "did you mean `--version`?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["greet"], ["greet", "a", "--times", "x"], ["greet", "a", "--times"], ["silent", "a"]]
)
def test_other_usage_errors_name_the_help(words: list[str], capsys: Captured) -> None:
    assert run(words) == 2
    assert f"hint: `dvcx {words[0]} --help` shows what it takes\n" in capsys.readouterr().err


def test_usage_errors_are_json_where_json_was_asked_for(capsys: Captured) -> None:
    assert run(["greet", "--json", "a", "--bad"]) == 2
    assert json.loads(capsys.readouterr().err)["error"]["kind"] == "usage"


def test_a_file_called_json_is_a_file(capsys: Captured) -> None:
    assert run(["greet", "--", "--json"]) == 0
    assert capsys.readouterr().out == "--json\n"


def test_a_command_without_a_result_has_no_json(capsys: Captured) -> None:
    assert run(["silent"]) == 0
    assert run(["silent", "--json"]) == 2
    assert run(["--json", "silent"]) == 2


def test_help_has_the_examples_with_their_line_breaks(capsys: Captured) -> None:
    for words in (["greet", "--help"], ["greet", "-h"], ["help", "greet"]):
        assert run(words) == 0
        page = capsys.readouterr().out
        assert page.startswith("Usage: dvcx greet [OPTIONS] PATHS...\n\nGreet.\n")
        assert page.endswith("\nExamples:\n  dvcx greet a   # one\n\n  dvcx greet b\n")
        assert "--times N" in page


def test_the_list_of_commands_stands_under_headings_and_loads_none(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("dvcx.cli.commands.")]:
        monkeypatch.setitem(sys.modules, name, None)  # importing it would now fail
    for words in ([], ["--help"], ["-h"], ["help"]):
        assert run(words) == 0
        page = capsys.readouterr().out
        assert "Track data:\n  silent     do something\n\nLook:\n  greet, hi  greet people\n\nShare:\n  far " in page
    assert run(["far"]) == 0
    assert "Commands:\n  greet  greet from afar\n" in capsys.readouterr().out


def test_every_command_of_the_table_has_help_and_examples() -> None:
    commands = list(every_command(table.TABLE))
    assert commands
    for command in commands:
        path = " ".join(("dvcx", *command.path))
        help = described(load(command), path)
        assert help.description, path
        assert any(line.startswith("dvcx ") or " dvcx " in line or "(dvcx " in line for line in help.examples), path
        assert all(text for _, text in (*help.arguments, *help.options)), f"{path}: an option without help"
        assert not command.help.endswith("."), path
        assert "[[" not in help.usage, f"{path}: brackets are put around what is optional"


def test_names_in_the_table_are_unique() -> None:
    groups = [entry.commands for entry in table.TABLE if isinstance(entry, table.Group)]
    for entries in (table.TABLE, *groups):
        names = [name for entry in entries for name in (entry.name, *entry.aliases)]
        assert len(names) == len(set(names))
