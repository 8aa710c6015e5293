"""Reading many objects of a remote: neighbours in one request, requests in parallel, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from dvcx.base.errors import DamagedData
from dvcx.base.hashing import Algorithm
from dvcx.formats.payload import decode_payload
from dvcx.formats.table import Role
from dvcx.storage.bucket import Bucket, NotThere
from dvcx.storage.moved import Steady
from dvcx.storage.remote_catalog import Found

GAP = 256 << 10
"""Reading over a gap of this many bytes takes less time than another request."""
MOST = 12 << 20
"""Bytes that one request asks for, unless a single payload is longer: as many as a pack sent over a network has."""


class Span(NamedTuple):
    """One request: the bytes from `start` to `end` of a pack, with the objects that lie in them."""

    pack: str
    start: int
    end: int
    places: list[Found]


class Answer(NamedTuple):
    """What a request gave: payloads by place, decoded; the places that failed, and whether their pack is gone."""

    good: list[tuple[Found, bytes | memoryview]]
    bad: list[Found]
    gone: bool


def pack_file(name: str) -> str:
    """Gives the file name of the pack called `name`."""
    return f"packs/{name[:2]}/{name}.pack"


def spans(places: Iterable[Found]) -> list[Span]:
    """Gives the requests that read `places`: packs in the order of their first place, each pack from front to back."""
    by_pack: dict[str, list[Found]] = {}
    for place in places:
        by_pack.setdefault(place.pack, []).append(place)
    return [span for pack, found in by_pack.items() for span in _coalesced(pack, found)]


def _coalesced(pack: str, places: list[Found]) -> Iterator[Span]:
    places.sort(key=_offset)
    run: list[Found] = []
    start = end = 0
    for place in places:
        low = place.record.offset
        high = low + place.record.stored
        if run and (low - end > GAP or high - start > MOST):
            yield Span(pack, start, end, run)
            run = []
        if not run:
            start = end = low
        run.append(place)
        end = max(end, high)
    if run:
        yield Span(pack, start, end, run)


def _offset(place: Found) -> int:
    return place.record.offset


class Reader:
    """Reads spans with `jobs` requests at a time, and at most two more answered ahead of who takes them.

    With `verify` only payloads that are what their digest says count as good. `arrived` is told, by any thread, the
    bytes of payloads as they come; a negative number takes back what came of a request that failed.
    """

    def __init__(
        self,
        bucket: Bucket,
        algorithm: Algorithm,
        jobs: int,
        *,
        verify: bool = True,
        arrived: Callable[[int], None] | None = None,
    ) -> None:
        self._bucket = bucket
        self._arrived = arrived
        self._of = algorithm.of
        self._jobs = jobs
        self._verify = verify

    def read(self, wanted: Sequence[Span]) -> Iterator[Answer]:
        """Gives the answers in the order of `wanted`."""
        if len(wanted) <= 1 or self._jobs == 1:
            yield from (self._answer(span) for span in wanted)
            return
        waiting: deque[Future[Answer]] = deque()
        pool = ThreadPoolExecutor(self._jobs, thread_name_prefix="dvcx-read")
        try:
            for span in wanted:
                waiting.append(pool.submit(self._answer, span))
                if len(waiting) >= self._jobs + 2:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # nobody waits for answers that nobody wants any more

    def _bytes(self, span: Span) -> bytes:
        if self._arrived is None:
            return self._bucket.read_range(pack_file(span.pack), span.start, span.end)
        content = [place.record.stored for place in span.places if place.record.role not in (Role.RECIPE, Role.PART)]
        wanted = min(sum(content), span.end - span.start)
        with Steady(self._arrived).part(wanted, span.end - span.start):
            return self._bucket.read_range(pack_file(span.pack), span.start, span.end)

    def _answer(self, span: Span) -> Answer:
        try:
            data = memoryview(self._bytes(span))
        except NotThere:
            return Answer([], span.places, True)
        good: list[tuple[Found, bytes | memoryview]] = []
        bad: list[Found] = []
        for place in span.places:
            record = place.record
            low = record.offset - span.start
            try:
                payload = decode_payload(record, data[low : low + record.stored], place.pack)
            except DamagedData:
                bad.append(place)
                continue
            if self._verify and self._of(payload) != record.digest:
                bad.append(place)
            else:
                good.append((place, payload))
        return Answer(good, bad, False)
