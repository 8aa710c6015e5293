from __future__ import annotations

import os
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest

from dvcx.cli.commands.completion import Shell
from dvcx.cli.complete import main, offers
from dvcx.cli.invocation import Invocation
from dvcx.cli.options import RemoteName
from dvcx.cli.table import Command, Panel
from tests.git_repository import GitRepository

Captured = pytest.CaptureFixture[str]


def values(*words: str) -> list[str]:
    return [value for value, _ in offers(words[:-1], words[-1])]


def test_commands_are_offered_with_their_help() -> None:
    assert ("completion", "print the completion script of a shell: bash, zsh or fish") in offers([], "comp")
    assert values("help", "comp") == ["completion"]
    assert values("-q", "-C", "..", "--color", "never", "comp") == ["completion"]
    assert values("nonsense") == []
    assert values("nonsense", "") == []


def test_options_are_offered_unless_they_were_given() -> None:
    assert values("version", "--js") == ["--json"]
    assert "--json" not in values("version", "--json", "--")
    assert "--verbose" in values("version", "--verbose", "--")
    assert "--version" in values("--")


def test_values_of_options_are_offered() -> None:
    assert values("--color", "a") == ["auto", "always"]
    assert values("version", "--color", "a") == ["auto", "always"]
    assert values("version", "--color=a") == ["--color=auto", "--color=always"]
    assert values("version", "-C", "") == []


def test_values_of_arguments_are_offered_where_they_stand() -> None:
    assert values("completion", "") == [str(shell) for shell in Shell]
    assert values("completion", "-q", "--color", "auto", "f") == ["fish"]
    assert values("completion", "--", "f") == ["fish"]
    assert values("completion", "bash", "") == []


def fetch(call: Invocation, remote: RemoteName = None) -> None:
    """A made-up command with a remote."""


def test_remotes_are_offered_from_the_configuration(git_repo: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    command = Command(("made-up",), "get data", Panel.SHARE)
    module = types.ModuleType(command.module)
    module.__dict__["command"] = fetch
    monkeypatch.setitem(sys.modules, command.module, module)
    monkeypatch.setattr("dvcx.cli.complete.TABLE", (command,))
    monkeypatch.chdir(git_repo.path)
    assert values("made-up", "-r", "") == []
    (git_repo.path / ".dvcx").mkdir()
    config = '[core]\nformat = 1\n[remote.store]\nurl = "/mnt/a"\n[remote.spare]\nurl = "/mnt/b"\n'
    (git_repo.path / ".dvcx" / "config.toml").write_text(config)
    assert values("made-up", "-r", "") == ["store", "spare"]
    assert values("made-up", "--remote=sp") == ["--remote=spare"]


def test_no_offer_can_act_on_the_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setattr("dvcx.cli.complete.offers", lambda *_: [("a\nb", "x"), ("c", "d\x1b")])
    main(["fish", ""])
    assert capsys.readouterr().out == "c\td\\x1b\n"


def test_bash_gets_the_words_it_cut_at_equals_signs(capsys: Captured) -> None:
    main(["bash", "version", "--color", "=", "al"])
    main(["bash", "version", "--color", "="])
    assert capsys.readouterr().out == "always\nauto\nalways\nnever\n"


def run_shell(shell: str, script: str, tmp_path: Path) -> list[str]:
    """The lines that `script` prints in a shell in which `dvcx` is this one."""
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    program = tmp_path / "bin" / "dvcx"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m dvcx "$@"\n')
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    without_startup = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    done = subprocess.run(
        [shell, *without_startup, "-c", script], capture_output=True, text=True, env=environment, cwd=tmp_path
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_bash_completes(tmp_path: Path) -> None:
    script = """
        source <(dvcx completion bash)
        complete -p dvcx
        COMP_WORDS=(dvcx comp) COMP_CWORD=1; _dvcx; echo "${COMPREPLY[@]}"
        COMP_WORDS=(dvcx version --js) COMP_CWORD=2; _dvcx; echo "${COMPREPLY[@]}"
        COMP_WORDS=(dvcx completion "") COMP_CWORD=2; _dvcx; echo "${COMPREPLY[@]}"
        COMP_WORDS=(dvcx version "") COMP_CWORD=2; _dvcx; echo "${#COMPREPLY[@]}"
        words=(git dvcx comp) cword=2 __git_cmd_idx=1; _git_dvcx; echo "${COMPREPLY[@]}"
    """
    assert run_shell("bash", script, tmp_path) == [
        "complete -o bashdefault -o default -F _dvcx dvcx",
        "completion",
        "--json",
        "bash zsh fish",
        "0",
        "completion",
    ]


def test_zsh_completes(tmp_path: Path) -> None:
    script = """
        compdef() { print -r -- compdef $@ }
        _describe() { print -rl -- ${(P)3} }
        _files() { print files }
        source <(dvcx completion zsh)
        words=(dvcx comp) CURRENT=2; _dvcx
        words=(dvcx completion "") CURRENT=3; _dvcx
        words=(dvcx completion bash "") CURRENT=4; _dvcx
    """
    assert run_shell("zsh", script, tmp_path) == [
        "compdef _dvcx dvcx",
        r"completion:print the completion script of a shell: bash, zsh or fish",
        *("bash", "zsh", "fish"),
        "files",
    ]


def test_fish_completes(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    script = """
        dvcx completion fish | source
        complete -C "dvcx comp"
        complete -C "dvcx completion "
        complete -C "dvcx version --js"
        complete -C "dvcx completion bash a"
    """
    assert run_shell("fish", script, tmp_path) == [
        "completion\tprint the completion script of a shell: bash, zsh or fish",
        *("bash", "fish", "zsh"),
        "--json\tprint the result as one JSON document",
        "a file",
    ]
