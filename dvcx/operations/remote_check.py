"""`dvcx remote check`: whether everything that dvcx needs of a remote works, tried on the remote itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from dvcx.base.errors import DvcxError
from dvcx.config.reading import entry_of, shown_value
from dvcx.operations.remotes import remote_config
from dvcx.repo.record import Repo
from dvcx.storage.bucket_check import Trial, Verdict, check_bucket
from dvcx.storage.open_bucket import open_bare_bucket


@dataclass(frozen=True, slots=True)
class RemoteCheck:
    """A remote, what was tried on it in order, and whether all of it that has to work does."""

    name: str
    url: str
    works: bool
    trials: tuple[Trial, ...]


def check_remote(repo: Repo, name: str | None = None, clock: Callable[[], float] = time.time) -> RemoteCheck:
    """Tries the remote called `name`, or the default one. A small file is written there and removed again.

    Nothing is tried twice: what fails in passing is what one wants to see here. What goes wrong is part of the
    result; raises only `UsageError`, for an unknown remote.
    """
    config = remote_config(repo, name)
    entry = entry_of(repo.config, f"remote.{config.name}.url")
    url = str(shown_value(entry)) if entry is not None else ""
    began = time.monotonic()
    withheld = _withheld(config.name, config.withheld)
    try:
        bucket = open_bare_bucket(config.url, repo.root, config.options, config.name)
    except DvcxError as error:
        seconds = round(time.monotonic() - began, 3)
        failed = Trial("connect", Verdict.FAILED, error.message, error.hint, seconds)
        return RemoteCheck(config.name, url, False, (*withheld, failed))
    trials = (*withheld, *check_bucket(bucket, clock))
    return RemoteCheck(config.name, url, all(each.verdict is not Verdict.FAILED for each in trials), trials)


def _withheld(name: str, secrets: tuple[str, ...]) -> tuple[Trial, ...]:
    if not secrets:
        return ()
    found = f"{', '.join(secrets)}: set for another address than the remote has now, so not used"
    hint = f"if the address is right: `dvcx remote modify --local {name} {secrets[0]} -`"
    return (Trial("secrets", Verdict.WARNING, found, hint),)
