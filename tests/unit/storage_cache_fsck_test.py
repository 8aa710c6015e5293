"""Checking the cache: every wrong byte is found, what is damaged is set aside and never deleted, what is good stays."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from multiprocessing import get_context
from pathlib import Path

import pytest

from dvcx.base.files import read_exactly
from dvcx.base.scratch import scratch_folder
from dvcx.formats.index import Index, build_index
from dvcx.formats.pack import HEADER_SIZE
from dvcx.storage import cache_join, pack_reader
from dvcx.storage.cache import Cache
from dvcx.storage.cache_fsck import CacheFindings, Damaged, SetAside, check_cache, set_aside, set_aside_object
from tests.caches import cache_at, digest_of, flip, held_in, packs_of, put, put_each, some_contents
from tests.sudden_end import as_nobody, fail_at_every_step, kill_at_every_step

fork = get_context("fork")
SMALL, LARGE = some_contents(1, 5, 0), some_contents(2, 0, 2)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def cache(root: Path) -> Cache:
    return fill(root)


def fill(root: Path) -> Cache:
    """Makes a cache with two packs, the second one untouched by the tests, and two loose objects."""
    cache = cache_at(root)
    put(cache, [*SMALL, *LARGE])
    put(cache, [b"in another pack"])
    return cache


def first_pack(cache: Cache) -> Path:
    place = cache.packs.find(digest_of(SMALL[0]))
    assert place is not None
    return cache.packs.path_of(place.pack)


def offset_of(cache: Cache, content: bytes) -> int:
    place = cache.packs.find(digest_of(content))
    assert place is not None
    return place.record.offset


def quarantined(root: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in (root / "quarantine").glob("*"))


def is_clean(root: Path) -> bool:
    found = check_cache(cache_at(root))
    return found.damaged == () and found.leftovers == ()


def test_a_whole_cache_is_read_and_found_whole(cache: Cache, root: Path) -> None:
    told = _Told()
    files = [*packs_of(cache), *cache.loose.root.glob("*/*")]
    size = sum(path.stat().st_size for path in files)
    assert check_cache(cache_at(root), told) == CacheFindings((), (), 8, size)
    assert (told.total, told.advanced, told.ended) == (size, size, True)
    assert check_cache(cache_at(root / "none")) == CacheFindings((), (), 0, 0)


def test_any_flipped_byte_of_a_pack_is_found(cache: Cache, root: Path) -> None:
    pack = first_pack(cache)
    by_offset = {offset_of(cache, content): content for content in SMALL}
    payloads_end = max(offset + len(content) for offset, content in by_offset.items())
    for at in range(pack.stat().st_size):
        flip(pack, at)
        found = check_cache(cache_at(root)).damaged
        assert len(found) == 1 and found[0].path == pack and found[0].pack == pack.stem
        if HEADER_SIZE <= at < payloads_end:
            content = next(c for offset, c in by_offset.items() if offset <= at < offset + len(c))
            assert found[0].digest == digest_of(content)
        else:
            assert found[0].digest is None
        flip(pack, at)
    assert is_clean(root)


def test_any_flipped_byte_of_a_loose_object_or_the_index_is_found(cache: Cache, root: Path) -> None:
    path = cache.loose.path_of(digest_of(LARGE[0]))
    for at in (0, 1000, path.stat().st_size - 1):
        flip(path, at)
        assert check_cache(cache_at(root)).damaged == (
            Damaged(digest_of(LARGE[0]), path, "its bytes are not what its name says"),
        )
        flip(path, at)
    put_each(cache, some_contents(3, 10, 0))
    index = root / "index" / "blake3.idx"
    for at in range(0, index.stat().st_size, 7):
        flip(index, at)
        (found,) = check_cache(cache_at(root)).damaged
        assert (found.digest, found.path, found.pack) == (None, index, None)
        flip(index, at)
    assert is_clean(root)


def test_an_index_that_says_something_else_than_the_packs_is_found_and_set_aside(cache: Cache, root: Path) -> None:
    contents = some_contents(3, 10, 0)
    put_each(cache, contents)
    index = root / "index" / "blake3.idx"
    known = Index(index.read_bytes(), "index").packs
    tables = [(info.name, info.size, cache.packs.table_of(info.name)) for info in known]
    name, size, table = tables[0]
    tables[0] = name, size, table[:40] + bytes([table[40] ^ 1]) + table[41:]  # an offset
    index.write_bytes(build_index(cache.algorithm, tables))
    (found,) = check_cache(cache_at(root)).damaged
    assert found == Damaged(None, index, "it does not say what the packs hold")
    result = set_aside(cache, check_cache(cache_at(root)))
    assert len(result.files) == 1 and result.lost == ()
    assert is_clean(root) and held_in(root, contents) == contents


@pytest.mark.parametrize("cut", [0, 1, 31, 60, 400, -65, -64, -1])
def test_a_pack_that_was_cut_off_is_found(cache: Cache, root: Path, cut: int) -> None:
    pack = first_pack(cache)
    pack.chmod(0o644)
    pack.write_bytes(pack.read_bytes()[:cut])
    (found,) = check_cache(cache_at(root)).damaged
    assert (found.digest, found.path, found.pack) == (None, pack, pack.stem)


def test_files_under_wrong_names_are_found(cache: Cache, root: Path) -> None:
    pack = first_pack(cache)
    wrong_pack = pack.rename(pack.with_name("0" * 64 + ".pack"))
    one, two = (cache.loose.path_of(digest_of(content)) for content in LARGE)
    other = cache.loose.path_of(bytes(32))
    other.parent.mkdir()
    one.rename(other)
    two.unlink()
    two.mkdir()
    found = check_cache(cache_at(root))
    assert {(each.digest, each.path, each.reason) for each in found.damaged} == {
        (None, wrong_pack, f"its name should be {pack.stem}"),
        (bytes(32), other, "its bytes are not what its name says"),
        (digest_of(LARGE[1]), two, "it is not a file"),
    }
    result = set_aside(cache_at(root), found)
    assert result.saved == 5 and len(result.files) == 3
    assert pack.exists() and held_in(root, SMALL) == SMALL and is_clean(root)


def test_leftovers_and_foreign_files_are_told_and_do_no_harm(cache: Cache, root: Path) -> None:
    foreign = [
        root / "tmp" / ".work-1-abc",
        root / "packs" / "blake3" / "notes.txt",
        root / "packs" / "blake3" / "short.pack",
        root / "loose" / "blake3" / "README",
        cache.loose.path_of(digest_of(LARGE[0])).parent / "draft",
        root / "index" / ".blake3.idx-7-abc",
    ]
    foreign[-1].parent.mkdir(exist_ok=True)
    for path in foreign:
        path.write_text("x")
    with scratch_folder(root / "tmp"):
        found = check_cache(cache_at(root))
    assert found.damaged == () and set(found.leftovers) == set(foreign)
    assert set_aside(cache, found) == SetAside((), 0, ())
    assert all(path.exists() for path in foreign)


def test_good_objects_of_a_damaged_pack_are_saved_before_it_is_set_aside(cache: Cache, root: Path) -> None:
    pack = first_pack(cache)
    flip(pack, offset_of(cache, SMALL[2]))
    flip(cache.loose.path_of(digest_of(LARGE[0])), 77)
    damaged_bytes = sorted([pack.read_bytes(), cache.loose.path_of(digest_of(LARGE[0])).read_bytes()])
    old = 1_500_000_000
    os.utime(pack, (old, old))
    again = cache_at(root)
    result = set_aside(again, check_cache(again))
    assert result.saved == 4 and result.lost == tuple(sorted([digest_of(SMALL[2]), digest_of(LARGE[0])]))
    assert sorted(path.read_bytes() for path in result.files) == quarantined(root) == damaged_bytes
    assert again.missing(map(digest_of, [*SMALL, *LARGE])) == set(result.lost)
    left = [content for content in [*SMALL, *LARGE] if digest_of(content) not in result.lost]
    assert held_in(root, [*SMALL, *LARGE]) == left and is_clean(root)
    assert old in {path.stat().st_mtime for path in packs_of(again)}
    put(again, [*SMALL, *LARGE])
    assert held_in(root, [*SMALL, *LARGE]) == [*SMALL, *LARGE]


@pytest.mark.parametrize("links", [True, False])
def test_a_pack_with_a_damaged_header_is_replaced_by_a_whole_one_of_the_same_name(
    cache: Cache, root: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:
        monkeypatch.setattr(os, "link", _refuse(errno.EPERM))
    pack = first_pack(cache)
    whole = pack.read_bytes()
    flip(pack, 13)  # of the reserved bytes that no reader looks at
    damaged = pack.read_bytes()
    assert held_in(root, SMALL) == SMALL
    result = set_aside(cache, check_cache(cache_at(root)))
    assert (result.saved, result.lost) == (5, ())
    assert quarantined(root) == [damaged] and pack.read_bytes() == whole
    assert held_in(root, SMALL) == SMALL and is_clean(root)
    assert dict(cache.read_many(map(digest_of, SMALL)))


def test_what_a_broken_table_says_is_saved_under_its_true_name(cache: Cache, root: Path) -> None:
    pack = first_pack(cache)
    table = pack.stat().st_size - 64 - len(SMALL) * 52
    for record, at in ((0, 5), (1, 45)):  # a byte of a digest, a byte of a length
        flip(pack, table + record * 52 + at)
    result = set_aside(cache, check_cache(cache_at(root)))
    assert len(cache_at(root).missing(map(digest_of, SMALL))) == 1
    assert result.lost == () and is_clean(root)


def test_a_pack_whose_end_is_gone_is_kept_aside_with_all_its_bytes(cache: Cache, root: Path) -> None:
    pack = first_pack(cache)
    pack.chmod(0o644)
    os.truncate(pack, pack.stat().st_size - 100)
    damaged = pack.read_bytes()
    result = set_aside(cache, check_cache(cache_at(root)))
    assert (result.saved, result.lost) == (0, ())
    assert quarantined(root) == [damaged] and not pack.exists()
    again = cache_at(root)
    assert again.missing(map(digest_of, SMALL)) == set(map(digest_of, SMALL))
    assert again.packs.damaged == {} and is_clean(root)
    put(again, SMALL)
    assert held_in(root, SMALL) == SMALL


def test_what_the_index_remembers_of_a_broken_pack_is_saved(cache: Cache, root: Path) -> None:
    contents = some_contents(4, 12, 0)
    put_each(cache, contents)
    pack = first_pack(cache)
    assert pack.stem in {info.name for info in cache.packs._indexes[0].packs}
    flip(pack, pack.stat().st_size - 100)
    flip(pack, offset_of(cache, SMALL[1]))
    result = set_aside(cache, check_cache(cache_at(root)))
    assert (result.saved, result.lost) == (4, (digest_of(SMALL[1]),))
    assert held_in(root, [*SMALL, *contents]) == [SMALL[0], *SMALL[2:], *contents]


def test_what_was_mended_meanwhile_stays(cache: Cache, root: Path) -> None:
    pack, loose = first_pack(cache), cache.loose.path_of(digest_of(LARGE[0]))
    flip(pack, 40)
    flip(loose, 40)
    found = check_cache(cache_at(root))
    flip(pack, 40)
    flip(loose, 40)
    assert set_aside(cache, found) == SetAside((), 0, ())
    packs_of(cache)[0].unlink()
    packs_of(cache)[0].unlink()
    loose.unlink()
    assert set_aside(cache_at(root), found).files == ()


def test_one_object_is_set_aside_wherever_it_is_damaged(cache: Cache, root: Path) -> None:
    assert set_aside_object(cache, digest_of(SMALL[0])) == set_aside_object(cache, bytes(32)) == ()
    flip(first_pack(cache), offset_of(cache, SMALL[0]))
    flip(cache.loose.path_of(digest_of(LARGE[0])), 5)
    assert set_aside_object(cache, digest_of(SMALL[1])) == ()
    with cache.writer() as writer:  # a pull finds out while it writes
        assert [path.suffix for path in set_aside_object(cache, digest_of(SMALL[0]))] == [".pack"]
        assert len(set_aside_object(cache, digest_of(LARGE[0]))) == 1
        assert not writer.has(digest_of(SMALL[0])) and not writer.has(digest_of(LARGE[0]))
        assert writer.has(digest_of(SMALL[1]))
    put(cache, [SMALL[0], LARGE[0]])
    assert held_in(root, [*SMALL, *LARGE]) == [*SMALL, *LARGE] and is_clean(root)
    assert len(quarantined(root)) == 2


def test_of_two_copies_only_the_damaged_one_is_set_aside(cache: Cache, root: Path) -> None:
    first = first_pack(cache)
    first.rename(root / "hidden")
    put(cache_at(root), SMALL[::-1])
    (root / "hidden").rename(first)
    place = next(p for p in cache_at(root).packs.find_all(digest_of(SMALL[3])) if p.pack == first.stem)
    flip(first, place.record.offset)
    again = cache_at(root)
    assert len(set_aside_object(again, digest_of(SMALL[3]))) == 1
    assert held_in(root, SMALL) == SMALL and is_clean(root)


def test_what_the_disk_cannot_read_is_told_and_all_else_is_saved(
    cache: Cache, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack, at = first_pack(cache), offset_of(cache, SMALL[2])
    inode = pack.stat().st_ino
    read = read_exactly

    def failing(fd: int, length: int, offset: int) -> bytes:
        if os.fstat(fd).st_ino == inode and offset <= at < offset + length:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(fd, length, offset)

    monkeypatch.setattr(pack_reader, "read_exactly", failing)
    found = check_cache(cache_at(root))
    assert found.damaged == (Damaged(digest_of(SMALL[2]), pack, "the disk cannot read it", pack.stem),)
    result = set_aside(cache, found)
    assert (result.saved, result.lost) == (4, (digest_of(SMALL[2]),))
    assert held_in(root, SMALL) == [*SMALL[:2], *SMALL[3:]]


def test_files_that_may_not_be_read_are_told(tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        cache = fill(folder / "cache")
        paths = first_pack(cache), cache.loose.path_of(digest_of(LARGE[0]))
        for path in paths:
            path.chmod(0)

        def act() -> None:
            again = cache_at(folder / "cache")
            found = check_cache(again)
            assert [each.reason for each in found.damaged] == ["it cannot be read: Permission denied"] * 2
            # Who may read them still finds them in their places.
            assert set_aside(again, found) == SetAside((), 0, (), paths)

        assert as_nobody(act) == 0
    finally:
        shutil.rmtree(folder)


def damage(place: Path) -> None:
    cache = fill(place / "cache")
    flip(first_pack(cache), offset_of(cache, SMALL[2]))
    flip(cache.loose.path_of(digest_of(LARGE[0])), 5)
    cache.close()


def mend(place: Path) -> None:
    cache = cache_at(place / "cache")
    set_aside(cache, check_cache(cache))


def check_after_mending(place: Path) -> None:
    good = [content for content in [*SMALL, *LARGE, b"in another pack"] if content not in (SMALL[2], LARGE[0])]
    root = place / "cache"
    assert held_in(root, good) == good
    mend(place)
    assert check_cache(cache_at(root)).damaged == () and held_in(root, good) == good
    everything = b"".join(quarantined(root))
    assert len(everything) >= sum(map(len, SMALL)) + len(LARGE[0])
    put(cache_at(root), [*SMALL, *LARGE])
    assert held_in(root, [*SMALL, *LARGE]) == [*SMALL, *LARGE] and is_clean(root)


def test_killed_anywhere_setting_aside_loses_nothing_good_and_the_next_one_finishes(
    tmp_path: Path, stride: int
) -> None:
    assert kill_at_every_step(tmp_path, damage, mend, check_after_mending, stride=stride) > 20


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_where_the_disk_fails_setting_aside_loses_nothing_good(tmp_path: Path, code: int, stride: int) -> None:
    assert fail_at_every_step(tmp_path, code, damage, mend, check_after_mending, stride=stride) > 20


def add_join_and_collect(root: Path, until: Path, seed: int) -> None:
    cache_join.MOST_SMALL = 4
    while not until.exists():
        seed += 10
        cache = cache_at(root, lock_wait=60)
        digests = put(cache, some_contents(seed, 3, 1))
        cache.delete(digests[::2])
        cache.close()


def test_a_check_while_others_write_join_and_collect_finds_nothing_wrong(
    cache: Cache, root: Path, tmp_path: Path
) -> None:
    until = tmp_path / "end"
    others = [fork.Process(target=add_join_and_collect, args=(root, until, seed)) for seed in (1, 2)]
    for process in others:
        process.start()
    try:
        for _ in range(20):
            found = check_cache(cache_at(root))
            assert found.damaged == () and found.objects >= 8
    finally:
        until.touch()
        for process in others:
            process.join()
    assert [process.exitcode for process in others] == [0, 0]
    assert is_clean(root)


class _Told:
    """Progress that remembers."""

    def __init__(self) -> None:
        self.total: int | None = None
        self.advanced = 0
        self.ended = False

    def start(self, label: str, total: int | None, unit: str) -> _Told:
        self.total = total
        return self

    def advance(self, n: int = 1) -> None:
        self.advanced += n

    def done(self) -> None:
        self.ended = True


def _refuse(code: int) -> object:
    def refuse(*args: object) -> None:
        raise OSError(code, os.strerror(code))

    return refuse
