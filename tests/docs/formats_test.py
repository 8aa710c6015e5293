"""The examples of `docs/formats.md` are what dvcx's own parsers read and its own writers write."""

from __future__ import annotations

import sqlite3
import tomllib
from pathlib import Path

import msgspec
import pytest
from blake3 import blake3

from dvcx.base.hashing import ALGORITHMS, checksum
from dvcx.config.settings import REMOTE_SETTINGS, SETTINGS
from dvcx.formats.conflict_text import parse_conflict, print_conflict
from dvcx.formats.export_manifest import Wanted, dump_manifest, parse_manifest
from dvcx.formats.index import Index, build_index
from dvcx.formats.key_text import parse_identities
from dvcx.formats.keyring import dump_ring, parse_ring
from dvcx.formats.lock_text import parse_lock, print_lock
from dvcx.formats.pack import (
    FOOTER_SIZE,
    HEADER_SIZE,
    check_table,
    dump_footer,
    dump_header,
    pack_name,
    parse_footer,
    parse_header,
)
from dvcx.formats.payload import decode_payload
from dvcx.formats.pointer_text import parse_pointer, print_pointer
from dvcx.formats.recipe import Recipe, dump_recipe, parse_recipe
from dvcx.formats.remote_json import (
    Marks,
    RemoteDescription,
    dump_encrypted_marker,
    dump_json,
    parse_description,
    parse_marks,
)
from dvcx.formats.sealed import data_key, open_blocks, open_name, sealed_name
from dvcx.formats.table import Role, parse_table
from dvcx.formats.trash_journal import Absent, Kept, MadeFolder, Moved, Renamed, dump_steps, parse_journal
from dvcx.formats.trash_journal import dump_header as dump_journal_header
from dvcx.formats.tree_bytes import dump_tree, parse_tree
from dvcx.git.attributes import with_drivers
from dvcx.git.ignorefile import with_line
from dvcx.model.ids import Kind, parse_object_id
from dvcx.model.tree import EntryKind, Tree
from dvcx.workspace.placed import Placed
from dvcx.workspace.state import State, seen
from tests.docs.pages import DOCS, as_hexdump, examples, from_hexdump

EXAMPLES = examples(DOCS / "formats.md")
BLAKE3 = ALGORITHMS["blake3"]
A_CSV = b"id,value\n1,0.5\n"
PACK_NAME = "f8197915a96895a4967c5108647995aec33a1b22aca748cba1dd5316fc34795e"


def test_the_id_is_the_hash_of_a_csv() -> None:
    found = parse_object_id(EXAMPLES["id"].strip(), Kind.BLOB, "the page")
    assert found.digest == BLAKE3.of(A_CSV)
    assert f"{found}\n" == EXAMPLES["id"]


@pytest.mark.parametrize("name", ["data.dvcx", "model.pt.dvcx"])
def test_the_pointers_are_read_and_written_like_that(name: str) -> None:
    text = EXAMPLES[f"pointer {name}"]
    assert print_pointer(parse_pointer(text.encode(), name)) == text


def test_the_lock_is_read_and_written_like_that() -> None:
    text = EXAMPLES["dvcx.lock"]
    lock = parse_lock(text.encode(), "dvcx.lock")
    assert print_lock(lock) == text
    (record,) = lock.records.values()
    assert [dep.text for dep in record.deps] == ["data/*.csv", "env:SEED", "images", "pkg:numpy"]


def test_the_pointer_stands_for_the_tree() -> None:
    pointer = parse_pointer(EXAMPLES["pointer data.dvcx"].encode(), "data.dvcx")
    data = from_hexdump(EXAMPLES["tree"])
    tree = parse_tree(data)
    assert (pointer.id.digest, pointer.size, pointer.files) == (BLAKE3.of(data), tree.size, tree.files)
    assert dump_tree(tree) == data
    assert [(e.name, e.kind, e.size, e.files) for e in tree.entries] == [
        ("a.csv", EntryKind.FILE, 15, 1),
        ("count.sh", EntryKind.EXECUTABLE, 21, 1),
        ("empty", EntryKind.FOLDER, 0, 0),
        ("latest", EntryKind.LINK, 0, 1),
    ]
    assert tree.entries[2].digest == BLAKE3.of(dump_tree(Tree(())))
    assert tree.entries[3].target == "a.csv"


