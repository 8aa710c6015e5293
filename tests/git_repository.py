"""A real Git repository for tests, with the few verbs that arranging one needs."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_FIRST_SECOND = 1_700_000_000


@dataclass
class GitRepository:
    """A work tree at `path`. Commits get one second more each, so ids and order are the same in every run."""

    path: Path
    commits: int = 0

    @classmethod
    def create(cls, path: Path, *options: str) -> Self:
        """Makes a repository with `git init OPTIONS`."""
        path.mkdir(parents=True, exist_ok=True)
        repo = cls(path)
        repo.git("init", "--quiet", *options)
        return repo

    def clone(self, path: Path, *options: str) -> GitRepository:
        """Makes a clone with `git clone OPTIONS`, through the file protocol, so that --depth and --filter work."""
        self.git("clone", "--quiet", *options, f"file://{self.path}", str(path))
        return GitRepository(path, self.commits)

    def git(self, *args: str, stdin: str | None = None, check: bool = True) -> str:
        """Gives what `git ARGS` prints, without the last line end; fails with its stderr."""
        when = f"{_FIRST_SECOND + self.commits} +0200"
        done = subprocess.run(
            ["git", *args],
            cwd=self.path,
            env={**os.environ, "GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when},
            input=None if stdin is None else os.fsencode(stdin),
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"git {' '.join(args)}: {done.stderr.decode(errors='replace')}")
        return os.fsdecode(done.stdout).removesuffix("\n")

    def write(self, name: str, content: str | bytes = "") -> Path:
        """Writes a file of the work tree, with its folders."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def commit(self, files: dict[str, str] | None = None, message: str = "a commit") -> str:
        """Writes the `files`, commits all there is in the work tree, and gives the commit's id."""
        for name, content in (files or {}).items():
            self.write(name, content)
        self.commits += 1
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.head()

    def head(self) -> str:
        """Gives the id of the commit that HEAD names."""
        return self.git("rev-parse", "HEAD")

    def blob(self, name: str) -> str:
        """Gives the id of a blob, named as "REVISION:path"."""
        return self.git("rev-parse", name)
