from __future__ import annotations

import io
import json
import sys
from collections.abc import Mapping

import pytest

from dvcx.base.errors import Refused
from dvcx.cli.console import Console, wants_colour
from dvcx.cli.settings import Settings, When
from dvcx.cli.text import green


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def console(settings: Settings | None = None, environment: Mapping[str, str] | None = None) -> Console:
    return Console(settings or Settings(), environment or {}, Terminal(), Terminal())


def out(spoken: Console) -> str:
    assert isinstance(spoken.out, io.StringIO)
    return spoken.out.getvalue()


def err(spoken: Console) -> str:
    assert isinstance(spoken.err, io.StringIO)
    return spoken.err.getvalue()


def test_data_goes_to_stdout_and_talk_to_stderr() -> None:
    spoken = console(environment={"NO_COLOR": "1"})
    spoken.line(green("added"), " a\nb")
    spoken.say("one file")
    spoken.next_step("dvcx push")
    assert out(spoken) == "added a\\x0ab\n"
    assert err(spoken) == "one file\nnext: dvcx push\n"


def test_quiet_leaves_data_and_warnings() -> None:
    spoken = console(Settings(quiet=True, colour=When.NEVER))
    spoken.line("data")
    spoken.say("talk")
    spoken.warn("look out", "do this")
    assert (out(spoken), err(spoken)) == ("data\n", "warning: look out\nhint: do this\n")


def test_json_leaves_only_documents() -> None:
    spoken = console(Settings(json=True))
    spoken.say("talk")
    spoken.emit({"a": 1})
    spoken.warn("look out")
    assert json.loads(out(spoken)) == {"a": 1}
    assert json.loads(err(spoken)) == {"warning": {"message": "look out", "hint": None}}


def test_each_v_says_more() -> None:
    said = []
    for verbose in (0, 1, 2):
        spoken = console(Settings(verbose=verbose))
        spoken.detail("detail")
        spoken.debug("debug")
        said.append(err(spoken))
    assert said == ["", "detail\n", "detail\ndebug\n"]


@pytest.mark.parametrize(
    ("when", "environment", "terminal", "coloured"),
    [
        (When.AUTO, {}, True, True),
        (When.AUTO, {}, False, False),
        (When.AUTO, {"NO_COLOR": "1"}, True, False),
        (When.AUTO, {"NO_COLOR": ""}, True, True),
        (When.AUTO, {"TERM": "dumb"}, True, False),
        (When.ALWAYS, {"NO_COLOR": "1"}, False, True),
        (When.NEVER, {}, True, False),
    ],
)
def test_colours_respect_option_environment_and_terminal(
    when: When, environment: dict[str, str], terminal: bool, coloured: bool
) -> None:
    stream = Terminal() if terminal else io.StringIO()
    assert wants_colour(when, stream, environment) is coloured


@pytest.mark.parametrize(
    ("answer", "agreed"), [("y\n", True), ("Yes\n", True), ("\n", False), ("n\n", False), ("", False)]
)
def test_only_yes_is_yes(monkeypatch: pytest.MonkeyPatch, answer: str, agreed: bool) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    spoken = console(Settings(colour=When.NEVER))
    assert spoken.confirm("delete 3 objects?", "add `--yes`") is agreed
    assert err(spoken) == "delete 3 objects? [y/N] "
    assert out(spoken) == ""


def test_a_question_nobody_can_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(Refused) as refused:
        console().confirm("delete?", "add `--yes`")
    assert refused.value.hint == "add `--yes`"


def test_talk_first_takes_progress_off_the_screen() -> None:
    spoken = console(Settings(colour=When.NEVER))

    def hide() -> None:
        spoken.err.write("<hidden>")

    spoken.before_talk = hide
    spoken.say("talk")
    assert err(spoken) == "<hidden>talk\n"