def test_the_gitignore_lines_are_those_that_add_writes() -> None:
    assert with_line(with_line("", "data"), "odd [name]") == EXAMPLES["gitignore"]


def test_a_conflict_is_written_and_read_like_that() -> None:
    text = EXAMPLES["conflict"]
    found = parse_conflict(text)
    assert found is not None and found.is_merged
    for half in (found.ours, found.theirs):
        assert print_pointer(parse_pointer(half.encode(), "data.dvcx")) == half
    line = ("data/a.csv", "ours 15 B, theirs deleted")
    assert print_conflict("data", found.ours, found.theirs, [line], ("main", "feature")) == text


def test_the_gitattributes_are_those_that_init_writes() -> None:
    text = EXAMPLES["gitattributes"]
    assert with_drivers("") == text
    assert with_drivers(text) == text
    assert with_drivers("*.png binary") == f"*.png binary\n{text}"
    assert ".gitignore merge" not in with_drivers(".gitignore -merge\n").partition("\n")[2]


def test_the_configuration_shows_every_setting_with_a_value_it_takes() -> None:
    found = tomllib.loads(EXAMPLES["config"])
    remote = found.pop("remote")["store"]
    shown = {f"{section}.{name}": value for section, values in found.items() for name, value in values.items()}
    assert set(shown) == set(SETTINGS)
    for key, value in shown.items():
        SETTINGS[key].checked(value)
    for name, value in remote.items():
        REMOTE_SETTINGS[name].checked(value)


def test_the_pack_holds_the_tree_and_its_files() -> None:
    data = from_hexdump(EXAMPLES["pack"])
    header, foot = data[:HEADER_SIZE], data[-FOOTER_SIZE:]
    assert parse_header(header, "the page") == BLAKE3
    footer = parse_footer(foot, len(data), BLAKE3.digest_size, "the page")
    table = data[footer.offset : -FOOTER_SIZE]
    check_table(table, footer, "the page")
    assert pack_name(table) == PACK_NAME
    assert (dump_header(BLAKE3), dump_footer(header, table, footer.offset, footer.count)) == (header, foot)
    records = list(parse_table(table, BLAKE3.digest_size))
    contents = {
        BLAKE3.of(decode_payload(r, memoryview(data)[r.offset : r.offset + r.stored], "the page")): Role(r.role)
        for r in records
    }
    assert set(contents) == {record.digest for record in records}
    assert contents[BLAKE3.of(A_CSV)] is Role.BLOB
    assert contents[BLAKE3.of(from_hexdump(EXAMPLES["tree"]))] is Role.TREE


def test_the_index_is_that_of_the_pack() -> None:
    pack = from_hexdump(EXAMPLES["pack"])
    footer = parse_footer(pack[-FOOTER_SIZE:], len(pack), BLAKE3.digest_size, "the page")
    made = build_index(BLAKE3, [(PACK_NAME, len(pack), pack[footer.offset : -FOOTER_SIZE])])
    assert as_hexdump(made) == EXAMPLES["index"]
    found = Index(made, "the page").find(BLAKE3.of(A_CSV))
    assert found is not None
    assert (found.offset, found.stored, found.raw) == (0x20, 15, 15)


