"""Push and fetch between a cache and a remote: what is sent, what is taken, and what is refused."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from dvcx.base.errors import DamagedData, RemoteError
from dvcx.base.hashing import ALGORITHMS
from dvcx.formats.table import Role
from dvcx.formats.tree_bytes import dump_tree
from dvcx.model.tree import file_entry, folder_entry, make_tree
from dvcx.storage.batching import FOLDER, Batching, over_network
from dvcx.storage.bucket import Bucket, Part, Unavailable
from dvcx.storage.bucket_wrappers import CountingBucket, ReadOnlyBucket
from dvcx.storage.cache import Cache
from dvcx.storage.download import DownloadResult, download, plan_download
from dvcx.storage.folder_bucket import FolderBucket
from dvcx.storage.memory_bucket import MemoryBucket
from dvcx.storage.reach import Wanted, reachable
from dvcx.storage.remote import Remote, RemoteSettings
from dvcx.storage.upload import UploadResult, plan_upload, upload

ALGORITHM = ALGORITHMS["blake3"]
MIB = 1 << 20


class Side:
    """One machine: its cache, and what it keeps of the remote."""

    def __init__(self, folder: Path, bucket: Bucket, batching: Batching = FOLDER) -> None:
        self.folder = folder
        self.batching = batching
        self.cache = Cache(folder / "cache", ALGORITHM)
        self.counting = CountingBucket(bucket)
        self.remote = self.opened(self.counting)

    def opened(self, bucket: Bucket, jobs: int = 2) -> Remote:
        return Remote(
            bucket, "store", ALGORITHM, self.folder / "local", RemoteSettings(jobs=jobs, batching=self.batching)
        )

    def add(self, files: dict[str, bytes]) -> Wanted:
        """Takes a folder in and gives its root."""
        folders: dict[str, dict[str, bytes]] = {}
        for path, data in files.items():
            folder, _, name = path.rpartition("/")
            folders.setdefault(folder, {})[name] = data
        with self.cache.writer() as writer:
            top = []
            for folder, some in sorted(folders.items()):
                entries = [file_entry(name, ALGORITHM.of(data), len(data)) for name, data in some.items()]
                for data in some.values():
                    writer.put(Role.BLOB, ALGORITHM.of(data), data)
                if folder:
                    tree = make_tree(entries)
                    writer.put(Role.TREE, ALGORITHM.of(dump_tree(tree)), dump_tree(tree))
                    top.append(folder_entry(folder, ALGORITHM.of(dump_tree(tree)), tree))
                else:
                    top += entries
            root = dump_tree(make_tree(top))
            writer.put(Role.TREE, ALGORITHM.of(root), root)
        return Wanted(ALGORITHM.of(root), Role.TREE, 0, "data")

    def push(self, root: Wanted, remote: Remote | None = None) -> UploadResult:
        remote = remote or self.remote
        plan = plan_upload(self.cache, remote, reachable(self.cache, [root]).wanted)
        assert not plan.lost
        return upload(plan, self.cache, remote)

    def fetch(self, root: Wanted, remote: Remote | None = None) -> DownloadResult:
        remote = remote or self.remote
        reached = reachable(self.cache, [root], fallback=remote)
        plan = plan_download(self.cache, remote, reached.wanted, reached.trees)
        assert not plan.lost
        return download(plan, self.cache, remote, partial=self.folder / "partial")

    def has_all(self, root: Wanted) -> bool:
        reached = reachable(self.cache, [root])
        whole = not reached.unread and not self.cache.missing(reached.wanted)
        return whole and all(ALGORITHM.of(self.cache.read(digest)) == digest for digest in reached.wanted)


NewSide = Callable[..., Side]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def side(tmp_path: Path, store: Path) -> NewSide:
    def make(name: str, bucket: Bucket | None = None, batching: Batching = FOLDER) -> Side:
        return Side(tmp_path / name, bucket or FolderBucket(store), batching)

    return make


def some_files(seed: int = 1) -> dict[str, bytes]:
    rng = random.Random(seed)
    files = {f"{n % 5}/{n}": rng.randbytes(rng.randrange(0, 3000)) for n in range(100)}
    return files | {"middle": rng.randbytes(200_000), "large": rng.randbytes(3 * MIB), "text": b"words " * 50_000}


def test_a_folder_goes_to_a_remote_and_comes_back_elsewhere(side: NewSide) -> None:
    here, there = side("here"), side("there")
    root = here.add(some_files())
    sent = here.push(root)
    assert sent.objects == len(reachable(here.cache, [root]).wanted) and not sent.damaged
    taken = there.fetch(root)
    assert taken.objects == sent.objects
    assert there.has_all(root)


def test_a_push_of_what_is_there_costs_one_listing_and_one_read(side: NewSide) -> None:
    here = side("here")
    root = here.add(some_files())
    here.push(root)
    again = Side(here.folder, here.counting)
    assert again.push(root).objects == 0
    counts = again.counting.counts
    assert (counts.listings, counts.reads, counts.writes, counts.requests) == (1, 1, 0, 2)


def test_the_plan_names_an_upper_bound_of_requests(side: NewSide) -> None:
    here, there = side("here"), side("there")
    root = here.add(some_files() | {"huge": random.Random(9).randbytes(60 * MIB)})
    for _ in range(2):
        before = here.counting.counts.requests
        remote = here.opened(here.counting)
        plan = plan_upload(here.cache, remote, reachable(here.cache, [root]).wanted)
        upload(plan, here.cache, remote)
        assert 0 < here.counting.counts.requests - before <= plan.requests <= 20
    reached = reachable(there.cache, [root], fallback=there.remote)
    fetching = plan_download(there.cache, there.remote, reached.wanted, reached.trees)
    download(fetching, there.cache, there.remote)
    assert there.counting.counts.requests <= fetching.requests + 5, "the walk has read the trees before the plan"


def test_small_objects_travel_in_few_requests(side: NewSide) -> None:
    here, there = side("here"), side("there")
    root = here.add({f"{n % 20}/{n}": f"file {n}".encode() for n in range(3000)})
    here.push(root)
    assert here.counting.counts.requests < 12
    there.fetch(root)
    assert there.counting.counts.requests < 12


def test_many_objects_of_a_few_mib_share_requests(side: NewSide) -> None:
    here, there = side("here", batching=over_network(4)), side("there", batching=over_network(4))
    rng = random.Random(11)
    root = here.add({f"{n}": rng.randbytes(MIB + n) for n in range(40)})
    here.push(root)
    there.fetch(root)
    assert there.has_all(root)
    # The description, the index, the tree, the recipes in one, and the chunks of 8 MiB at a time, pack by pack.
    assert there.counting.counts.reads <= 20


def test_one_damaged_object_does_not_keep_its_neighbours(side: NewSide, store: Path) -> None:
    here, there = side("here"), side("there")
    rng = random.Random(12)
    root = here.add({f"{n}": rng.randbytes(MIB + n) for n in range(8)})
    here.push(root)
    (pack, *_) = sorted((path for path in store.rglob("*.pack")), key=lambda path: -path.stat().st_size)
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.chmod(0o644)
    pack.write_bytes(data)
    taken = there.fetch(root)
    assert len(taken.damaged) == 1 and there.cache.missing([taken.damaged[0].digest])
    assert taken.objects == 8, "seven files and the folder"


def test_an_edit_of_a_large_file_sends_and_takes_only_what_is_new(side: NewSide) -> None:
    here, there = side("here"), side("there")
    old = random.Random(2).randbytes(12 * MIB)
    new = old[: 5 * MIB] + b"inserted" * 100 + old[5 * MIB :]
    first = here.add({"model": old})
    here.push(first)
    there.fetch(first)
    second = here.add({"model": new})
    before = here.counting.counts.bytes_written
    here.push(second)
    assert here.counting.counts.bytes_written - before < MIB
    before = there.counting.counts.bytes_read
    there.fetch(second)
    assert there.counting.counts.bytes_read - before < 2 * MIB
    assert there.has_all(second)


def test_old_chunks_are_only_taken_from_disk_when_they_are_right(side: NewSide) -> None:
    here, there = side("here"), side("there")
    old = random.Random(2).randbytes(4 * MIB)
    first, second = here.add({"model": old}), here.add({"model": old + b"more"})
    here.push(first)
    here.push(second)
    there.fetch(first)
    path = there.cache.loose_path(ALGORITHM.of(old))
    assert path is not None
    path.chmod(0o644)
    path.write_bytes(bytes(len(old)))
    there.fetch(second)
    assert there.has_all(second)


class Stop(Exception):
    pass


class StoppingBucket(FolderBucket):
    """Fails for good after a number of packs written or ranges read."""

    left = 1_000_000

    def _step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Unavailable("the network is gone")

    def write_later(self, name: str, parts: Sequence[Part]) -> None:
        self._step()
        super().write_later(name, parts)

    def read_range(self, name: str, start: int, end: int) -> bytes:
        if name.startswith("packs/"):
            self._step()
        return super().read_range(name, start, end)


def test_a_push_that_broke_off_sends_only_the_rest_when_it_is_run_again(side: NewSide, store: Path) -> None:
    small = Batching(ahead=2, pack_size=256 << 10, window=256 << 10)
    bucket = StoppingBucket(store)
    here = side("here", bucket, batching=small)
    root = here.add({str(n): random.Random(n).randbytes(30_000) for n in range(100)})
    bucket.left = 7
    with pytest.raises(RemoteError):
        here.push(root)
    assert here.opened(bucket).missing([root.digest])
    bucket.left = 1_000_000
    again = Side(here.folder, bucket, small)
    result = again.push(root)
    assert result.reused == 7 and result.packs == 5
    there = side("there")
    there.fetch(root)
    assert there.has_all(root)


def test_a_large_push_that_broke_off_finds_its_packs_again(side: NewSide, store: Path) -> None:
    small = Batching(ahead=2, pack_size=MIB, window=MIB, commit_every=4 * MIB)
    bucket = StoppingBucket(store)
    here = side("here", bucket, batching=small)
    root = here.add({"large": random.Random(5).randbytes(12 * MIB)})
    bucket.left = 8
    with pytest.raises(RemoteError):
        here.push(root)
    bucket.left = 1_000_000
    again = Side(here.folder, bucket, small)
    again.push(root)
    assert again.counting.counts.bytes_written < 6 * MIB
    there = side("there")
    there.fetch(root)
    assert there.has_all(root)


def test_a_fetch_that_broke_off_goes_on_inside_a_large_file(side: NewSide, store: Path) -> None:
    root = side("here").add({"large": random.Random(5).randbytes(60 * MIB)})
    side("here").push(root)
    bucket = StoppingBucket(store)
    there = side("there", bucket)
    bucket.left = 6  # the tree, the recipe, and four of the stretches
    with pytest.raises(RemoteError):
        there.fetch(root, there.opened(bucket, jobs=1))
    bucket.left = 1_000_000
    again = Side(there.folder, bucket)
    again.fetch(root)
    assert again.counting.counts.bytes_read < 40 * MIB
    assert again.has_all(root)
    assert not list((there.folder / "partial").iterdir())


@pytest.mark.parametrize("size", [5_000, MIB + 100])
def test_a_fetch_that_broke_off_keeps_the_objects_that_were_whole(side: NewSide, store: Path, size: int) -> None:
    here = side("here")
    rng = random.Random(6)
    root = here.add({f"{n}": rng.randbytes(size) for n in range(30 * MIB // size)})
    here.push(root)
    bucket = StoppingBucket(store)
    there = side("there", bucket)
    bucket.left = 3
    with pytest.raises(RemoteError):
        there.fetch(root, there.opened(bucket, jobs=1))
    wanted = reachable(here.cache, [root]).wanted
    assert 0 < len(there.cache.missing(wanted)) < len(wanted) - 5


def test_a_damaged_small_object_of_the_cache_is_told_and_not_sent(side: NewSide) -> None:
    here = side("here")
    files = {"good": b"good" * 100, "bad": b"bad!" * 100}
    root = here.add(files)
    pack = next(here.cache.root.glob("packs/*/*.pack"))
    pack.chmod(0o644)
    pack.write_bytes(pack.read_bytes().replace(b"bad!" * 100, b"mad!" * 100))
    here = Side(here.folder, here.counting)
    result = here.push(root)
    assert [each.path for each in result.damaged] == ["data/bad"]
    assert here.remote.missing(ALGORITHM.of(data) for data in files.values()) == {ALGORITHM.of(files["bad"])}


@pytest.mark.parametrize("size", [200_000, 3 * MIB])
def test_a_damaged_large_object_of_the_cache_is_told_and_not_sent(side: NewSide, size: int) -> None:
    here = side("here")
    data = random.Random(1).randbytes(size)
    root = here.add({"large": data, "small": b"fine"})
    path = here.cache.loose_path(ALGORITHM.of(data))
    assert path is not None
    path.chmod(0o644)
    path.write_bytes(data[:-1] + b"?")
    result = here.push(root)
    assert [each.path for each in result.damaged] == ["data/large"]
    assert here.remote.missing([ALGORITHM.of(data), ALGORITHM.of(b"fine")]) == {ALGORITHM.of(data)}


def test_what_is_damaged_on_the_remote_never_enters_the_cache(side: NewSide, store: Path) -> None:
    here, there = side("here"), side("there")
    files = some_files()
    root = here.add(files)
    here.push(root)
    for pack in store.glob("packs/*/*.pack"):
        data = bytearray(pack.read_bytes())
        for at in range(200, len(data) - 20_000, 700_000):
            data[at] ^= 1
        pack.write_bytes(data)
    result = there.fetch(root)
    assert result.damaged
    bad = {each.digest for each in result.damaged}
    assert there.cache.missing(reachable(here.cache, [root]).wanted) == bad
    for path, content in files.items():
        if ALGORITHM.of(content) not in bad:
            assert there.cache.read(ALGORITHM.of(content)) == content, path


def test_a_fetch_writes_nothing_on_the_remote(side: NewSide, store: Path) -> None:
    here = side("here")
    root = here.add(some_files())
    here.push(root)
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*")}
    there = side("there", ReadOnlyBucket(FolderBucket(store)))
    there.fetch(root)
    assert there.has_all(root)
    assert {path: path.stat().st_mtime_ns for path in store.rglob("*")} == before


def test_packs_that_a_collection_rewrote_meanwhile_are_found_at_their_new_place(side: NewSide, store: Path) -> None:
    here, there = side("here"), side("there")
    root = here.add(some_files())
    here.push(root)
    there.remote.catalog()
    old = list(store.glob("packs/*/*.pack"))
    indexes = list(store.glob("index/*"))
    contents = list(here.remote.read_many(reachable(here.cache, [root]).wanted))
    with here.remote.writer() as writer:
        for digest, data in contents:
            writer.put_again(Role.BLOB, digest, data)
    for path in old + indexes:
        path.unlink()
    there.fetch(root)
    assert there.has_all(root)


def test_a_lost_pack_is_told_as_lost(side: NewSide, store: Path) -> None:
    here, there = side("here"), side("there")
    root = here.add({"a": b"content of a"})
    here.push(root)
    for pack in store.glob("packs/*/*.pack"):
        pack.unlink()
    with pytest.raises(Exception, match="lost"):
        there.fetch(root)


def test_with_a_damaged_index_file_a_fetch_says_so_and_a_push_mends(side: NewSide, store: Path) -> None:
    here, there = side("here"), side("there")
    root = here.add({"a": b"content of a"})
    here.push(root)
    index = next(store.glob("index/*.idx"))
    index.write_bytes(index.read_bytes()[:-1] + b"?")
    with pytest.raises(DamagedData, match="index"):
        there.fetch(root)
    Side(here.folder.parent / "third", here.counting)
    third = side("third")
    assert third.add({"a": b"content of a"}) == root
    third.push(root)
    fresh = side("fresh")
    fresh.fetch(root)
    assert fresh.has_all(root)


def test_two_pushes_at_once_lose_nothing(side: NewSide) -> None:
    one, two, three = side("one"), side("two"), side("three")
    mine, yours = some_files(1), some_files(2)
    first, second = one.add(mine | yours), two.add(yours)
    plan = plan_upload(one.cache, one.remote, reachable(one.cache, [first]).wanted)
    other = plan_upload(two.cache, two.remote, reachable(two.cache, [second]).wanted)
    with one.remote.writer() as writer:
        writer.put(Role.BLOB, ALGORITHM.of(b"in between"), b"in between")
        upload(other, two.cache, two.remote)
    upload(plan, one.cache, one.remote)
    for root in (first, second):
        three.fetch(root)
        assert three.has_all(root)


def test_in_memory_the_same_holds(side: NewSide) -> None:
    bucket = MemoryBucket()
    here, there = side("here", bucket), side("there", bucket)
    root = here.add(some_files())
    here.push(root)
    there.fetch(root)
    assert there.has_all(root)


def test_over_a_network_no_pack_is_looked_for_unless_a_push_from_here_broke_off(side: NewSide, store: Path) -> None:
    bucket = StoppingBucket(store)
    here = side("here", bucket, Batching(ahead=2, pack_size=20_000, window=20_000, far=True))
    root = here.add(some_files())
    here.push(root)
    assert here.counting.counts.stats == 0
    more = here.add({name: random.Random(name).randbytes(15_000) for name in "abcd"})
    bucket.left = 1
    broken = Side(here.folder, bucket, here.batching)
    with pytest.raises(RemoteError):
        broken.push(more)
    bucket.left = 1_000_000
    again = Side(here.folder, bucket, here.batching)
    sent = again.push(more)
    assert sent.reused == 1 and again.counting.counts.stats == sent.packs + 1
    last = Side(here.folder, bucket, here.batching)
    last.push(here.add({"last": b"last"}))
    assert last.counting.counts.stats == 0


@pytest.mark.parametrize("jobs", [1, 2, 4, 8, 32])
def test_packs_over_a_network_are_smaller_the_more_go_at_once(jobs: int) -> None:
    found = over_network(jobs)
    assert found.ahead == jobs and 8 * MIB <= found.pack_size <= 32 * MIB
    assert found.ahead * found.pack_size <= max(64 * MIB, jobs * 8 * MIB)
    assert found.window <= found.pack_size


def test_progress_counts_what_is_on_the_remote_and_ends_at_the_total(side: NewSide) -> None:
    class Counting:
        total: int | None = None
        counted = 0

        def start(self, label: str, total: int | None, unit: str) -> Counting:
            self.total = total
            return self

        def advance(self, n: int = 1) -> None:
            self.counted += n

        def done(self) -> None:
            pass

    here = side("here")
    big = random.Random(4).randbytes(40 * MIB)
    for files in (some_files() | {"big": big}, {"big": big[: 20 * MIB] + b"inserted" + big[20 * MIB :]}):
        root = here.add(files)
        seen = Counting()
        plan = plan_upload(here.cache, here.remote, reachable(here.cache, [root]).wanted)
        upload(plan, here.cache, here.remote, seen)
        assert seen.total == plan.size == seen.counted
