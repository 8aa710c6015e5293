"""`dvcx stage trace`: run a command once, see which files of the project it reads and writes, and propose the stage."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from dvcx.base.errors import StageFailed, UsageError
from dvcx.base.scratch import scratch_folder
from dvcx.manifest.manifest import Manifest, workspace_manifest
from dvcx.model.pointer import SUFFIX
from dvcx.model.stage import DEFAULT_PARAMS, LOCK_FILE, PIPELINE_FILE
from dvcx.operations.stage_add import NewOut, NewStage, StageAdded, stage_add
from dvcx.operations.stage_view import run_logs
from dvcx.pipeline.process import CommandRun, Stop
from dvcx.pipeline.tracing import can_strace, watch_command
from dvcx.repo.record import Repo, scratch_root

_OWN_FILES = frozenset({PIPELINE_FILE, LOCK_FILE, ".gitignore", ".gitattributes", ".dvcxignore"})
_OWN_FOLDERS = frozenset({".git", ".dvcx", "__pycache__", ".venv", "venv", "node_modules"})
_MANY = 8
"""From this number of files on, the folder around them is the dependency."""


@dataclass(frozen=True, slots=True)
class TraceResult:
    """What a command did: the project paths it `reads` and `writes`, and those it did both with.

    `method` is `strace`, or `python` when only Python programs could be watched. `stage` is the proposal, with paths
    relative to the folder where it was typed; `added` tells that it was written.
    """

    run: CommandRun
    method: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    both: tuple[str, ...]
    stage: NewStage
    added: StageAdded | None
    log: str


def stage_trace(
    repo: Repo,
    line: str,
    name: str,
    folder: str,
    environment: Mapping[str, str],
    stop: Stop,
    *,
    write: bool,
    strace: bool = True,
) -> TraceResult:
    """Runs `line` in the project folder `folder` and gives what it read and wrote; with `write` adds the stage.

    Raises `UsageError` for a stage without a name that is to be written, and `StageFailed` when the command fails.
    """
    if write and not name:
        raise UsageError("the stage to write has no name", "give it one with -n NAME")
    manifest = workspace_manifest(repo.root, repo.git)
    before = _snapshot(repo)
    log = run_logs(repo).begin("trace")
    try:
        with scratch_folder(scratch_root(repo)) as scratch:
            watched = watch_command(
                line,
                repo.root / folder,
                environment,
                scratch,
                log.fd,
                stop,
                strace=strace and can_strace(scratch),
            )
    finally:
        os.close(log.fd)
    if not watched.run.worked:
        raise StageFailed(f"the command ended with exit code {watched.run.code}", f"what it wrote is in {log.path}")
    after = _snapshot(repo)
    written = {path for path, look in after.items() if look and before.get(path) != look}
    read = {path for path in _inside(repo, watched.read) if path in before}
    outputs = _outputs(written, before, after)
    deps = _dependencies(read - written, outputs, manifest)
    stage = NewStage(
        name=name or "NAME",
        cmd=(line,),
        deps=tuple(_relative(path, folder) for path in deps if posixpath.basename(path) != DEFAULT_PARAMS),
        params=tuple(f"{_relative(path, folder)}:" for path in deps if posixpath.basename(path) == DEFAULT_PARAMS),
        outs=tuple(NewOut(_relative(path, folder)) for path in outputs),
    )
    added = stage_add(repo, folder, stage) if write else None
    both = tuple(sorted(written & read))
    return TraceResult(watched.run, watched.method, tuple(deps), tuple(outputs), both, stage, added, str(log.path))


def _snapshot(repo: Repo) -> dict[str, tuple[int, ...]]:
    """Gives what every file of the project looks like, apart from those of Git, dvcx and caches of programs.

    Folders are there with a slash at the end.
    """
    found: dict[str, tuple[int, ...]] = {}
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        with os.scandir(repo.root / folder) as listing:
            for entry in listing:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in _OWN_FOLDERS:
                        found[f"{path}/"] = ()
                        waiting.append(path)
                elif _counts(entry.name):
                    status = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
                        found[path] = status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
    return found


def _counts(name: str) -> bool:
    return name not in _OWN_FILES and not name.endswith((SUFFIX, ".pyc"))


def _inside(repo: Repo, paths: Iterable[str]) -> Iterable[str]:
    roots = {f"{repo.root}{os.sep}", f"{os.path.realpath(repo.root)}{os.sep}"}
    for path in paths:
        for root in roots:
            if path.startswith(root):
                yield path[len(root) :].replace(os.sep, "/")
                break


def _outputs(written: Collection[str], before: Collection[str], after: Collection[str]) -> list[str]:
    """Gives what was written: in the place of all that is in it a folder that was not there before, or one of many
    files that were all written, as when the command ran before."""
    counts: dict[str, int] = {}
    for path in written:
        for folder in _above(path):
            counts[folder] = counts.get(folder, 0) + 1
    others = {folder for path in after if path[-1] != "/" and path not in written for folder in _above(path)}
    whole = {folder for folder, count in counts.items() if count >= _MANY and folder not in others}
    whole.update(folder for folder in counts if f"{folder}/" not in before)
    found: dict[str, None] = {}
    for path in sorted(written):
        folders = [folder for folder in _above(path) if folder in whole]
        found[folders[-1] if folders else path] = None
    return list(found)


def _dependencies(read: Collection[str], outputs: Collection[str], manifest: Manifest) -> list[str]:
    """Gives what was read: tracked folders as wholes, and folders of which many files were."""
    whole: set[str] = set()
    counts: dict[str, int] = {}
    for path in read:
        if not any(path == out or path.startswith(f"{out}/") for out in outputs):
            owner = manifest.owner_of(path)
            whole.add(owner if owner is not None else path)
    for path in whole:
        parent = posixpath.dirname(path)
        counts[parent] = counts.get(parent, 0) + 1
    many = {folder for folder, count in counts.items() if folder and count >= _MANY}
    many = {folder for folder in many if not any(out.startswith(f"{folder}/") for out in outputs)}
    return sorted({next((f for f in reversed(list(_above(path))) if f in many), path) for path in whole})


def _above(path: str) -> Iterable[str]:
    """Gives the folders above a path, the nearest first."""
    while path := posixpath.dirname(path):
        yield path


def _relative(path: str, folder: str) -> str:
    return posixpath.relpath(f"/{path}", f"/{folder}")
