"""A file or folder on a bucket, seen as what is outside of any project: with the patience and the words of remotes."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from dvcx.base.paths import check_relative
from dvcx.base.progress import Task
from dvcx.storage.bucket import Bucket, BucketFile, NotThere
from dvcx.storage.outside import NOT_DATA, Outside, OutsideFile, nothing_at

_BLOCK = 8 << 20
_JOBS = 8


class BucketPlace:
    """The file or folder called `name` ("" is all of it) on `bucket`. See `OutsidePlace`, which does the same."""

    def __init__(self, bucket: Bucket, name: str) -> None:
        self._bucket, self._name = bucket, name.strip("/")
        self.label = f"{bucket.label}/{self._name}".rstrip("/")

    def look(self) -> Outside:
        """Gives what is there; raises `UsageError` when nothing is, `Refused` for hostile names, `RemoteError`."""
        found = self._bucket.stat(self._name) if self._name else None
        if found is not None:
            return Outside(self.label, False, (_file("", found),))
        prefix = f"{self._name}/" if self._name else ""
        files = []
        for each in self._listed(prefix):
            name = each.name[len(prefix) :]
            if name and name not in NOT_DATA:  # some stores have an empty object that stands for the folder itself
                check_relative(name, self.label)
                files.append(_file(name, each))
        if not files:
            raise nothing_at(self.label)
        return Outside(self.label, True, tuple(sorted(files, key=lambda file: file.name)))

    def list(self) -> list[tuple[OutsideFile, bool]]:
        """Gives what is directly in the folder, each with whether it is a folder, or the one file that is there."""
        outside = self.look()
        if not outside.is_folder:
            (file,) = outside.files
            name = self._name.rpartition("/")[2]
            return [(OutsideFile(name, file.size, file.etag, file.modified), False)]
        listed: dict[str, tuple[OutsideFile, bool]] = {}
        for file in outside.files:
            name, slash, _ = file.name.partition("/")
            listed.setdefault(name, (OutsideFile(name, None, None, None), True) if slash else (file, False))
        return [listed[name] for name in sorted(listed)]

    def download(self, outside: Outside, target: Path, running: Task) -> None:
        """Writes what `look` gave to the new path `target`, several files at a time; raises `RemoteError`."""
        if not outside.is_folder:
            self._download_file(self._name, target, running)
            return
        target.mkdir()
        for file in outside.files:
            (target / file.name).parent.mkdir(parents=True, exist_ok=True)
        prefix = f"{self._name}/" if self._name else ""
        with ThreadPoolExecutor(_JOBS, thread_name_prefix="dvcx-get") as pool:
            names = [file.name for file in outside.files]
            jobs = [pool.submit(self._download_file, prefix + name, target / name, running) for name in names]
            try:
                for job in jobs:
                    job.result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _download_file(self, name: str, target: Path, running: Task) -> None:
        with open(target, "xb") as file:
            while data := self._bucket.read_range(name, file.tell(), file.tell() + _BLOCK):
                file.write(data)
                running.advance(len(data))
                if len(data) < _BLOCK:
                    break

    def _listed(self, prefix: str) -> Iterable[BucketFile]:
        try:
            return list(self._bucket.list(prefix))
        except NotThere:
            return []


def _file(name: str, found: BucketFile) -> OutsideFile:
    modified = None if found.modified is None else datetime.fromtimestamp(found.modified, UTC).isoformat()
    return OutsideFile(name, found.size, None, modified)
