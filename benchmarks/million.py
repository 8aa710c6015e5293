"""A remote that holds a million objects: how long a push with nothing new takes, and how much memory.

python benchmarks/million.py                       # a million objects in 10,000 pushes' index files
python benchmarks/million.py --objects 100000 --pushes 100

The packs are not there, only the index files that name them: a push asks nothing else. The repository tracks a folder
of as many files, whose trees are real; their contents are nowhere, which a push does not notice as long as the remote
says that it has them. So nothing of what is measured is made up, and making it takes a minute, not a day.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from blake3 import blake3
from measure import Command, run

from dvcx.base.hashing import ALGORITHMS
from dvcx.formats.index import build_index
from dvcx.formats.pack import pack_name
from dvcx.formats.remote_json import DESCRIPTION_NAME, VERSION, Chunking, RemoteDescription, dump_json
from dvcx.formats.table import Encoding, Record, Role, dump_table
from dvcx.formats.tree_bytes import dump_tree
from dvcx.model.tree import file_entry, folder_entry, make_tree
from dvcx.storage.cache import Cache

ALGORITHM = ALGORITHMS["blake3"]
FILES_PER_FOLDER = 1000
SIZE = 8192
Object = tuple[bytes, Role, int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Makes the remote and the repository, pushes three times, prints seconds, seconds of CPU and MiB as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--pushes", type=int, default=10_000, help="index files that lie on the remote")
    parser.add_argument("--work", type=Path, default=None)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        work = Path(folder)
        objects = _make_repository(work, options.objects)
        _make_remote(work / "remote", objects, options.pushes)
        for name in ("first push of a clone", "push, nothing new", "push, nothing new, again"):
            cost = run([_dvcx(work, "push")])
            told = {
                "step": name,
                "seconds": round(cost.seconds, 2),
                "CPU": round(cost.cpu_seconds, 2),
                "MiB": round(cost.peak_bytes / 2**20),
            }
            told["index files"] = len(os.listdir(work / "remote" / "index"))
            print(json.dumps(told), flush=True)
    return 0


def _make_repository(work: Path, count: int) -> list[Object]:
    """Makes a repository whose cache holds the trees of `count` files, and gives every object."""
    for words in (["git", "init", "-q"], [sys.executable, "-m", "dvcx", "init", "-q"]):
        (work / "repo").mkdir(exist_ok=True)
        subprocess.run(words, cwd=work / "repo", check=True)
    numbers = random.Random(1)
    objects: list[Object] = []
    top = []
    with Cache(work / "repo/.git/dvcx/cache", ALGORITHM).writer() as writer:
        for number in range(-(-count // FILES_PER_FOLDER)):
            files = []
            for each in range(min(FILES_PER_FOLDER, count - number * FILES_PER_FOLDER)):
                digest = numbers.randbytes(32)
                objects.append((digest, Role.BLOB, SIZE))
                files.append(file_entry(f"image-{number:04}-{each:04}.jpg", digest, SIZE))
            tree = make_tree(files)
            data = dump_tree(tree)
            writer.put(Role.TREE, ALGORITHM.of(data), data)
            objects.append((ALGORITHM.of(data), Role.TREE, len(data)))
            top.append(folder_entry(f"part-{number:04}", ALGORITHM.of(data), tree))
        root = make_tree(top)
        data = dump_tree(root)
        writer.put(Role.TREE, ALGORITHM.of(data), data)
        objects.append((ALGORITHM.of(data), Role.TREE, len(data)))
    pointer = f"dvcx: 1\npath: data\ntype: folder\nid: blake3:{ALGORITHM.of(data).hex()}\n"
    (work / "repo/data.dvcx").write_text(f"{pointer}size: {root.size}\nfiles: {root.files}\n")
    subprocess.run(
        [sys.executable, "-m", "dvcx", "remote", "add", "-q", "-d", "store", "../remote"],
        cwd=work / "repo",
        check=True,
    )
    return objects


def _make_remote(remote: Path, objects: Sequence[Object], pushes: int) -> None:
    """Writes the index files that so many pushes of these objects leave."""
    (remote / "index").mkdir(parents=True)
    description = RemoteDescription(VERSION, "0" * 32, ALGORITHM.name, Chunking())
    (remote / DESCRIPTION_NAME).write_bytes(dump_json(description))
    for number in range(pushes):
        some = objects[number::pushes]
        at = 32
        records = []
        for digest, role, size in some:
            records.append(Record(digest, role, Encoding.RAW, 0, 0, at, size, size))
            at += size
        if records:
            table = dump_table(records, ALGORITHM.digest_size)
            index = build_index(ALGORITHM, [(pack_name(table), at + len(table) + 64, table)])
            (remote / "index" / f"{blake3(index).hexdigest()}.idx").write_bytes(index)


def _dvcx(work: Path, *words: str) -> Command:
    home = work / "home"
    home.mkdir(exist_ok=True)
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
    return Command([sys.executable, "-m", "dvcx", *words], work / "repo", environment, work / "log.txt")


if __name__ == "__main__":
    sys.exit(main())
