"""Encrypted remotes: what a reader of the bucket learns, and how the people and the keys change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import pytest

from dvcx.base.errors import MissingData, Refused, RemoteError
from dvcx.formats.table import Role
from dvcx.storage.bucket import NotThere, Part
from dvcx.storage.bucket_wrappers import CountingBucket
from dvcx.storage.encrypted_bucket import EncryptedBucket
from dvcx.storage.key_shelf import NoKey
from dvcx.storage.memory_bucket import MemoryBucket
from dvcx.storage.reencrypt import reencrypt, under_older_keys
from dvcx.storage.remote import Remote, RemoteSettings
from dvcx.storage.remote_fsck import check_remote
from dvcx.storage.remote_gc import apply_remote_gc
from dvcx.storage.remote_gc_plan import DAY, plan_remote_gc
from tests.encryption import ADA, ALGORITHM, CONTENTS, CUTS, RNG, Team, flip, shelf


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(tmp_path)


def test_members_read_what_members_pushed_and_nobody_else_can(team: Team) -> None:
    team.push()
    with pytest.raises(NoKey, match="your key is none of those that open it"):
        team.remote("ben").missing(CONTENTS)
    team.add_ben()
    assert dict(team.remote("ben").read_many(CONTENTS)) == CONTENTS
    with pytest.raises(NoKey) as caught:
        team.remote("eve").read(next(iter(CONTENTS)))
    assert isinstance(caught.value, RemoteError) and "keys add store" in (caught.value.hint or "")


def test_without_any_key_it_says_so_and_reads_nothing(team: Team) -> None:
    team.push()
    nobody = EncryptedBucket(team.bucket, shelf(team.bucket, team.folder / "nobody"))
    for ask in (lambda: nobody.read("dvcx.json"), lambda: list(nobody.list("index/")), lambda: nobody.stat("x")):
        with pytest.raises(NoKey, match="you have no private key"):
            ask()


def test_the_bucket_shows_no_digest_size_name_or_content(team: Team) -> None:
    team.push()
    shown = " ".join(team.bucket.files).encode() + b"".join(data for data, _ in team.bucket.files.values())
    plain = Remote(MemoryBucket(), "store", ALGORITHM, None, RemoteSettings(2, chunking=CUTS))
    with plain.writer() as writer:
        for digest, data in CONTENTS.items():
            writer.put(Role.BLOB, digest, data)
    records = [record for index in plain.catalog().indexes for record in index.records()]
    assert len(records) > 20
    for record in records:
        assert record.digest not in shown and record.digest.hex().encode() not in shown
    packs = [name.encode() for name in plain.catalog().packs()]
    for secret in (b"blake3", b"text text", b"DVCXPACK", b"chunking", b".pack", b".idx", *packs):
        assert secret not in shown
    assert {name.partition("/")[0] for name in team.bucket.files} == {"about", "dvcx.json", "index", "keys", "packs"}


def test_two_remotes_with_the_same_data_have_nothing_in_common(team: Team, tmp_path: Path) -> None:
    team.push()
    other = Team(tmp_path / "other")
    other.push()
    mine, theirs = (set(each.bucket.files) - {"dvcx.json", "keys/00000001.json"} for each in (team, other))
    assert len(mine) == len(theirs) == 3 and not mine & theirs


def test_data_is_stored_once_also_when_it_is_pushed_again(team: Team) -> None:
    team.push()
    before = dict(team.bucket.files)
    team.push()
    assert team.bucket.files == before


def test_looking_takes_one_request_more_than_without_encryption(team: Team) -> None:
    team.push()
    counting = CountingBucket(team.bucket)
    mine = EncryptedBucket(counting, shelf(counting, team.folder / "ada", ADA))
    remote = Remote(mine, "store", ALGORITHM, None, RemoteSettings(2, chunking=CUTS))
    assert remote.missing(CONTENTS) == set()
    assert (counting.counts.listings, counting.counts.reads, counting.counts.stats) == (2, 2, 0)


def test_a_range_takes_only_the_blocks_it_lies_in(team: Team) -> None:
    data = RNG.randbytes(1 << 20)
    team.opened().write("packs/ab/x", [data])
    counting = CountingBucket(team.bucket)
    bucket = EncryptedBucket(counting, team.shelf())
    assert bucket.read_range("packs/ab/x", 700_000, 700_100) == data[700_000:700_100]
    assert counting.counts.bytes_read < 70_000
    assert bucket.read_range("packs/ab/x", 100_000, 300_000) == data[100_000:300_000]
    assert bucket.read_range("packs/ab/x", (1 << 20) - 5, 1 << 40) == data[-5:]
    assert bucket.read_range("packs/ab/x", 1 << 30, 1 << 31) == b""


# Who was removed.


def test_who_was_removed_cannot_read_what_is_written_afterwards(team: Team) -> None:
    team.add_ben()
    team.push()
    old = EncryptedBucket(team.bucket, team.shelf("ben"))
    assert list(old.list("packs/"))  # BEN has the first data key, and keeps it
    team.remove_ben()
    new = {ALGORITHM.of(b"secret of after"): b"secret of after"}
    team.push(contents=new)
    assert dict(team.remote().read_many({**CONTENTS, **new})) == {**CONTENTS, **new}
    with pytest.raises(NoKey):
        team.remote("ben").read(next(iter(new)))
    by_generation = {name.rpartition("/")[2][:2] for name in team.names("packs/")}
    assert by_generation == {"1-", "2-"}
    known = Remote(old, "store", ALGORITHM, None)
    assert known.missing(new) == set(new), "with the old key the new files are not even seen"


def test_a_rotation_moves_everything_and_then_the_old_key_opens_nothing(team: Team) -> None:
    team.add_ben()
    team.push()
    old = EncryptedBucket(team.bucket, team.shelf("ben"))
    assert len(list(old.list("packs/"))) > 0
    team.remove_ben()
    bucket = team.opened()
    files = under_older_keys(bucket)
    done = reencrypt(bucket, files)
    assert (done.files, done.damaged) == (len(files), ()) and done.size == sum(file.size for file in files) > 200_000
    assert under_older_keys(team.opened()) == []
    assert dict(team.remote().read_many(CONTENTS)) == CONTENTS
    assert list(old.list("packs/")) == list(old.list("index/")) == []
    assert check_remote(team.remote()) == []


class DyingBucket(MemoryBucket):
    """Another bucket in memory that fails for good at the n-th write or delete."""

    def __init__(self, other: MemoryBucket, steps: int) -> None:
        super().__init__()
        self.files = other.files
        self.steps = steps

    def write(self, name: str, parts: Sequence[Part], *, exclusive: bool = False) -> None:
        self._step()
        super().write(name, parts, exclusive=exclusive)

    def delete(self, names: Iterable[str]) -> None:
        self._step()
        super().delete(names)

    def _step(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise RemoteError("killed")


def test_a_rotation_that_was_killed_anywhere_is_gone_on_with(team: Team) -> None:
    team.push()
    team.push(contents={ALGORITHM.of(b"more"): b"more"})
    team.rotate()
    before = dict(team.bucket.files)
    steps = 2 * len(under_older_keys(team.opened()))
    for step in range(steps):
        team.bucket.files = dict(before)
        dying = EncryptedBucket(DyingBucket(team.bucket, step), team.shelf())
        with pytest.raises(RemoteError, match="killed"):
            reencrypt(dying, under_older_keys(dying), jobs=1)
        assert dict(team.remote().read_many(CONTENTS)) == CONTENTS
        assert check_remote(team.remote()) == []
        left = under_older_keys(team.opened())
        assert len(left) == (steps - step + 1) // 2
        assert reencrypt(team.opened(), left).files == len(left)
        assert under_older_keys(team.opened()) == [] and check_remote(team.remote()) == []


def test_pushes_and_readers_go_on_while_a_rotation_is_at_work(team: Team) -> None:
    team.push()
    reading = team.remote()
    pushing = team.remote()
    assert reading.missing(CONTENTS) == set() and pushing.missing(CONTENTS) == set()
    team.rotate()
    with pushing.writer() as writer:  # it has not heard of the new key
        writer.put(Role.BLOB, ALGORITHM.of(b"late"), b"late")
    half = under_older_keys(team.opened())
    reencrypt(team.opened(), half[: len(half) // 2])
    assert dict(team.remote().read_many(CONTENTS)) == CONTENTS
    reencrypt(team.opened(), under_older_keys(team.opened()))
    assert team.remote().read(ALGORITHM.of(b"late")) == b"late"
    with pytest.raises(MissingData):
        reading.read(next(iter(CONTENTS)))  # it knows neither the new key nor the new place; run again it works


def test_what_is_damaged_does_not_look_whole_after_a_rotation(team: Team) -> None:
    team.push()
    (pack, *_) = team.names("packs/")
    flip(team.bucket, pack, 5000)
    team.rotate()
    bucket = team.opened()
    done = reencrypt(bucket, under_older_keys(bucket))
    assert len(done.damaged) == 1 and re.fullmatch(r"packs/.*\.pack", done.damaged[0])
    assert pack in team.bucket.files
    assert [finding.trouble for finding in check_remote(team.remote())] != []


# In the clear, or not.


def test_nothing_goes_in_the_clear_to_a_remote_that_is_to_be_encrypted(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    mine = EncryptedBucket(bucket, shelf(bucket, tmp_path, ADA))
    with pytest.raises(RemoteError, match="nobody has a key for it yet"):
        mine.write("packs/ab/x", [b"secret"])
    with pytest.raises(NotThere):
        mine.read("dvcx.json")
    assert bucket.files == {}
    plain = Remote(bucket, "store", ALGORITHM, None)
    with plain.writer() as writer:
        writer.put(Role.BLOB, ALGORITHM.of(b"x"), b"x")
    with pytest.raises(Refused, match="what is there already is not"):
        EncryptedBucket(bucket, shelf(bucket, tmp_path, ADA)).write("packs/ab/x", [b"secret"])


def test_an_encrypted_remote_is_not_written_to_in_the_clear(team: Team) -> None:
    team.push()
    plain = Remote(team.bucket, "store", ALGORITHM, None)
    before = dict(team.bucket.files)
    with pytest.raises(Refused, match="is encrypted"), plain.writer():
        pass
    assert team.bucket.files == before


def test_garbage_is_collected_as_on_any_remote(team: Team) -> None:
    keep, dead = ALGORITHM.of(b"keep"), ALGORITHM.of(b"dead")
    team.push(contents={keep: b"keep"})
    team.push(contents={dead: b"dead"})
    later = max(written for _, written in team.bucket.files.values()) + 30 * DAY
    for now in (later, later + 30 * DAY):
        settings = RemoteSettings(2, chunking=CUTS, clock=partial(float, now))
        remote = Remote(team.opened(), "store", ALGORITHM, None, settings)
        apply_remote_gc(plan_remote_gc(remote, {keep}, 14 * DAY, now), remote)
    assert len(team.names("packs/")) == 1
    assert team.remote().read(keep) == b"keep" and team.remote().missing([dead]) == {dead}
