"""The ground on which one tool runs one round: a fresh repository, a fresh remote, a clone on "another machine"."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import data
from measure import Command, StepError, run, usage
from quiet import Aside
from results import Results, Stored
from tools import Tool, program_path

CP = program_path("cp")
GIT = program_path("git")


@dataclass(slots=True)
class Ground:
    """The folders of one tool in one round; `expected` is the fingerprint that the data must have now."""

    workload: str
    tool: Tool
    root: Path
    source: Path
    results: Results
    aside: Aside
    final_check: bool
    expected: str = ""
    memory_bytes: int = 0  # free memory that a step may need for what it reads and writes
    copies: int = 0

    @property
    def repo(self) -> Path:
        """The repository in which the work is done."""
        return self.root / "repo"

    @property
    def clone(self) -> Path:
        """The clone into which the data is pulled."""
        return self.root / "clone"

    @property
    def remote(self) -> Path:
        """The folder that is the remote."""
        return self.root / "remote"

    @property
    def workspace(self) -> Path:
        """The tracked file or folder in the repository."""
        return self.repo / self.source.name

    def command(self, *words: str, folder: Path | None = None) -> Command:
        """A command of the tool, in the repository or in the clone (which has a home, so also caches, of its own)."""
        return self._process(self.tool.program, *words, folder=folder)

    def git(self, *words: str, folder: Path | None = None) -> Command:
        """A git command."""
        return self._process(GIT, *words, folder=folder)

    def copy(self) -> Command:
        """`cp -r` of the original data to a new place: the floor."""
        self.copies += 1
        return self._process(CP, "-r", str(self.source), str(self.root / f"copy-{self.copies}"), folder=self.root)

    def remove_copy(self) -> None:
        """Take away what the last `copy` wrote."""
        self.aside.discard(self.root / f"copy-{self.copies}")

    def prepare(self) -> None:
        """Make the repository with the data in it, not tracked yet, and the empty remote."""
        self.repo.mkdir(parents=True)
        self.remote.mkdir()
        subprocess.run([CP, "-r", str(self.source), str(self.workspace)], check=True)
        untimed = [self.git("init", "-q", "-b", "main"), self.command("init")]
        untimed += [self.command(*words) for words in self.tool.settings()]
        untimed += [self.command("remote", "add", "-d", "store", str(self.remote))]
        run(untimed)

    def commit(self) -> None:
        """Save the pointers in Git."""
        run([self.git("add", "-A"), self.git("commit", "-q", "-m", "data")])

    def clone_and_pull(self) -> list[Command]:
        """The commands by which another machine gets the data."""
        clone = self.git("clone", "-q", str(self.repo), str(self.clone), folder=self.root)
        return [clone, self.command("pull", folder=self.clone)]

    def check(self, path: Path) -> None:
        """Compare with the original by content. Raises StepError."""
        if not path.exists() or data.digest(path) != self.expected:
            raise StepError(f"{path} is not what was added")

    def check_clean(self, *, clean: bool) -> None:
        """Ask the tool whether the workspace is as the pointers say. Raises StepError when it is wrong."""
        run([self.command(*self.tool.cleanness())], expect=0 if clean else 1)

    def take_stock(self, moment: str) -> None:
        """Count what the tool has stored."""
        cache = self.repo / self.tool.cache_folder
        state = [self.repo / folder for folder in self.tool.state_folders]
        state.append(self._home(self.repo))
        places = {
            "cache": usage([cache]),
            "remote": usage([self.remote]),
            "state": usage(state, without=cache),
        }
        for place, found in places.items():
            self.results.stored.append(Stored(self.workload, moment, place, self.tool.name, found))

    def _home(self, folder: Path) -> Path:
        return self.root / f"home-of-{folder.name}"

    def _process(self, *words: str, folder: Path | None) -> Command:
        folder = folder or self.repo
        return Command(words, folder, self.tool.environment(self._home(folder)), self.root / "log.txt")
