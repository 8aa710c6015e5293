"""Packs, indexes, recipes and descriptions that claim what cannot be: errors, in bounded time and memory."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
import zstandard
from blake3 import blake3

from dvcx.base.hashing import checksum
from dvcx.formats import index as index_format
from dvcx.formats.index import Index, PackInfo
from dvcx.formats.pack import dump_footer, dump_header, pack_name
from dvcx.formats.recipe import _HEADER as RECIPE_HEADER
from dvcx.formats.table import Encoding, Record, Role, dump_table, record_struct
from tests.hostile.crafting import (
    BLAKE3,
    CONTENT,
    Thing,
    Watch,
    file_entry,
    folder_with,
    lay_on_remote,
    run_bounded,
    run_here,
    set_remote,
)
from tests.project import Project, Run

MOST = 0xFFFF_FFFF


class Payload(NamedTuple):
    """An object as it stands in a pack."""

    role: int
    digest: bytes
    encoding: int
    raw: int
    stored: bytes


@pytest.fixture
def victim(tmp_path: Path) -> Project:
    """A project whose remote has one folder with one file; nothing of it is here yet."""
    project = Project.make(tmp_path / "project")
    thing = folder_with([file_entry("file")])
    lay_on_remote(tmp_path / "store", thing)
    set_remote(project, tmp_path / "store")
    project.write("data.dvcx", thing.pointer())
    project.commit(message="data")
    return project


def _store(project: Project) -> Path:
    return project.path.parent / "store"


def _index(project: Project) -> Index:
    (file,) = _store(project).glob("index/*.idx")
    return Index(file.read_bytes(), str(file))


def _lay_index(project: Project, data: bytes) -> None:
    """Makes `data` the only index file, under its true name."""
    for file in _store(project).glob("index/*"):
        file.unlink()
    (_store(project) / f"index/{blake3(data).hexdigest()}.idx").write_bytes(data)


def _index_bytes(
    packs: Sequence[PackInfo],
    records: Sequence[Record],
    *,
    bits: int = 0,
    fan: Sequence[int] | None = None,
    claimed_packs: int | None = None,
    claimed_records: int | None = None,
) -> bytes:
    head = b"".join(index_format._PACK.pack(bytes.fromhex(p.name), p.size, p.count) for p in packs)
    layout = record_struct(32)
    table = b"".join(sorted(layout.pack(*record) for record in records))
    body = head + array("I", fan or [0, len(records)]).tobytes() + table
    header = index_format._HEADER.pack(
        index_format.MAGIC,
        1,
        32,
        bits,
        b"blake3",
        len(packs) if claimed_packs is None else claimed_packs,
        len(records) if claimed_records is None else claimed_records,
        checksum(body),
    )
    return header + body


def _with_records(project: Project, change: Callable[[Record], Record], **more: object) -> bytes:
    index = _index(project)
    return _index_bytes(index.packs, [change(record) for record in index.records()], **more)  # type: ignore[arg-type]


INDEXES: dict[str, Callable[[Project], bytes]] = {
    "nothing": lambda p: b"",
    "text": lambda p: b"this is no index",
    "cut off": lambda p: _with_records(p, lambda r: r)[:-7],
    "pack numbers out of range": lambda p: _with_records(p, lambda r: r._replace(pack=77)),
    "offsets behind the end": lambda p: _with_records(p, lambda r: r._replace(offset=MOST)),
    "4 GiB stored": lambda p: _with_records(p, lambda r: r._replace(stored=MOST)),
    "4 GiB stored and raw": lambda p: _with_records(p, lambda r: r._replace(offset=0, stored=MOST, raw=MOST)),
    "4 GiB raw": lambda p: _with_records(p, lambda r: r._replace(raw=MOST)),
    "an unknown role": lambda p: _with_records(p, lambda r: r._replace(role=99)),
    "an unknown encoding": lambda p: _with_records(p, lambda r: r._replace(encoding=99)),
    "everything is a recipe": lambda p: _with_records(p, lambda r: r._replace(role=Role.RECIPE)),
    "everything is a part": lambda p: _with_records(p, lambda r: r._replace(role=Role.PART)),
    "a fanout that is no ladder": lambda p: _with_records(p, lambda r: r, bits=2, fan=[MOST, 1, MOST, 0, 5]),
    "a fanout behind the end": lambda p: _with_records(p, lambda r: r, fan=[0, MOST]),
    "10^9 records claimed": lambda p: _with_records(p, lambda r: r, claimed_records=10**9),
    "10^9 packs claimed": lambda p: _with_records(p, lambda r: r, claimed_packs=10**9),
    "a fanout of 2^24": lambda p: _with_records(p, lambda r: r, bits=24),
    "a fanout of 2^4000000000": lambda p: _with_records(p, lambda r: r, bits=4_000_000_000),
    "a pack that is not there": lambda p: _index_bytes([PackInfo("ab" * 32, 100, 2)], list(_index(p).records())),
    "no packs": lambda p: _index_bytes([], list(_index(p).records())),
}


@pytest.mark.parametrize("label", INDEXES)
def test_an_index_of_a_remote_that_lies_is_found_out(victim: Project, label: str) -> None:
    _lay_index(victim, INDEXES[label](victim))
    _check(victim, label)


def _runner(label: str) -> Callable[..., Run]:
    """Gives what runs commands: with bounds where a lie could take time or memory, else in this process."""
    return run_bounded if any(mark in label for mark in ("GiB", "^", "behind", "many")) else run_here


def _check(victim: Project, label: str = "2 GiB") -> None:
    run = _runner(label)
    watch = Watch(victim.path.parent, victim.path / "data", victim.path / ".git/dvcx", _store(victim))
    pull = run(victim, "pull")
    if pull.code == 0:  # the lie was harmless: what came is what was meant
        assert victim.files("data") == {"file": CONTENT}
    else:
        assert pull.code in (3, 4, 5), pull.err
        assert not (victim.path / "data").is_file()
        assert not victim.files("data")
    for words in (("status", "--remote", "store"), ("fetch", "--dry-run"), ("push",)):
        run(victim, *words)
    watch.check()


def _lay_pack(project: Project, payloads: Sequence[Payload]) -> None:
    """Makes a pack of these payloads the only thing on the remote, with an honest index."""
    header = dump_header(BLAKE3)
    body, records = header, []
    for role, digest, encoding, raw, stored in payloads:
        records.append(Record(digest, role, encoding, 0, 0, len(body), len(stored), raw))
        body += stored
    table = dump_table(records, 32)
    data = body + table + dump_footer(header, table, len(body), len(records))
    name = pack_name(table)
    folder = _store(project) / "packs" / name[:2]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.pack").write_bytes(data)
    _lay_index(project, index_format.build_index(BLAKE3, [(name, len(data), table)]))


def _tree_of(project: Project) -> Payload:
    data = folder_with([file_entry("file")]).objects[0][1]
    return Payload(Role.TREE, BLAKE3.of(data), Encoding.RAW, len(data), data)


def _zeros(size: int) -> bytes:
    compressor = zstandard.ZstdCompressor(level=1).compressobj(size=size)
    block = bytes(1 << 24)
    parts = [compressor.compress(block[: min(len(block), size - at)]) for at in range(0, size, len(block))]
    return b"".join([*parts, compressor.flush()])


BOMB = 2 << 30


@pytest.mark.parametrize("claimed", [len(CONTENT), BOMB, 100])
def test_a_payload_that_unpacks_to_2_gib_is_not_unpacked(victim: Project, claimed: int) -> None:
    bomb = Payload(Role.BLOB, BLAKE3.of(CONTENT), Encoding.ZSTD, claimed, _zeros(BOMB))
    _lay_pack(victim, [_tree_of(victim), bomb])
    _check(victim)


def test_a_tree_that_unpacks_to_2_gib_is_not_unpacked(victim: Project) -> None:
    tree = _tree_of(victim)
    _lay_pack(victim, [tree._replace(encoding=Encoding.ZSTD, raw=BOMB, stored=_zeros(BOMB))])
    _check(victim)


def _recipe(total: int, entries: Sequence[tuple[bytes, int]], *, level: int = 0, count: int | None = None) -> bytes:
    header = RECIPE_HEADER.pack(b"DVCXRCPE", 1, 32, level, total, len(entries) if count is None else count)
    return header + b"".join(digest + length.to_bytes(4, "little") for digest, length in entries)


CHUNK = b"a chunk"
CHUNK_ID = BLAKE3.of(CHUNK)
HUGE = 1 << 40
RECIPES: dict[str, tuple[int, bytes]] = {
    "nothing": (HUGE, b""),
    "text": (HUGE, b"x" * 200),
    "10^9 entries claimed": (HUGE, _recipe(HUGE, [(CHUNK_ID, 7)], count=10**9)),
    "lengths that do not add up": (HUGE, _recipe(HUGE, [(CHUNK_ID, 7)])),
    "chunks of 4 GiB": (256 * MOST, _recipe(256 * MOST, [(CHUNK_ID, MOST)] * 256)),
    "a chunk of two lengths": (7 + 9, _recipe(16, [(CHUNK_ID, 7), (CHUNK_ID, 9)])),
    "a chunk that is not there": (9, _recipe(9, [(b"n" * 32, 9)])),
    "a chunk longer than it is": (900, _recipe(900, [(CHUNK_ID, 900)])),
    "parts of parts": (HUGE, _recipe(HUGE, [(CHUNK_ID, 1)], level=1)),
    "level 9": (HUGE, _recipe(HUGE, [(CHUNK_ID, 7)], level=9)),
    "2^63 bytes": (2**63 - 1, _recipe(2**63 - 1, [(CHUNK_ID, MOST)] * 10, level=0)),
    "no entries for many bytes": (HUGE, _recipe(HUGE, [])),
    "no entries for no bytes": (0, _recipe(0, [])),
    "other bytes": (7, _recipe(7, [(CHUNK_ID, 7)])),
}


@pytest.mark.parametrize("label", RECIPES)
def test_a_recipe_that_lies_is_found_out(victim: Project, label: str) -> None:
    size, recipe = RECIPES[label]
    digest = BLAKE3.of(CONTENT)
    thing = Thing("data", digest, (), "file", size)
    victim.write("data.dvcx", thing.pointer())
    _lay_pack(
        victim,
        [
            Payload(Role.RECIPE, digest, Encoding.RAW, len(recipe), recipe),
            Payload(Role.CHUNK, CHUNK_ID, Encoding.RAW, len(CHUNK), CHUNK),
        ],
    )
    _check(victim, label)
    assert not (victim.path / "data").exists()
    cache = victim.own_folder / "cache"
    assert sum(file.stat().st_blocks * 512 for file in cache.rglob("*") if file.is_file()) < 10 << 20


def test_parts_that_stand_for_ever_more_chunks_do_not_take_the_memory(victim: Project) -> None:
    part = _recipe(7 * 8192, [(CHUNK_ID, 7)] * 8192)
    part_id = BLAKE3.of(part)
    count = 60_000  # of 8,192 chunks each: half a billion entries from three megabytes
    top = _recipe(7 * 8192 * count, [(part_id, 8192)] * count, level=1)
    digest = BLAKE3.of(CONTENT)
    victim.write("data.dvcx", Thing("data", digest, (), "file", 7 * 8192 * count).pointer())
    payloads = [
        Payload(Role.RECIPE, digest, Encoding.RAW, len(top), top),
        Payload(Role.PART, part_id, Encoding.RAW, len(part), part),
        Payload(Role.CHUNK, CHUNK_ID, Encoding.RAW, len(CHUNK), CHUNK),
    ]
    _lay_pack(victim, payloads)
    _check(victim)


DESCRIPTIONS: dict[str, bytes] = {
    "nothing": b"",
    "text": b"hello",
    "brackets": b"[" * 1_000_000,
    "no object": b"[]",
    "no format": b"{}",
    "a newer format": b'{"format": 2, "id": "ab", "hash": "blake3"}',
    "another hash": b'{"format": 1, "id": "ab", "hash": "sha256", "chunking": {}}',
    "an id that climbs": b'{"format": 1, "id": "../../../outside", "hash": "blake3"}',
    "an absolute id": b'{"format": 1, "id": "/tmp/planted", "hash": "blake3"}',
    "chunks of no bytes": b'{"format":1,"id":"ab","hash":"blake3","chunking":{"minimum":0,"average":0,"maximum":0}}',
    "chunks of 10^12 bytes": b'{"format":1,"id":"ab","hash":"blake3","chunking":{"maximum":1000000000000}}',
    "a number of a million digits": b'{"format": 1, "id": "ab", "hash": "blake3", "x": ' + b"9" * 1_000_000 + b"}",
    "UTF-16": '{"format": 1}'.encode("utf-16"),
}


@pytest.mark.parametrize("label", DESCRIPTIONS)
def test_a_description_of_a_remote_that_lies_is_found_out(victim: Project, label: str) -> None:
    (_store(victim) / "dvcx.json").write_bytes(DESCRIPTIONS[label])
    codes = (0, 3) if label == "a number of a million digits" else (3, 5, 6)
    run = run_here(victim, "pull")
    assert run.code in codes, run.err
    assert len(run.err) < 2000
    assert run_here(victim, "push").code in codes


def test_files_of_10_gib_where_small_ones_belong_are_not_read(victim: Project) -> None:
    for name in ("dvcx.json", f"index/{'ab' * 32}.idx", f"index/{'cd' * 32}.marks"):
        path = _store(victim) / name
        kept = path.read_bytes() if path.exists() else None
        with path.open("wb") as file:
            file.truncate(10 << 30)
        run = run_bounded(victim, "pull")
        assert run.code in (0, 5), f"{name}: {run.err}"
        assert run.code == 5 or name.startswith("index/"), run.err
        if kept is None:
            path.unlink()
        else:
            path.write_bytes(kept)


@pytest.mark.parametrize(
    "name", ["../../outside/precious", "../" * 9 + "etc/passwd", "/etc/passwd", "ab", "a/../b", ""]
)
def test_marks_cannot_name_files_outside_of_the_remote(victim: Project, name: str) -> None:
    outside = victim.path.parent / "outside"
    outside.mkdir()
    (outside / "precious.pack").write_text("precious")
    watch = Watch(victim.path.parent, victim.path / "data", victim.path / ".git/dvcx", _store(victim))
    marks = {"format": 1, "marked": 5.0, "packs": {name: 8}, "reason": "dead", "deleted": None}
    data = json.dumps(marks).encode()
    (_store(victim) / f"index/{blake3(data).hexdigest()}.marks").write_bytes(data)
    for words in (
        ("gc", "--remote", "store", "--yes", "--older-than", "0s"),
        ("gc", "--remote", "store", "--yes"),
        ("push",),
        ("fsck", "--remote", "store", "--repair"),
        ("pull",),
    ):
        run_here(victim, *words)
        watch.check()


CACHE_FILES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "cut in the table": lambda data: data[:-80],
    "cut in the payloads": lambda data: data[:50],
    "a flipped byte in the table": lambda data: data[:-70] + bytes([data[-70] ^ 1]) + data[-69:],
    "a flipped byte in the footer": lambda data: data[:-3] + b"x" + data[-2:],
    "a flipped byte in the header": lambda data: b"X" + data[1:],
    "10^9 records claimed": lambda data: data[:-64] + data[-64:-56] + (10**9).to_bytes(8, "little") + data[-48:],
    "zeros": lambda data: bytes(len(data)),
    "much behind the end": lambda data: data + b"x" * 100_000,
}


@pytest.mark.parametrize("label", CACHE_FILES)
def test_a_broken_pack_in_the_cache_is_told_and_mended_from_the_remote(victim: Project, label: str) -> None:
    assert run_here(victim, "fetch").code == 0
    (pack,) = victim.own_folder.glob("cache/packs/*/*.pack")
    pack.chmod(0o644)
    pack.write_bytes(CACHE_FILES[label](pack.read_bytes()))
    for index in victim.own_folder.glob("cache/index/*"):
        index.unlink()
    checkout = run_here(victim, "checkout")
    assert checkout.code in (3, 4), checkout.err
    assert "fsck" in checkout.err or "pull" in checkout.err
    run_here(victim, "status")
    run_here(victim, "push")
    pull = run_here(victim, "pull")
    assert pull.code == 0, pull.err
    assert victim.files("data") == {"file": CONTENT}


CRAFTED = frozenset(INDEXES) - {"nothing", "text", "cut off", "10^9 records claimed", "10^9 packs claimed"}
"""Those whose checksum is right: no accident makes them. Whoever writes them can harm a cache in simpler ways."""


@pytest.mark.parametrize("label", INDEXES)
def test_a_broken_index_of_the_cache_can_be_deleted(victim: Project, label: str) -> None:
    data, run_it = INDEXES[label](victim), _runner(label)
    assert run_here(victim, "fetch").code == 0
    folder = victim.own_folder / "cache/index"
    folder.mkdir(exist_ok=True)
    (folder / "blake3.idx").write_bytes(data)
    run = run_it(victim, "checkout")
    honest = run_it(victim, "pull")
    assert run.code in (0, 3, 4), run.err
    assert honest.code == 0 or label in CRAFTED, honest.err
    (folder / "blake3.idx").unlink()
    assert run_here(victim, "checkout").code == 0
    assert victim.files("data") == {"file": CONTENT}
