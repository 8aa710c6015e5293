"""A file of runs on a remote: lines of JSON `["<key>", "<text of a dvcx.lock with the one stage `run`>"]`, in zstd."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

import zstandard

from dvcx.base.errors import DamagedData

MAX_BYTES = 256 << 20
"""A file of runs holds no more than this (bytes), packed or not."""
_KEY = re.compile(r"[0-9a-f]{64}\Z")


def dump_runs(runs: Mapping[str, bytes]) -> bytes:
    """Gives the file that holds `runs` by their keys."""
    lines = (json.dumps([key, runs[key].decode("utf-8")], ensure_ascii=False) for key in sorted(runs))
    return zstandard.ZstdCompressor(level=3).compress("".join(f"{line}\n" for line in lines).encode())


def parse_runs(data: bytes, where: str) -> Mapping[str, bytes]:
    """Gives the runs of the file `where` by their keys; raises `DamagedData` for what is no such file."""
    try:
        if not 0 <= zstandard.frame_content_size(data) <= MAX_BYTES:
            raise DamagedData(f"{where} does not say how long it is, or is too long")
        text = zstandard.ZstdDecompressor().decompress(data, max_output_size=MAX_BYTES)
        return dict(_parsed(text))
    except (zstandard.ZstdError, ValueError, RecursionError) as error:
        raise DamagedData(f"{where} is no file of runs") from error


def _parsed(text: bytes) -> Iterator[tuple[str, bytes]]:
    for line in text.splitlines():
        key, run = json.loads(line)
        if not isinstance(key, str) or not isinstance(run, str) or not _KEY.match(key):
            raise ValueError(line[:80])
        yield key, run.encode()
