"""Runs of stages on a remote: an immutable file for each push, with the runs that the remote did not have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from dvcx.base.errors import DamagedData
from dvcx.base.hashing import algorithm_named
from dvcx.formats.runs_text import MAX_BYTES, dump_runs, parse_runs
from dvcx.storage.bucket import Bucket, NotThere

FOLDER = "runs/"
_NAME = re.compile(r"runs/([0-9a-f]{64})\.runs\Z")
_HASH = algorithm_named("blake3")


def list_runs(bucket: Bucket) -> list[str]:
    """Gives the names of the files of runs, sorted."""
    return sorted(file.name for file in bucket.list(FOLDER) if _NAME.match(file.name) and file.size <= MAX_BYTES)


def read_runs(bucket: Bucket, names: Iterable[str]) -> Iterator[tuple[str, Mapping[str, bytes]]]:
    """Gives the runs of each file by their keys; one that is gone, or is not what its name says, is left out."""
    for name in names:
        try:
            data = bucket.read(name)
            found = _NAME.match(name)
            if found is not None and _HASH.of(data).hex() == found[1]:
                yield name, parse_runs(data, name)
        except (NotThere, DamagedData):
            continue


def write_runs(bucket: Bucket, runs: Mapping[str, bytes]) -> str:
    """Writes runs by their keys into a new file and gives its name. Their outputs are on the remote already."""
    data = dump_runs(runs)
    name = f"{FOLDER}{_HASH.of(data).hex()}.runs"
    bucket.write(name, [data])
    return name