def test_the_encrypted_remote_is_opened_with_the_key_that_is_shown() -> None:
    (ada,) = parse_identities(EXAMPLES["private key"], "the page")
    ring = parse_ring(EXAMPLES["key ring"].encode(), "the page")
    assert dump_ring(ring) == EXAMPLES["key ring"].encode()
    assert dict(ring.members) == {"ada": ada.public} and ring.secrets([ada]) == (bytes(range(32)),)
    assert f'keyring = "{ring.log[-1].hash}"' in EXAMPLES["config"]
    key = data_key(1, bytes(range(32)))
    name = open_name(key, EXAMPLES["sealed name"].strip())
    assert (
        name == f"packs/{PACK_NAME[:2]}/{PACK_NAME}.pack" and sealed_name(key, name) + "\n" == EXAMPLES["sealed name"]
    )
    block = from_hexdump(EXAMPLES["sealed block"])
    assert open_blocks(key, name, block) == (A_CSV, 0, True)
    assert dump_encrypted_marker().decode() == EXAMPLES["encrypted marker"]


def test_the_manifest_of_an_export_is_read_and_written_like_that() -> None:
    found = parse_manifest(EXAMPLES["export"].encode(), "the page")
    assert dump_manifest(found).decode() == EXAMPLES["export"]
    wanted = Wanted("data/a.csv", BLAKE3.of(A_CSV), 15)
    assert found.files == {"data/a.csv": wanted.exported} and found.begun == ["data/b.csv"]


def test_the_recipe_adds_up() -> None:
    data = from_hexdump(EXAMPLES["recipe"])
    recipe = parse_recipe(data, BLAKE3.digest_size, "the page")
    chunks = ((blake3(b"first chunk").digest(), 700_000), (blake3(b"second chunk").digest(), 400_000))
    assert recipe == Recipe(0, 1_100_000, chunks)
    assert dump_recipe(recipe, BLAKE3.digest_size) == data


def test_a_new_remote_says_that() -> None:
    text = EXAMPLES["dvcx.json"].encode()
    assert parse_description(text, "the page") == RemoteDescription(1, "00112233445566778899aabbccddeeff", "blake3")
    assert dump_json(parse_description(text, "the page")) == text


def test_marks_are_written_like_that() -> None:
    text = EXAMPLES["marks"].encode()
    assert parse_marks(text, "the page") == Marks(1, 1_700_000_000.0, {PACK_NAME: 519})
    assert dump_json(parse_marks(text, "the page")) == text


def test_the_state_has_these_tables(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    state = State(tmp_path / "state.db")
    state.remember("data", {"file": seen((tmp_path / "file").stat(), b"digest")})
    state.close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        tables = [sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master")]
        version = connection.execute("PRAGMA user_version").fetchone()
        ((path, row),) = connection.execute("SELECT path, files FROM folders")
    assert "".join(f"{sql};\n" for sql in tables) == EXAMPLES["state"]
    assert (version, path) == ((2,), "data")
    assert row[:16] == checksum(b"data\0" + row[16:])
    status = (tmp_path / "file").stat()
    (size, mtime, ctime, inode, digest) = msgspec.msgpack.decode(row[16:])["file"]
    assert (size, mtime, ctime, inode) == (7, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    assert digest == b"digest"


def test_what_was_placed_is_recorded_like_that(tmp_path: Path) -> None:
    tree = BLAKE3.of(from_hexdump(EXAMPLES["tree"]))
    placed = Placed(tmp_path / "placed.json")
    placed.set("data", tree, tracked=BLAKE3.of(b"whole"))
    placed.set_follows("data", True)
    placed.save()
    assert (tmp_path / "placed.json").read_text() == EXAMPLES["placed.json"].removesuffix("\n")
    assert Placed(tmp_path / "placed.json").all() == {"data": tree}


def test_the_journal_has_one_of_every_step() -> None:
    text = EXAMPLES["journal"].encode()
    journal = parse_journal(text, "the page")
    assert [type(step) for step in journal.steps] == [Moved, Kept, Renamed, Absent, MadeFolder]
    assert journal.unreadable == 0
    assert dump_journal_header(journal.header) + dump_steps(journal.steps) == text
