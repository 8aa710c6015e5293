"""The run cache on its way to remotes and back, with the outputs that its runs name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from dvcx.base.errors import DvcxError
from dvcx.base.files import write_atomically
from dvcx.base.progress import SILENT, Progress
from dvcx.formats.lock_text import parse_lock
from dvcx.formats.table import Role
from dvcx.model.ids import Kind
from dvcx.model.run_record import RunRecord
from dvcx.pipeline.run_cache import RunCache
from dvcx.repo.record import Repo
from dvcx.storage.cache import Cache
from dvcx.storage.download import download, plan_download
from dvcx.storage.reach import Wanted, reachable
from dvcx.storage.remote import Remote
from dvcx.storage.remote_runs import list_runs, read_runs, write_runs
from dvcx.storage.upload import plan_upload, upload


def run_cache_of(repo: Repo) -> RunCache:
    """Gives the run cache, which all worktrees of the repository share."""
    return RunCache(repo.common_dir / "runs")


def push_runs(repo: Repo, cache: Cache, remote: Remote, progress: Progress = SILENT) -> int:
    """Sends the runs that the remote does not have, after their outputs, and gives how many; the cache is locked.

    Runs whose outputs the cache has lost stay here, and those with an output that is not to be on this remote.
    """
    runs = run_cache_of(repo)
    shelf = _Shelf(repo, remote)
    known = shelf.refreshed(remote, runs)
    texts = ((key, runs.text(key)) for key in runs.all_keys() if key not in known)
    new = {key: text for key, text in texts if text is not None and _may_travel(text, remote.name)}
    roots = {key: _roots(text) for key, text in new.items()}
    reached = reachable(cache, [root for each in roots.values() for root in each], fallback=remote)
    plan = plan_upload(cache, remote, reached.wanted)
    lost = {each.digest for each in (*plan.lost, *reached.unread)}
    upload(plan, cache, remote, progress)
    whole = {key: text for key, text in new.items() if roots[key] and not _is_lost(roots[key], lost, cache)}
    if whole:
        shelf.note({write_runs(remote.bucket, whole)}, whole)
    return len(whole)


def fetch_runs(repo: Repo, cache: Cache, remote: Remote, progress: Progress = SILENT) -> int:
    """Takes the remote's runs and their outputs, and gives how many runs were new here."""
    runs = run_cache_of(repo)
    before = set(runs.all_keys())
    _Shelf(repo, remote).refreshed(remote, runs)
    roots = [root for key in runs.all_keys() if (text := runs.text(key)) is not None for root in _roots(text)]
    reached = reachable(cache, roots, fallback=remote)
    plan = plan_download(cache, remote, reached.wanted, reached.trees)
    download(plan, cache, remote, progress, partial=cache.root / "partial")
    return len(set(runs.all_keys()) - before)


class _Shelf:
    """What is known here of the runs of a remote: the files that were read, and the keys in them."""

    def __init__(self, repo: Repo, remote: Remote) -> None:
        description = remote.describe()
        self._path: Path = repo.common_dir / "runs" / "remotes" / f"{description.id if description else '-'}.json"
        self._files: set[str] = set()
        self._keys: set[str] = set()
        try:
            stored = json.loads(self._path.read_bytes())
            self._files, self._keys = set(stored["files"]), set(stored["keys"])
        except (OSError, ValueError, KeyError, TypeError):
            pass  # nothing is known: all files are read again

    def refreshed(self, remote: Remote, runs: RunCache) -> set[str]:
        """Reads what is new on the remote into the run cache, and gives the keys that the remote has."""
        there = list_runs(remote.bucket)
        if not self._files <= set(there):  # somebody cleared the remote
            self._files, self._keys = set(), set()
        for name, found in read_runs(remote.bucket, [each for each in there if each not in self._files]):
            for key, text in found.items():
                if _is_run(text) and runs.get(key) is None:
                    runs.put_text(key, text)
            self.note({name}, found)
        return self._keys

    def note(self, files: set[str], runs: Mapping[str, bytes]) -> None:
        """Takes note of files of the remote with their runs."""
        self._files |= files
        self._keys |= runs.keys()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"files": sorted(self._files), "keys": sorted(self._keys)})
        write_atomically(self._path, text.encode(), durable=False)


def _is_run(text: bytes) -> bool:
    return _record(text) is not None


def _record(text: bytes) -> RunRecord | None:
    try:
        return parse_lock(text, "a run").records.get("run")
    except DvcxError:
        return None


def _may_travel(text: bytes, remote: str) -> bool:
    record = _record(text)
    return record is not None and all(out.push and out.remote in (None, remote) for out in record.outs)


def _roots(text: bytes) -> list[Wanted]:
    record = _record(text)
    return [] if record is None else list(_wanted(record))


def _wanted(record: RunRecord) -> Iterator[Wanted]:
    for out in record.outs:
        for each in (out,) if out.members is None else out.members:
            if each.id is not None:
                role = Role.TREE if each.id.kind is Kind.TREE else Role.BLOB
                yield Wanted(each.id.digest, role, each.size or 0, each.text)


def _is_lost(roots: list[Wanted], lost: set[bytes], cache: Cache) -> bool:
    if not lost:
        return False
    reached = reachable(cache, roots)
    return bool(reached.unread) or not lost.isdisjoint(reached.wanted)
