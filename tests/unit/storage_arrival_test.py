"""What comes from a remote changed on the way is asked for again, and never believed: it ends in exit code 5."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from dvcx.base.errors import ArrivedDamaged, DamagedData, RemoteError
from dvcx.base.hashing import ALGORITHMS
from dvcx.formats.remote_json import VERSION, Chunking, Marks, dump_json
from dvcx.formats.table import Role
from dvcx.storage.arrival import TRIES, until_right
from dvcx.storage.cache_fsck import check_cache
from dvcx.storage.download import download, plan_download
from dvcx.storage.memory_bucket import MemoryBucket
from dvcx.storage.reach import Wanted
from dvcx.storage.remote import Remote, RemoteSettings
from dvcx.storage.remote_catalog import FOLDER, index_name
from dvcx.storage.remote_fsck import check_remote
from dvcx.storage.remote_gc import apply_remote_gc
from dvcx.storage.remote_gc_plan import plan_remote_gc
from dvcx.storage.upload import plan_upload
from tests.caches import cache_at

ALGORITHM = ALGORITHMS["blake3"]
CUTS = Chunking(minimum=1 << 10, average=4 << 10, maximum=16 << 10, cut_from=64 << 10)
LARGE = random.Random(5).randbytes(200_000)
OTHER = random.Random(6).randbytes(3_000)


class Line(MemoryBucket):
    """A bucket at the end of a line that changes a bit of what `matches`, name and bytes, the first `times` of them."""

    def __init__(self) -> None:
        super().__init__(clock=lambda: 1_000.0)
        self.matches: Callable[[str, bytes], bool] = lambda name, data: False
        self.times = 0
        self.at = 0.5
        """Where in the bytes, from 0 to 1."""

    def read(self, name: str) -> bytes:
        return self._passed(name, super().read(name))

    def read_range(self, name: str, start: int, end: int) -> bytes:
        return self._passed(name, super().read(name)[start:end])

    def _passed(self, name: str, data: bytes) -> bytes:
        if self.times <= 0 or not data or not self.matches(name, data):
            return data
        self.times -= 1
        changed = bytearray(data)
        changed[int(len(changed) * self.at)] ^= 4
        return bytes(changed)

    def disturb(self, matches: Callable[[str, bytes], bool], times: int, at: float = 0.5) -> None:
        """Changes from now on what matches."""
        self.matches, self.times, self.at = matches, times, at


def opened(line: Line) -> Remote:
    return Remote(line, "r", ALGORITHM, None, RemoteSettings(1, chunking=CUTS))


@pytest.fixture
def line() -> Line:
    """A remote with a large object, whose recipe lies in a pack of its own, and a small one."""
    line = Line()
    for data in (LARGE, OTHER):
        with opened(line).writer() as writer:
            writer.put(Role.BLOB, ALGORITHM.of(data), data)
    return line


def is_description(name: str, data: bytes) -> bool:
    return name == "dvcx.json"


def is_index(name: str, data: bytes) -> bool:
    return name.endswith(".idx")


def is_pack(name: str, data: bytes) -> bool:
    return name.endswith(".pack")


WHAT = {"description": is_description, "index": is_index, "pack": is_pack}


@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize("times", [1, 2])
def test_what_came_wrong_is_asked_for_again(line: Line, what: str, times: int) -> None:
    line.disturb(WHAT[what], times, at=0.0)
    remote = opened(line)
    assert remote.read(ALGORITHM.of(LARGE)) == LARGE and remote.read(ALGORITHM.of(OTHER)) == OTHER
    assert line.times == 0


@pytest.mark.parametrize("what", WHAT)
def test_what_stays_wrong_is_a_failure_of_the_remote_and_says_how_to_tell_whose(line: Line, what: str) -> None:
    line.disturb(WHAT[what], 1_000, at=0.0)
    with pytest.raises(ArrivedDamaged) as caught:
        opened(line).read(ALGORITHM.of(OTHER))
    assert isinstance(caught.value, RemoteError) and isinstance(caught.value, DamagedData)
    assert "fsck --remote r" in (caught.value.hint or "") and "proxy" in (caught.value.hint or "")


def test_a_newer_format_is_not_called_a_failure_of_the_remote() -> None:
    asked = 0

    def ask() -> None:
        nonlocal asked
        asked += 1
        raise DamagedData("newer", "upgrade dvcx")

    with pytest.raises(DamagedData) as caught:
        until_right(ask, "hint")
    assert not isinstance(caught.value, RemoteError) and asked == TRIES


@pytest.mark.parametrize("at", [0.3, 0.5, 0.9])
def test_a_recipe_that_came_wrong_is_not_believed(line: Line, at: float) -> None:
    remote = opened(line)
    remote.catalog()
    (place,) = remote.locate([ALGORITHM.of(LARGE)])
    right = remote.recipe(place)
    line.disturb(is_pack, 1, at)
    assert remote.recipe(place) == right and line.times == 0
    line.disturb(is_pack, 1_000, at)
    with pytest.raises(ArrivedDamaged, match="recipe"):
        remote.recipe(place)


@pytest.mark.parametrize("at", [0.3, 0.5, 0.9])
def test_a_collection_that_got_a_recipe_wrong_takes_nothing(line: Line, at: float) -> None:
    live = {ALGORITHM.of(LARGE)}
    line.disturb(is_pack, 1, at)
    plan = plan_remote_gc(opened(line), live, 10.0, 5_000.0)
    assert line.times == 0, "it was read, and came wrong"
    apply_remote_gc(plan, opened(line))
    assert opened(line).read(ALGORITHM.of(LARGE)) == LARGE and not opened(line).missing(live)
    line.disturb(is_pack, 1_000, at)
    with pytest.raises(ArrivedDamaged):
        plan_remote_gc(opened(line), live, 10.0, 5_000.0)


def test_a_push_does_not_rely_on_packs_whose_marks_it_cannot_read(line: Line) -> None:
    remote = opened(line)
    (place,) = remote.locate([ALGORITHM.of(OTHER)])
    data = dump_json(Marks(VERSION, 1_000.0, {place.pack: place.pack_size}))
    line.write(f"{FOLDER}{index_name(data)}.marks", [data])
    assert opened(line).missing([ALGORITHM.of(OTHER)])
    line.disturb(lambda name, data: name.endswith(".marks"), 2)
    assert opened(line).missing([ALGORITHM.of(OTHER)]), "they are read again"
    line.disturb(lambda name, data: name.endswith(".marks"), 1_000)
    with pytest.raises(ArrivedDamaged, match="marks"):
        opened(line).missing([ALGORITHM.of(OTHER)])


def test_a_push_sends_again_what_an_unreadable_index_names(line: Line, tmp_path: Path) -> None:
    line.disturb(is_index, 1_000)
    cache = cache_at(tmp_path)
    assert not plan_upload(cache, opened(line), {}).lost
    assert opened(line).missing([ALGORITHM.of(OTHER)]) == {ALGORITHM.of(OTHER)}
    with pytest.raises(ArrivedDamaged, match="index files came damaged"):
        opened(line).require_whole_index(1)


@pytest.mark.parametrize("what", [is_pack, is_index, is_description])
def test_a_check_does_not_take_the_line_for_the_remote(line: Line, what: Callable[[str, bytes], bool]) -> None:
    line.disturb(what, 1)
    assert check_remote(opened(line)) == []
    assert line.times == 0


def test_a_check_that_finds_the_description_damaged_says_damaged(line: Line) -> None:
    line.disturb(is_description, 1_000, at=0.0)
    with pytest.raises(DamagedData) as caught:
        check_remote(opened(line))
    assert not isinstance(caught.value, RemoteError)


def is_stretch(name: str, data: bytes) -> bool:
    """Many chunks at once; recipes and small objects are shorter."""
    return is_pack(name, data) and len(data) > 100_000


@pytest.mark.parametrize("times", [1, 2, 1_000])
def test_a_large_object_with_a_wrong_bit_never_enters_the_cache(line: Line, times: int, tmp_path: Path) -> None:
    cache = cache_at(tmp_path)
    wanted = {ALGORITHM.of(LARGE): Wanted(ALGORITHM.of(LARGE), Role.BLOB, len(LARGE), "large")}
    line.disturb(is_stretch, times)
    remote = opened(line)
    result = download(plan_download(cache, remote, wanted), cache, remote)
    assert line.times < times
    assert cache.missing(wanted) == {each.digest for each in result.damaged}
    assert check_cache(cache).damaged == ()
    if times == 1:
        assert cache.read(ALGORITHM.of(LARGE)) == LARGE
    line.disturb(is_stretch, 0)
    assert download(plan_download(cache, remote, wanted), cache, remote).damaged == ()
    assert cache.read(ALGORITHM.of(LARGE)) == LARGE
