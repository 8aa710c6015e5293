"""Trying a bucket out: listing, writing, reading, writing exclusively, deleting, and what its clock says."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol, runtime_checkable

from dvcx.base.errors import DvcxError, Refused
from dvcx.base.files import temporary_name
from dvcx.formats.remote_json import DESCRIPTION_NAME, MOST_BYTES, is_encrypted_marker, parse_description
from dvcx.storage.bucket import AlreadyThere, Bucket, NotThere

_SIZE = 4096
_FOLDER = "tmp/"
"""A collection of garbage takes away what a check that was killed left there."""
SKEW = 60.0
"""Seconds that the clocks here and there may differ."""


class Verdict(StrEnum):
    """How one trial ended. `WARNING`: it works, and something should be known of it."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing that was tried: what, how it ended, what was found, what to do about it, and how long it took."""

    what: str
    verdict: Verdict
    found: str
    hint: str | None = None
    seconds: float = 0.0


def check_bucket(bucket: Bucket, clock: Callable[[], float] = time.time) -> tuple[Trial, ...]:
    """Gives what was tried on a bucket, in order. One small file is written below `tmp/` and removed again.

    After a failure, what could not be told apart from it is skipped. Raises nothing that a store does.
    """
    return _Check(bucket, clock).run()


@runtime_checkable
class TriesExclusively(Protocol):
    """A bucket that can leave it to the store alone not to replace a file."""

    def write_unlooked(self, name: str, data: bytes) -> None:
        """Writes a file exclusively; a store that cannot do that replaces it. Raises `AlreadyThere`."""


class _Check:
    def __init__(self, bucket: Bucket, clock: Callable[[], float]) -> None:
        self._bucket = bucket
        self._clock = clock
        self._name = f"{_FOLDER}{temporary_name('check')}"
        self._data = os.urandom(_SIZE)
        self._trials: list[Trial] = []
        self._written_at: float | None = None
        self._read_only = False

    def run(self) -> tuple[Trial, ...]:
        """Tries everything, in an order in which each trial says something that the ones before did not."""
        if self._tried("read", self._read_description) and self._tried("list", self._list):
            self._try_writing()
        return tuple(self._trials)

    def _try_writing(self) -> None:
        if not self._tried("write", self._write):
            failed = self._trials[-1]
            hint = "; ".join(filter(None, (failed.hint, "`pull` and `fetch` work already")))
            self._trials[-1] = replace(failed, hint=hint)
            return
        if self._read_only:
            for what in ("read back", "exclusive write", "delete", "clock"):
                self._trials.append(Trial(what, Verdict.SKIPPED, "the remote is only read"))
            return
        try:
            self._tried("read back", self._read_back)
            self._tried("exclusive write", self._write_exclusively)
            self._tried("clock", self._look_at_clock)
        finally:
            self._tried("delete", self._delete)

    def _tried(self, what: str, trial: Callable[[], tuple[Verdict, str, str | None]]) -> bool:
        began = time.monotonic()
        try:
            verdict, found, hint = trial()
        except DvcxError as error:
            verdict, found, hint = Verdict.FAILED, error.message, error.hint
        self._trials.append(Trial(what, verdict, found, hint, round(time.monotonic() - began, 3)))
        return verdict is not Verdict.FAILED

    def _read_description(self) -> tuple[Verdict, str, str | None]:
        try:
            data = self._bucket.read_range(DESCRIPTION_NAME, 0, MOST_BYTES)
        except NotThere:
            return Verdict.OK, "it answers; nothing was pushed there yet", None
        if is_encrypted_marker(data):
            return Verdict.OK, "there is an encrypted dvcx remote", None
        described = parse_description(data, f"{self._bucket.label}/{DESCRIPTION_NAME}")
        return Verdict.OK, f"there is a dvcx remote, of format {described.format}", None

    def _list(self) -> tuple[Verdict, str, str | None]:
        try:
            count = sum(1 for _ in self._bucket.list("index/"))
        except NotThere:
            return Verdict.OK, "there is no folder yet; the first push makes it", None
        return Verdict.OK, f"{count} index file{'' if count == 1 else 's'}", None

    def _write(self) -> tuple[Verdict, str, str | None]:
        try:
            self._bucket.write(self._name, [self._data])
        except Refused:
            self._read_only = True
            return Verdict.SKIPPED, "the remote is only read: `pull` and `fetch` work, `push` does not", None
        self._written_at = self._clock()
        return Verdict.OK, f"{_SIZE} bytes", None

    def _read_back(self) -> tuple[Verdict, str, str | None]:
        whole = self._bucket.read(self._name)
        part = self._bucket.read_range(self._name, 1000, 1100)
        if whole != self._data or part != self._data[1000:1100]:
            return Verdict.FAILED, "other bytes came back than were written", "is there a proxy or cache in between?"
        if self._name not in {file.name for file in self._bucket.list(_FOLDER)}:
            return (
                Verdict.WARNING,
                "a new file is not in the listing at once",
                "others may see a push some moments after it has ended",
            )
        return Verdict.OK, "whole and in part, and it is in the listing", None

    def _write_exclusively(self) -> tuple[Verdict, str, str | None]:
        try:
            if isinstance(self._bucket, TriesExclusively):  # its `write` looks first, which would hide the answer
                self._bucket.write_unlooked(self._name, b"other")
            else:
                self._bucket.write(self._name, [b"other"], exclusive=True)
        except AlreadyThere:
            return Verdict.OK, "the store does not replace a file that is there", None
        return (
            Verdict.WARNING,
            "the store replaces a file that is there",
            "let one person make the first push; later ones do not need this",
        )

    def _look_at_clock(self) -> tuple[Verdict, str, str | None]:
        found = self._bucket.stat(self._name)
        if found is None or found.modified is None or self._written_at is None:
            return Verdict.SKIPPED, "the store does not tell when a file was written", None
        skew = found.modified - self._written_at
        if abs(skew) <= SKEW:
            return Verdict.OK, f"the clocks agree to {max(1, round(abs(skew)))} s", None
        word = "ahead of" if skew > 0 else "behind"
        return (
            Verdict.WARNING,
            f"its clock is {abs(skew):.0f} s {word} this computer's",
            "set the one that is wrong, for example with `timedatectl set-ntp true`: `gc` goes by the age of files",
        )

    def _delete(self) -> tuple[Verdict, str, str | None]:
        self._bucket.delete([self._name])
        if self._bucket.stat(self._name) is not None:
            return Verdict.FAILED, "the file is there still", "does the bucket keep every version, or lock objects?"
        return Verdict.OK, "the file is gone", None
