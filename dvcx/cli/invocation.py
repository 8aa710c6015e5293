"""What a command receives: one typed command, where it runs and how it talks; and what it may give back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dvcx.base.errors import DvcxError
from dvcx.base.progress import Progress
from dvcx.cli.console import Console

if TYPE_CHECKING:
    from dvcx.repo.record import Repo


@dataclass(frozen=True, slots=True)
class Invocation:
    """One typed command. `directory` is where it runs: the current one, after `-C`."""

    console: Console
    progress: Progress
    environment: Mapping[str, str]
    directory: Path

    def repo(self, instead: str | None = None) -> Repo:
        """Opens the project around `directory`. Raises the errors of `open_repo`.

        `instead` is what else can be typed where there is none; it stands in the hint.
        """
        # Commands that need no project, and every --help, start without what opening one imports.
        from dvcx.repo.open import NoProject, open_repo

        try:
            repo = open_repo(self.directory, self.environment)
        except NoProject as error:
            if instead is None:
                raise
            raise NoProject(error.message, f"{error.hint}; {instead}") from None
        self._warn_of_settings(repo)
        return repo

    def repo_if_any(self) -> Repo | None:
        """Opens the project around `directory`, if there is one; for commands that work without."""
        from dvcx.repo.open import open_repo_if_any

        repo = open_repo_if_any(self.directory, self.environment)
        if repo is not None:
            self._warn_of_settings(repo)
        return repo

    def _warn_of_settings(self, repo: Repo) -> None:
        for warning in repo.config.warnings:
            self.console.warn(warning)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result that ends with an exit code of its own.

    `status --exit-code` gives `Outcome(result, code=1)`. Work done in part gives
    `Outcome(result, error=MissingData(...))`: the result is printed, then the error. With a `render` of its own it is
    shown by that instead of the module's: for options that only change what is shown.
    """

    result: object
    code: int = 0
    error: DvcxError | None = None
    render: Callable[[Any, Console], None] | None = None
