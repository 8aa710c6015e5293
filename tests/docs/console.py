"""Runs the ```console blocks of a page of the documentation, and compares what they print with what the page says.

A line `$ COMMAND` is run by bash; lines `> ` go on with it; the lines below it are its output, stderr included, as on a
terminal. `…` stands for anything within a line, and alone on a line for any number of lines. A command is expected to
succeed; one that is not says so with a comment at its end: `# exit code 4`. All blocks of a page are one session, in a
new folder that is shown as /home/ada. A block below the line `<!-- not run -->` is left out.

`python -m tests.docs.console --write PAGE...` writes the real output into the pages, wherever it differs.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import GIT_CONFIG

_BLOCK = re.compile(r"(?<!<!-- not run -->\n)^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
_EXIT = re.compile(r"# exit code (\d+)\s*$")
HOME = "/home/ada"
EXAMPLES = Path(__file__).parents[2] / "examples"
NEEDS_EXAMPLES = "~/dvcx/examples"
# What differs from run to run is written as `…`: names in the trash, ages, free space, abbreviated commit ids.
_VARYING = (
    re.compile(r"\d{8}T\d{6}(\.\d{6})?(?=-)|(?<=-)[0-9a-f]{8}\b"),
    re.compile(r"\d+ seconds? ago *"),
    re.compile(r"^[0-9a-f]{10}(?= +2026-)", re.MULTILINE),
)


@dataclass(frozen=True)
class Step:
    """One command of a page: what is typed, the exit code that it should have, and the output that the page shows."""

    command: str
    code: int
    shown: str
    typed: str

    def matches(self, output: str) -> bool:
        """Tells whether the page shows this output."""
        lines = [".*" if line == "…" else re.escape(line).replace("…", "[^\n]*") for line in self.shown.splitlines()]
        pattern = "".join(r"(?:[^\n]*\n)*" if line == ".*" else line + "\n" for line in lines)
        return re.fullmatch(pattern, output) is not None


class Session:
    """A person's shell, with a HOME of its own in the folder `top`."""

    def __init__(self, top: Path, *, needs_examples: bool = False) -> None:
        self._home = top / "ada"
        self._folder = self._home
        tools = top / "bin"
        for folder in (self._home, tools):
            folder.mkdir()
        (self._home / ".gitconfig").write_text(GIT_CONFIG)
        if EXAMPLES.is_dir() and needs_examples:
            (self._home / "dvcx").mkdir()
            (self._home / "dvcx/examples").symlink_to(EXAMPLES)
        for name, words in {"dvcx": " -m dvcx", "python": ""}.items():
            program = tools / name
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}"{words} "$@"\n')
            program.chmod(0o755)
        self._where = top / "where"
        self._environment = {
            "HOME": str(self._home),
            "PATH": f"{tools}:{os.environ['PATH']}",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_DATE": "2026-01-05T10:00:00Z",
            "GIT_COMMITTER_DATE": "2026-01-05T10:00:00Z",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONUNBUFFERED": "1",  # output comes in the order of a terminal
        }

    def run(self, command: str) -> tuple[int, str]:
        """Runs a command where the last one left off, and gives its exit code and its output."""
        script = f"cd '{self._folder}'\n{command}\ncode=$?\npwd > '{self._where}'\nexit $code\n"
        done = subprocess.run(
            ["bash", "-c", script],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        self._folder = Path(self._where.read_text().removesuffix("\n"))
        output = done.stdout.decode("utf-8", "replace").replace(str(self._home), HOME)
        return done.returncode, output if not output or output.endswith("\n") else output + "\n"


def steps(block: str) -> Iterator[Step]:
    """Gives the commands of a block with what is shown below each."""
    for part in re.split(r"^(?=\$ )", block, flags=re.MULTILINE):
        if not part.strip():
            continue
        assert part.startswith("$ "), f"a console block should begin with a command: {part!r}"
        lines = part.splitlines(keepends=True)
        count = 1
        while count < len(lines) and lines[count].startswith("> "):
            count += 1
        command = "".join(line[2:] for line in lines[:count]).rstrip("\n")
        found = _EXIT.search(command)
        yield Step(command, int(found[1]) if found else 0, "".join(lines[count:]), "".join(lines[:count]))


def differences(page: str, top: Path) -> Iterator[str]:
    """Runs the blocks of a page's text in the folder `top`, and gives a description of each command that differs."""
    session = Session(top, needs_examples=NEEDS_EXAMPLES in page)
    for block in _BLOCK.findall(page):
        for step in steps(block):
            code, output = session.run(step.command)
            if code != step.code:
                yield f"$ {step.command}\nended with exit code {code}, not {step.code}:\n{output}"
            elif not step.matches(output):
                yield f"$ {step.command}\nprinted\n{output}but the page shows\n{step.shown}"


def rewritten(page: str, top: Path) -> str:
    """Gives the text of a page with the real output of its commands; raises `ValueError` for one that fails."""
    session = Session(top, needs_examples=NEEDS_EXAMPLES in page)

    def real(block: re.Match[str]) -> str:
        return "```console\n" + "".join(_real(step, *session.run(step.command)) for step in steps(block[1])) + "```"

    return _BLOCK.sub(real, page)


def _real(step: Step, code: int, output: str) -> str:
    if code != step.code:
        raise ValueError(f"`{step.command}` ended with exit code {code}, not {step.code}:\n{output}")
    blank = "\n" if step.shown.endswith("\n\n") and not output.endswith("\n\n") else ""
    if step.matches(output) or step.matches(output + blank):
        return step.typed + step.shown
    for varying in _VARYING:
        output = varying.sub("…", output)
    return step.typed + output + blank


def main(words: Sequence[str], environment: Mapping[str, str]) -> int:
    """Writes the pages `words[1:]` anew; gives 0, 1 when a command failed, or 2 for other words."""
    if words[:1] != ["--write"]:
        print("usage: python -m tests.docs.console --write PAGE...", file=sys.stderr)
        return 2
    for name in words[1:]:
        with tempfile.TemporaryDirectory(dir=environment.get("TMPDIR")) as folder:
            try:
                text = rewritten(Path(name).read_text(encoding="utf-8"), Path(folder))
            except ValueError as error:
                print(f"{name} is left as it was: {error}", file=sys.stderr)
                return 1
            Path(name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
