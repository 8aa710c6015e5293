"""Whether the remotes answer, for `dvcx doctor`: each is asked what it is, all at once, and nothing is written."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from dvcx.base.errors import DvcxError
from dvcx.base.filesystems import filesystem_of
from dvcx.config.reading import entry_of, shown_value
from dvcx.config.schema import RemoteConfig
from dvcx.operations.remotes import open_own_bucket
from dvcx.repo.record import Repo
from dvcx.storage.open_bucket import folder_of
from dvcx.storage.remote import Remote

_PATIENCE = 10.0
"""Seconds until a remote counts as one that does not answer."""


@dataclass(frozen=True, slots=True)
class RemoteReport:
    """A remote and whether it can be used.

    `state` is `ready`, `new` (nothing was pushed there yet) or `unreachable`. `filesystem` and `writable` are known for
    folders only. `seconds` is how long the answer took. `problem` says what is wrong with it.
    """

    name: str
    url: str
    default: bool
    state: str
    filesystem: str | None
    writable: bool | None
    seconds: float | None
    problem: str | None


def look_at_remotes(repo: Repo) -> tuple[RemoteReport, ...]:
    """Asks every remote what it is; one that has not answered after ten seconds is not waited for."""
    found: dict[str, RemoteReport] = {}
    threads = []
    for name, config in repo.config.remotes.items():
        found[name] = _silent(repo, config)
        # A thread that is stuck in the network must not keep the program from ending.
        thread = threading.Thread(target=_look, args=(repo, config, found), name=f"dvcx-doctor-{name}", daemon=True)
        thread.start()
        threads.append(thread)
    deadline = time.monotonic() + _PATIENCE
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return tuple(found[name] for name in sorted(found))


def _silent(repo: Repo, config: RemoteConfig) -> RemoteReport:
    entry = entry_of(repo.config, f"remote.{config.name}.url")
    url = str(shown_value(entry)) if entry is not None else ""
    is_default = repo.config.core.remote == config.name
    problem = f"no answer within {_PATIENCE:.0f} seconds"
    return RemoteReport(config.name, url, is_default, "unreachable", None, None, None, problem)


def _look(repo: Repo, config: RemoteConfig, found: dict[str, RemoteReport]) -> None:
    began = time.monotonic()
    silent = found[config.name]
    try:
        # Without a local folder nothing is noted down.
        described = Remote(open_own_bucket(repo, config), config.name, repo.algorithm).describe()
        report = replace(silent, state="ready" if described is not None else "new", problem=None)
        if (folder := folder_of(config.url, repo.root)) is not None:
            report = _with_folder(report, folder)
    except DvcxError as error:
        report = replace(silent, problem=f"{error.message} ({error.hint})" if error.hint else error.message)
    except Exception as error:  # a store's library may raise anything, and one remote must not end the report
        report = replace(silent, problem=f"{type(error).__name__} while asking it")
    found[config.name] = replace(report, seconds=round(time.monotonic() - began, 3))


def _with_folder(report: RemoteReport, folder: Path) -> RemoteReport:
    place = folder if folder.is_dir() else folder.parent
    if not place.is_dir():
        return replace(report, state="unreachable", writable=False, problem=f"{place} is not there: is it mounted?")
    writable = os.access(place, os.W_OK | os.X_OK)
    problem = None if writable else f"no right to write to {place}"
    return replace(report, filesystem=filesystem_of(place).kind, writable=writable, problem=problem)
