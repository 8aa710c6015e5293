"""Making hostile things by hand, and running commands on them under watch: what they may use, where they may write."""

from __future__ import annotations

import hashlib
import os
import resource
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from dvcx.base.hashing import ALGORITHMS
from dvcx.formats.payload import Compression
from dvcx.formats.table import Role
from dvcx.storage.cache import Cache
from dvcx.storage.folder_bucket import FolderBucket
from dvcx.storage.remote import Remote, RemoteSettings
from tests.project import Project, Run

BLAKE3 = ALGORITHMS["blake3"]
FILE, EXECUTABLE, FOLDER, LINK = 0, 1, 2, 3
CONTENT = b"what the attacker wants to be written\n"

MEMORY = 1 << 30
"""Bytes of address space that a command on hostile input gets; a plain one needs a third of it."""
SECONDS = 20

Entry = tuple[object, ...]


@dataclass(frozen=True)
class Thing:
    """Hostile tracked data called `name`: the digest its pointer names, and the objects to lay in the stores."""

    name: str
    digest: bytes
    objects: tuple[tuple[Role, bytes], ...]
    kind: str = "folder"
    size: int = 0
    files: int = 1

    def pointer(self) -> str:
        """Gives the text of its pointer."""
        files = f"files: {self.files}\n" if self.kind == "folder" else ""
        return (
            f"dvcx: 1\npath: {self.name}\ntype: {self.kind}\nid: blake3:{self.digest.hex()}\nsize: {self.size}\n{files}"
        )


def tree_bytes(entries: Iterable[Entry]) -> bytes:
    """Gives a tree with these entries, whatever they are: (name, kind, digest, size, files) each."""
    return msgspec.msgpack.encode(("dvcx-tree", 1, [list(entry) for entry in entries]))


def file_entry(name: object, content: bytes = CONTENT, kind: int = FILE) -> Entry:
    """Gives the entry of a file."""
    return (name, kind, BLAKE3.of(content), len(content), 1)


def folder_with(entries: Sequence[Entry], *more: tuple[Role, bytes], name: str = "data") -> Thing:
    """Gives a folder whose top has these entries."""
    data = tree_bytes(entries)
    return Thing(name, BLAKE3.of(data), ((Role.TREE, data), (Role.BLOB, CONTENT), *more))


def nested(names: Sequence[object], leaf: Entry | None = None) -> Thing:
    """Gives a folder with the folders `names` in one another, and in the last one a file."""
    objects: list[tuple[Role, bytes]] = [(Role.BLOB, CONTENT)]
    entry = leaf or file_entry("file")
    for folder in reversed(names):
        data = tree_bytes([entry])
        objects.append((Role.TREE, data))
        entry = (folder, FOLDER, BLAKE3.of(data), entry[3], entry[4])
    data = tree_bytes([entry])
    return Thing("data", BLAKE3.of(data), (*objects, (Role.TREE, data)))


def lay_in_cache(project: Project, thing: Thing) -> None:
    """Puts the objects into the project's cache, under their true names."""
    cache = Cache(project.own_folder / "cache", BLAKE3)
    with cache.writer() as writer:
        for role, data in thing.objects:
            writer.put(role, BLAKE3.of(data), data)
    cache.close()


def lay_on_remote(store: Path, thing: Thing) -> None:
    """Puts the objects on a folder remote, under their true names."""
    remote = Remote(FolderBucket(store), "store", BLAKE3, None, RemoteSettings(compression=Compression(3)))
    with remote.writer() as writer:
        for role, data in thing.objects:
            writer.put(role, BLAKE3.of(data), data)


def set_remote(project: Project, store: Path) -> None:
    """Makes the folder `store` the project's default remote."""
    config = project.path / ".dvcx/config.toml"
    config.write_text(
        f'[core]\nformat = 1\nhash = "blake3"\nremote = "store"\n[remote.store]\nurl = "{store}"\n', "utf-8"
    )


def run_bounded(project: Project, *words: str, seconds: float = SECONDS, memory: int = MEMORY) -> Run:
    """Runs `dvcx WORDS` in a child that may use so much memory more, and time; fails when it needs it, or has a bug.

    The child is a fork: that spares it what starting Python and importing all costs.
    """
    begin = time.monotonic()
    answer, question = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            most = _address_space() + memory
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 1))
            run = project.dvcx(*words)
            with open(question, "wb") as pipe:
                pipe.write(msgspec.msgpack.encode((run.code, os.fsencode(run.out), os.fsencode(run.err))))
            os._exit(0)
        finally:
            os._exit(1)
    os.close(question)
    with open(answer, "rb") as pipe:
        said = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code != 0:
        return _checked(Run(words, min(code, -code), "", ""), f"after {time.monotonic() - begin:.1f} s")
    code, out, err = msgspec.msgpack.decode(said, type=tuple[int, bytes, bytes])
    run = Run(words, code, os.fsdecode(out), os.fsdecode(err))
    return _checked(run, f"after {time.monotonic() - begin:.1f} s")


def _address_space() -> int:
    """Gives the bytes of address space that this process has now: the tests' own are not counted."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _checked(run: Run, when: str) -> Run:
    what = f"dvcx {' '.join(run.words)}: exit code {run.code} {when}\n{run.err[-1500:]}"
    assert run.code >= 0, f"a signal ended it, maybe for using too much time: {what}"
    assert run.code != 70 and "Traceback" not in run.err, what
    assert "out of memory" not in run.err, what
    if run.code not in (0, 1) or run.err.startswith("error"):
        assert "error: " in run.err, what
    raw = set(run.out + run.err) & {chr(code) for code in (*range(9), *range(11, 32), 127, *range(128, 160))}
    assert not raw, f"control characters reach the terminal: {raw} {what}"
    return run


def run_here(project: Project, *words: str) -> Run:
    """Runs `dvcx WORDS` in this process, without bounds but quickly; fails when it has a bug."""
    return _checked(project.dvcx(*words), "")


class Watch:
    """Everything below a folder but the parts where dvcx may write, as it was when the watch began."""

    def __init__(self, top: Path, *allowed: Path) -> None:
        self._top = top
        self._allowed = allowed
        self._before = self._look()

    def check(self) -> None:
        """Fails when anything was made, changed or removed."""
        now = self._look()
        changed = sorted(
            str(path) for path in now.keys() | self._before.keys() if now.get(path) != self._before.get(path)
        )
        assert not changed, f"changed outside of the data: {changed}"

    def _look(self) -> dict[Path, tuple[int, bytes]]:
        found: dict[Path, tuple[int, bytes]] = {}
        for at, folders, names in os.walk(self._top):
            folders[:] = [name for name in folders if Path(at, name) not in self._allowed]
            for name in (*folders, *names):
                path = Path(at, name)
                if path in self._allowed:
                    continue
                mode = path.lstat().st_mode
                if path.is_symlink():
                    found[path] = mode, os.fsencode(os.readlink(path))
                elif path.is_file():
                    found[path] = mode, hashlib.sha256(path.read_bytes()).digest()
                else:
                    found[path] = mode, b""
        return found
