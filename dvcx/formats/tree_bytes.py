"""Trees as bytes: MessagePack of `["dvcx-tree", 1, entries]`; the digest of these bytes is the tree's id."""

from __future__ import annotations

from itertools import islice
from operator import lt

import msgspec

from dvcx.base.errors import DamagedData, Refused
from dvcx.base.hashing import ALGORITHMS
from dvcx.base.links import link_problem
from dvcx.base.paths import are_plain_names, check_name, twins
from dvcx.model.tree import EntryKind, Tree, TreeEntry

MAGIC = "dvcx-tree"
VERSION = 1
_PLAIN_KINDS = frozenset({EntryKind.FILE, EntryKind.EXECUTABLE, EntryKind.FOLDER})
_DIGEST_SIZES = frozenset(algorithm.digest_size for algorithm in ALGORITHMS.values())
_MOST_BYTES = 1 << 62
"""No folder holds more: sums of what a tree claims have to fit where numbers are stored."""
MAX_FILES = 1 << 24
"""No tracked folder holds more files. A few trees that name each other twice can stand for 2^60: nobody walks those."""


class _Stored(msgspec.Struct, array_like=True, frozen=True):
    magic: str
    version: int
    entries: list[TreeEntry]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Stored)


def dump_tree(tree: Tree) -> bytes:
    """Gives the bytes of `tree`; equal trees give equal bytes."""
    return _encoder.encode((MAGIC, VERSION, tree.entries))


def parse_tree(data: bytes | memoryview, where: str = "a tree") -> Tree:
    """Reads the bytes of a tree; `where` names it in errors.

    Raises `DamagedData` when they are not a tree that this dvcx knows, and `Refused` when a name in it is hostile.
    """
    try:
        stored = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedData(f"{where} cannot be read: {error}", "run `dvcx fsck --repair`") from error
    if stored.magic != MAGIC or stored.version != VERSION:
        raise DamagedData(
            f"{where} has the format {stored.magic!r} {stored.version}; this dvcx reads {MAGIC!r} {VERSION}",
            "upgrade dvcx",
        )
    tree = Tree(tuple(stored.entries))
    if not _is_plainly_right(stored.entries, tree):
        _check(stored.entries, where)
    return tree


def _is_plainly_right(entries: list[TreeEntry], tree: Tree) -> bool:
    """Tells whether a tree of files and folders passes every check, without looking at its entries one by one."""
    names = [entry.name for entry in entries]
    return (
        {entry.kind for entry in entries} <= _PLAIN_KINDS
        and {len(entry.digest) for entry in entries} <= _DIGEST_SIZES
        and are_plain_names(names)
        and all(map(lt, names, islice(names, 1, None)))
        and min([entry.size for entry in entries], default=0) >= 0
        and min([entry.files for entry in entries], default=0) >= 0
        and tree.size <= _MOST_BYTES
        and tree.files <= MAX_FILES
    )


def _check(entries: list[TreeEntry], where: str) -> None:
    last = ""
    size = files = 0
    for entry in entries:
        name = entry.name
        check_name(name, where)
        if name <= last:
            raise DamagedData(f"{where} is not in order at {name!r}", "run `dvcx fsck --repair`")
        last = name
        kind = entry.kind
        if not 0 <= kind <= EntryKind.LINK or entry.size < 0 or entry.files < 0:
            raise DamagedData(f"{where} has a bad entry {name!r}", "upgrade dvcx or run `dvcx fsck --repair`")
        if kind == EntryKind.LINK:
            _check_link(entry, where)
        elif len(entry.digest) not in _DIGEST_SIZES:
            raise DamagedData(f"{where} has a bad digest at {name!r}", "upgrade dvcx or run `dvcx fsck --repair`")
        size += entry.size
        files += entry.files
    if size > _MOST_BYTES:
        raise DamagedData(f"{where} claims to hold {size} bytes", "run `dvcx fsck --repair`")
    check_count(files, where)


def check_count(files: int, where: str) -> None:
    """Raises `Refused` when a folder holds more files than can be walked."""
    if files > MAX_FILES:
        raise Refused(
            f"{where} holds {files} files; one tracked folder can hold {MAX_FILES}",
            "track its folders one by one, or put the files into archives",
        )


class TreeReader:
    """Reads many trees and holds each to the totals that the folders above it give.

    So nobody walks more files than the top says: a folder's entry cannot claim one file for a tree of millions.
    """

    def __init__(self) -> None:
        self._totals: dict[bytes, tuple[int, int]] = {}

    def parse(self, digest: bytes, data: bytes | memoryview, where: str) -> Tree:
        """Reads the bytes of the tree `digest`; raises as `parse_tree` does, and `DamagedData` for other totals."""
        tree = parse_tree(data, where)
        self._hold(digest, tree.size, tree.files, where)
        for entry in tree.entries:
            if entry.kind == EntryKind.FOLDER:
                self._hold(entry.digest, entry.size, entry.files, where)
        return tree

    def _hold(self, digest: bytes, size: int, files: int, where: str) -> None:
        if self._totals.setdefault(digest, (size, files)) != (size, files):
            raise DamagedData(
                f"{where} gives other totals for a folder than the folder has",
                "who made it lied, or it is damaged: run `dvcx fsck`, or get the data from where it was added",
            )


def _check_link(entry: TreeEntry, where: str) -> None:
    # How far up it may lead depends on the folder's depth, which the one who puts it into a workspace knows.
    problem = link_problem(entry.digest)
    if problem:
        raise Refused(
            f"{where} names the symbolic link {entry.name!r}, which {problem}",
            "nothing was written for it; do not use this data unless you trust where it comes from",
            [entry.name],
        )


def check_portable(tree: Tree, where: str) -> None:
    """Raises `Refused` when two names of one folder differ only in case or Unicode form."""
    pair = twins(entry.name for entry in tree.entries)
    if pair:
        raise Refused(
            f"{where} holds both {pair[0]!r} and {pair[1]!r}, which many systems cannot keep apart",
            "rename one of them, or accept such names in this project: `dvcx config core.portable_names false`",
            list(pair),
        )
