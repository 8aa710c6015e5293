"""Encrypted remotes against who can write to the bucket but has no key, or has one no more."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from dvcx.base.errors import DamagedData, MissingData, Refused, RemoteError
from dvcx.base.sodium import new_key
from dvcx.formats.keyring import with_member, with_new_key
from dvcx.formats.table import Role
from dvcx.storage.cache import Cache
from dvcx.storage.memory_bucket import MemoryBucket
from dvcx.storage.remote_fsck import Trouble, check_remote
from dvcx.storage.remote_repair import repair_remote
from tests.encryption import ADA, ALGORITHM, BEN, CONTENTS, EVE, RNG, Team, encrypted, flip, shelf


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(tmp_path)


@pytest.mark.parametrize("seed", range(12))
def test_one_flipped_bit_anywhere_is_found_and_never_passed_on(team: Team, seed: int) -> None:
    team.push()
    rng = random.Random(seed)
    name = rng.choice(team.names("packs/") + team.names("index/") + team.names("about/"))
    flip(team.bucket, name, rng.randrange(len(team.bucket.files[name][0])))
    try:
        findings = check_remote(team.remote())
        got = dict(team.remote().read_many(CONTENTS))
    except (DamagedData, MissingData):
        return
    assert findings and got == CONTENTS


def test_packs_that_changed_places_are_damaged_packs(team: Team, tmp_path: Path) -> None:
    team.push()
    team.push(contents={ALGORITHM.of(b"x" * 100): b"x" * 100})
    one, two = team.names("packs/")
    team.bucket.files[one], team.bucket.files[two] = team.bucket.files[two], team.bucket.files[one]
    found = [finding.trouble for finding in check_remote(team.remote())]
    assert set(found) == {Trouble.DAMAGED_PACK}
    for digest in (digest for digest, data in CONTENTS.items() if data):  # nothing is right wherever it is read
        with pytest.raises((DamagedData, MissingData)):
            team.remote().read(digest)


def test_a_pack_of_another_remote_is_not_taken(team: Team, tmp_path: Path) -> None:
    """The same person, the same data, another key ring: nothing of one can be used in the other."""
    team.push()
    other = Team(tmp_path / "other")
    other.push()
    (mine,), (theirs,) = team.names("packs/"), other.names("packs/")
    team.bucket.files[mine] = other.bucket.files[theirs]
    team.bucket.files[theirs] = other.bucket.files[theirs]
    with pytest.raises((DamagedData, MissingData)):
        dict(team.remote().read_many(CONTENTS))
    assert len(list(team.opened().list("packs/"))) == 1


def test_a_truncated_pack_is_found_and_mended_from_the_cache(team: Team, tmp_path: Path) -> None:
    team.push()
    (pack,) = team.names("packs/")
    data, written = team.bucket.files[pack]
    team.bucket.files[pack] = (data[: len(data) // 2], written)
    findings = check_remote(team.remote())
    assert {finding.trouble for finding in findings} == {Trouble.DAMAGED_PACK}
    cache = Cache(tmp_path / "cache", ALGORITHM)
    with cache.writer() as writer:
        for digest, content in CONTENTS.items():
            writer.put(Role.BLOB, digest, content)
    assert repair_remote(team.remote(), cache, findings).lost == ()
    assert dict(team.remote().read_many(CONTENTS)) == CONTENTS
    assert check_remote(team.remote()) == []


def test_what_is_good_in_a_damaged_pack_is_saved_without_a_cache(team: Team, tmp_path: Path) -> None:
    contents = {ALGORITHM.of(data): data for data in (RNG.randbytes(60_000) for _ in range(20))}
    team.push(contents=contents)
    (pack,) = team.names("packs/")
    flip(team.bucket, pack, 400_000)
    cache = Cache(tmp_path / "empty", ALGORITHM)
    result = repair_remote(team.remote(), cache, check_remote(team.remote()))
    assert 1 <= len(result.lost) <= 3
    left = {digest: data for digest, data in contents.items() if digest not in result.lost}
    assert dict(team.remote().read_many(left)) == left


def test_files_that_nobody_with_a_key_wrote_are_passed_over(team: Team) -> None:
    team.push()
    team.bucket.write("packs/aa/" + "a" * 64 + ".pack", [b"junk"])
    team.bucket.write("index/1-" + "a" * 60, [b"junk"])
    team.bucket.write("index/" + "b" * 64 + ".idx", [b"junk"])
    assert dict(team.remote().read_many(CONTENTS)) == CONTENTS
    assert check_remote(team.remote()) == []


# The ring itself.


def test_an_older_ring_that_is_put_back_is_refused(team: Team) -> None:
    team.add_ben()
    team.shelf("ben").load()
    before = {name: team.bucket.files[name] for name in team.names("keys/")}
    team.remove_ben()
    for name in team.names("keys/"):
        del team.bucket.files[name]
    team.bucket.files.update(before)
    with pytest.raises(Refused, match="older than the one seen before"):
        team.push()
    with pytest.raises(Refused, match="older than the one seen before"):
        team.remote().missing(CONTENTS)


def test_a_fork_by_who_was_removed_is_refused_by_memory_and_by_configuration(team: Team, tmp_path: Path) -> None:
    team.add_ben()
    old = team.ring()
    team.remove_ben()
    real = team.ring()
    fork = with_member(old, BEN, "eve", EVE.public, 3.0)
    fork = with_new_key(fork, BEN, "ben", 4.0, new_key())
    team.shelf("ben").store(fork)
    with pytest.raises(Refused, match="another one than the one seen before"):
        team.shelf().load()
    fresh = shelf(team.bucket, tmp_path / "fresh", ADA, pinned=real.log[-1].hash)
    with pytest.raises(Refused, match="not the one that the configuration names"):
        fresh.load()
    assert not (tmp_path / "fresh/ring.json").exists()


def test_another_ring_in_its_place_is_refused(team: Team, tmp_path: Path) -> None:
    ring = team.ring()
    team.bucket.files = {n: f for n, f in team.bucket.files.items() if not n.startswith("keys/")}
    with pytest.raises(Refused, match="nobody can read what is there"):
        team.shelf("eve").load()
    other = MemoryBucket()
    encrypted(other, tmp_path / "eve", EVE)
    team.bucket.files["keys/00000001.json"] = other.files["keys/00000001.json"]
    assert team.ring().root == ring.root, "the same number is known here already, and that counts"
    fresh = shelf(team.bucket, tmp_path / "fresh", ADA, pinned=ring.root)
    with pytest.raises(Refused, match="not the one that the configuration names"):
        fresh.load()
    team.bucket.files["keys/00000002.json"] = other.files["keys/00000001.json"]
    with pytest.raises(DamagedData, match="not what its name says"):
        team.shelf().load()


def test_two_changes_at_once_do_not_overwrite_each_other(team: Team) -> None:
    ring = team.ring()
    team.shelf().store(with_member(ring, ADA, "ben", BEN.public, 2.0))
    with pytest.raises(RemoteError, match="somebody else changed the keys"):
        team.shelf().store(with_member(ring, ADA, "eve", EVE.public, 2.0))
    assert set(team.ring().members) == {"ada", "ben"}
