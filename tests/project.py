"""A project in a real Git repository, and the real command line on it: what functional tests are arranged with."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dvcx.cli.app import run
from tests.git_repository import GitRepository


@dataclass(frozen=True)
class Run:
    """How one command ended: its exit code and what it wrote."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines of stdout."""
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        """Stdout as the JSON document that it is."""
        return json.loads(self.out)

    def ok(self) -> Run:
        """Gives itself; fails when the command failed."""
        assert self.code == 0, f"dvcx {' '.join(self.words)}: exit code {self.code}\n{self.out}{self.err}"
        return self


class Project(GitRepository):
    """A dvcx project at `path`, which is the top of a Git work tree unless it was made without Git."""

    @classmethod
    def make(cls, path: Path, *init: str, git: bool = True) -> Project:
        """Makes a project with `dvcx init INIT`; without `git` in a plain folder, with `--no-git`."""
        if git:
            if init not in _TEMPLATES:
                folder = TemporaryDirectory(prefix="dvcx-template-")
                template = cls.create(Path(folder.name) / "project")
                template.dvcx("init", *init).ok()
                template.commit(message="start")
                _TEMPLATES[init] = folder
            # Six processes of Git less for each of some hundred tests.
            shutil.copytree(Path(_TEMPLATES[init].name) / "project", path, symlinks=True, dirs_exist_ok=True)
            project = cls(path, commits=1)
        else:
            path.mkdir(parents=True)
            project = cls(path)
            project.dvcx("init", "--no-git", *init).ok()
        return project

    def dvcx(
        self, *words: str, cwd: str | Path = "", stdin: str = "", environment: Mapping[str, str] | None = None
    ) -> Run:
        """Runs `dvcx WORDS` in the folder `cwd` of the project: the whole command line, in this process.

        That is twenty times faster than a process of its own; `spawn` is for what needs one.
        """
        with _streams(stdin) as (out, err), _variables(environment or {}), contextlib.chdir(self.path / cwd):
            code = run(list(words))
        return Run(words, code, out(), err())

    def spawn(
        self, *words: str, cwd: str | Path = "", stdin: str = "", environment: Mapping[str, str] | None = None
    ) -> Run:
        """Runs `python -m dvcx WORDS` as a process of its own."""
        done = subprocess.run(
            program(words),
            cwd=self.path / cwd,
            env={**os.environ, **(environment or {})},
            input=stdin.encode("utf-8", "surrogateescape"),
            capture_output=True,
            check=False,
        )
        return Run(words, done.returncode, *(os.fsdecode(text) for text in (done.stdout, done.stderr)))

    def json(self, *words: str, cwd: str | Path = "") -> Any:
        """Gives what `dvcx WORDS --json` prints, which must succeed."""
        return self.dvcx(*words, "--json", cwd=cwd).ok().json

    def add(self, files: Mapping[str, str | bytes], *targets: str) -> None:
        """Writes the `files` and tracks `targets`, or else the first part of each path."""
        for name, content in files.items():
            self.write(name, content)
        self.dvcx("add", *(targets or dict.fromkeys(name.split("/")[0] for name in files))).ok()

    def save(self, files: Mapping[str, str | bytes], *targets: str, tag: str | None = None) -> str:
        """Does what `add` does, commits, and gives the commit's id; with a `tag` names it."""
        self.add(files, *targets)
        commit = self.commit(message=f"save {' '.join(targets or files)}")
        if tag is not None:
            self.git("tag", tag)
        return commit

    def clone(self, path: Path, *options: str) -> Project:
        """Makes a clone with `git clone OPTIONS`: the pointers, and nothing of the cache."""
        return Project(super().clone(path, *options).path, self.commits)

    def read(self, name: str) -> bytes:
        """Gives the content of a file."""
        return (self.path / name).read_bytes()

    def files(self, folder: str = "") -> dict[str, bytes]:
        """Gives every file below `folder` with its content, apart from those of Git and dvcx."""
        top = self.path / folder
        found = (path for path in sorted(top.rglob("*")) if path.is_file())
        return {
            str(path.relative_to(top)): path.read_bytes()
            for path in found
            if not {".git", ".dvcx"}.intersection(path.relative_to(self.path).parts)
        }

    @property
    def own_folder(self) -> Path:
        """What dvcx keeps for the whole repository: cache, trash, indexes."""
        inside = self.path / ".git" / "dvcx"
        return inside if (self.path / ".git").is_dir() else self.path / ".dvcx" / "local"


_TEMPLATES: dict[tuple[str, ...], TemporaryDirectory[str]] = {}
"""New projects by the words of their `init`, to be copied; they go away with the process."""


def program(words: Sequence[str]) -> list[str]:
    """Gives the argument list that starts `dvcx WORDS` as a process."""
    return [sys.executable, "-m", "dvcx", *words]


@contextlib.contextmanager
def _streams(stdin: str) -> Iterator[Any]:
    """Gives the process other standard streams, and functions that give what was written to them."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    given = io.TextIOWrapper(io.BytesIO(stdin.encode("utf-8", "surrogateescape")), encoding="utf-8")
    before = sys.stdin
    sys.stdin = given
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            yield lambda: _text(out), lambda: _text(err)
    finally:
        sys.stdin = before


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode("utf-8")


@contextlib.contextmanager
def _variables(changed: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(changed)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
