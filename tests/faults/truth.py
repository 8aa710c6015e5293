"""What must be true at any moment, after any crash: read from the disk with as little of dvcx as can be."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import zstandard
from blake3 import blake3

from dvcx.base.hashing import ALGORITHMS
from dvcx.formats.index import Index
from dvcx.formats.pack import FOOTER_SIZE, HEADER_SIZE, check_table, parse_footer, parse_header
from dvcx.formats.recipe import parse_recipe
from dvcx.formats.table import Encoding, Record, Role, parse_table, record_struct


def payloads_of(pack: Path) -> Iterator[tuple[Record, bytes]]:
    """Gives every record of a pack with its content, after checking the pack's own name, header, table and footer.

    What lies in the trash has a number for its name.
    """
    data = pack.read_bytes()
    algorithm = parse_header(data[:HEADER_SIZE], str(pack))
    footer = parse_footer(data[-FOOTER_SIZE:], len(data), algorithm.digest_size, str(pack))
    table = data[footer.offset : footer.offset + footer.count * record_struct(algorithm.digest_size).size]
    check_table(table, footer, str(pack))
    assert pack.stem.isdigit() or pack.stem == blake3(table).hexdigest(), f"{pack} stands under a wrong name"
    for record in parse_table(table, algorithm.digest_size):
        stored = data[record.offset : record.offset + record.stored]
        content = zstandard.ZstdDecompressor().decompress(stored) if record.encoding == Encoding.ZSTD else stored
        assert len(content) == record.raw
        yield record, content


def cache_objects(cache: Path) -> dict[bytes, bytes]:
    """Gives every object of a cache by its digest; fails when one is not what its name says."""
    found: dict[bytes, bytes] = {}
    for pack in sorted(cache.glob("packs/*/*.pack")):
        digest_of = ALGORITHMS[pack.parent.name].of
        for record, content in payloads_of(pack):
            assert digest_of(content) == record.digest, f"{pack} holds an object under a wrong name"
            found[record.digest] = content
    for file in sorted(cache.glob("loose/*/??/*")):
        content = file.read_bytes()
        digest = bytes.fromhex(file.parent.name + file.name)
        assert ALGORITHMS[file.parent.parent.name].of(content) == digest, f"{file} stands under a wrong name"
        found[digest] = content
    return found


def remote_objects(remote: Path) -> dict[bytes, bytes]:
    """Gives every object that the indexes of a folder remote name, put together from its chunks; checks every name."""
    packs = {pack.stem: dict(_good(pack)) for pack in sorted(remote.glob("packs/??/*.pack"))}
    named: dict[bytes, tuple[Role, bytes]] = {}
    for file in sorted(remote.glob("index/*.idx")):
        data = file.read_bytes()
        assert file.stem == blake3(data).hexdigest(), f"{file} stands under a wrong name"
        index = Index(data, str(file))
        for record in index.records():
            info = index.packs[record.pack]
            assert info.name in packs, f"{file} names the pack {info.name}, which is not there"
            assert (remote / "packs" / info.name[:2] / f"{info.name}.pack").stat().st_size == info.size
            named[record.digest] = packs[info.name][record.digest]
    return {digest: _whole(digest, named) for digest, (role, _) in named.items() if role in _OBJECTS}


_OBJECTS = (Role.BLOB, Role.TREE, Role.RECIPE)


def _good(pack: Path) -> Iterator[tuple[bytes, tuple[Role, bytes]]]:
    for record, content in payloads_of(pack):
        if record.role != Role.RECIPE:
            assert blake3(content).digest() == record.digest, f"{pack} holds an object under a wrong name"
        yield record.digest, (Role(record.role), content)


def _whole(digest: bytes, named: dict[bytes, tuple[Role, bytes]]) -> bytes:
    role, content = named[digest]
    if role is not Role.RECIPE:
        return content
    recipe = parse_recipe(content, len(digest), "a recipe")
    whole = b"".join(named[chunk][1] for chunk, _ in recipe.entries)
    assert blake3(whole).digest() == digest, "a recipe stands under a wrong name"
    return whole


def trashed(trash: Path) -> set[bytes]:
    """Gives the contents of all files in a trash, and of the objects in the packs there."""
    found: set[bytes] = set()
    for path in trash.glob("*/files/**/*"):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            found.add(data)
            if data.startswith(b"DVCXPACK"):
                found.update(content for _, content in payloads_of(path))
    return found


def temporary_files(folders: Iterable[Path]) -> list[Path]:
    """Gives every file below the folders whose name is one of a temporary file."""
    found = []
    for folder in folders:
        for at, _, names in os.walk(folder):
            found += [Path(at) / name for name in names if name.startswith(".") and name.count("-") >= 2]
    return found
