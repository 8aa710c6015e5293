"""How fast data is read that is not checked out: a repository elsewhere, the filesystem, the middle of a large file.

    python benchmarks/reading.py                  # everything: three minutes, 6 GiB of disk
    python benchmarks/reading.py --scale-down 20  # a quick try

Prints a Markdown table: what was done, seconds (the best of three), bytes read from the remote, and the target.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from dvcx.storage.folder_bucket import FolderBucket

MIB = 1 << 20
COMMITS, FILES, LARGE = 5_000, 100_000, 2 << 30
Row = tuple[str, str, str, str]


def main() -> int:
    """Runs all measurements and gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="a folder on the disk to measure")
    parser.add_argument("--scale-down", type=int, default=1, help="divide all sizes by this")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
        work = Path(folder)
        os.environ |= {"XDG_CACHE_HOME": str(work / "cache"), "GIT_CONFIG_GLOBAL": str(work / "gitconfig")}
        (work / "gitconfig").write_text("[user]\nname = b\nemail = b@b\n[init]\ndefaultBranch = main\n")
        rows = [
            *elsewhere(work, COMMITS // arguments.scale_down),
            *finding(work, FILES // arguments.scale_down),
            *middle(work, LARGE // arguments.scale_down),
        ]
    print("| what | seconds | read from the remote | target |\n| --- | ---: | ---: | --- |")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    return 0


def elsewhere(work: Path, commits: int) -> list[Row]:
    """One file of a repository with a long history, through partial clones: the first time, and later."""
    project = make_project(work / "elsewhere")
    add(project, {"data/a.txt": b"one\n"}, "data")
    with_history(project, commits)
    git(project, "config", "uploadpack.allowFilter", "true")
    dvcx(project, "push", "-q")
    address = f"file://{project}"
    count = git(project, "rev-list", "--count", "HEAD").strip()

    def forget() -> None:
        shutil.rmtree(work / "cache", ignore_errors=True)

    out = work / "out.txt"
    first = best(lambda: dvcx(work, "get", "-f", address, "data/a.txt", "-o", str(out)), forget)
    again = best(lambda: dvcx(work, "get", "-f", address, "data/a.txt", "-o", str(out)))
    listed = best(lambda: dvcx(work, "ls", address, "data"))
    clone = best(
        lambda: git(work, "clone", "-q", address, str(work / "clone")),
        lambda: shutil.rmtree(work / "clone", ignore_errors=True),
    )
    return [
        (f"`dvcx get` one file of a repository with {int(count):,} commits, first time", f"{first:.2f}", "", "< 2"),
        ("the same again: the mirror is there", f"{again:.2f}", "", "< 2"),
        ("`dvcx ls` a folder of it", f"{listed:.2f}", "", "< 2"),
        ("for comparison: `git clone` of it all", f"{clone:.2f}", "", ""),
    ]


def finding(work: Path, files: int) -> list[Row]:
    """All files of a large folder through the filesystem."""
    import fsspec

    project = make_project(work / "finding")
    add(project, {f"data/{n // 1000}/{n}.txt": str(n).encode() for n in range(files)}, "data")
    git(project, "tag", "v1")

    def find(**options: object) -> Callable[[], None]:
        def run() -> None:
            import dvcx.api.views

            dvcx.api.views._views.clear()
            found = fsspec.filesystem("dvcx", repo=str(project), **options).find("", detail=True)
            assert len(found) == files

        return run

    old, now = best(find(rev="v1")), best(find())
    return [
        (f"`find` over {files:,} files of a commit, with sizes and ids", f"{old:.2f}", "", "< 2"),
        ("the same of the workspace, with the sizes that files have there", f"{now:.2f}", "", "< 2"),
    ]


def middle(work: Path, size: int) -> list[Row]:
    """One mebibyte from the middle of a large file that only a folder remote has; then all of it in order."""
    import dvcx as library

    project = make_project(work / "middle")
    data = random.Random(1)
    (project / "big.bin").parent.mkdir(exist_ok=True)
    with open(project / "big.bin", "wb") as file:
        for _ in range(size // (16 * MIB)):
            file.write(data.randbytes(16 * MIB))
    add(project, {}, "big.bin")
    dvcx(project, "push", "-q")
    with open(project / "big.bin", "rb") as file:
        file.seek(size // 2)
        wanted = file.read(MIB)
    (project / "big.bin").unlink()
    shutil.rmtree(project / ".git/dvcx")
    sizes = counted()

    def read() -> None:
        import dvcx.api.views

        dvcx.api.views._views.clear()
        shutil.rmtree(project / ".git/dvcx", ignore_errors=True)
        sizes.clear()
        with library.open("big.bin", project, "HEAD") as file:
            file.seek(size // 2)
            assert file.read(MIB) == wanted

    seconds = best(read)
    few, requests = sum(sizes), len(sizes)

    def read_all() -> None:
        sizes.clear()
        with library.open("big.bin", project, "HEAD") as file:
            while file.read(MIB):
                pass

    whole = best(read_all)
    return [
        (
            f"1 MiB from the middle of {size >> 20:,} MiB, empty cache, no index here",
            f"{seconds:.2f}",
            f"{few / MIB:.1f} MiB, {requests} requests",
            "< 8 MiB",
        ),
        ("all of it in order, verified", f"{whole:.1f}", f"{sum(sizes) / MIB:,.0f} MiB, {len(sizes)} requests", ""),
    ]


def counted() -> list[int]:
    """Gives a list in which every request to a folder remote notes how many bytes it got."""
    sizes: list[int] = []
    whole, part = FolderBucket.read, FolderBucket.read_range

    def read(self: FolderBucket, name: str) -> bytes:
        data = whole(self, name)
        sizes.append(len(data))
        return data

    def read_range(self: FolderBucket, name: str, start: int, end: int) -> bytes:
        data = part(self, name, start, end)
        sizes.append(len(data))
        return data

    FolderBucket.read, FolderBucket.read_range = read, read_range  # type: ignore[method-assign]
    return sizes


def best(work: Callable[[], object], before: Callable[[], None] = lambda: None) -> float:
    """Gives the seconds of the quickest of three runs."""
    times = []
    for _ in range(3):
        before()
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def make_project(path: Path) -> Path:
    """Makes a project with a folder remote beside it."""
    path.mkdir()
    git(path, "init", "-q")
    dvcx(path, "init", "-q")
    dvcx(path, "remote", "add", "-q", "-d", "store", f"../{path.name}-store")
    return path


def add(project: Path, files: dict[str, bytes], target: str) -> None:
    """Writes files, tracks `target` and commits."""
    for name, data in files.items():
        path = project / name
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
        path.write_bytes(data)
    dvcx(project, "add", "-q", target)
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "data")


def with_history(project: Path, commits: int) -> None:
    """Adds commits that change Git's own files, as a project has them after some years."""
    stream = []
    for n in range(commits):
        text = f"line {n}\n" * 30
        parent = "from refs/heads/main^0\n" if n == 0 else ""
        stream.append(
            f"commit refs/heads/main\ncommitter B <b@b> {1_700_000_000 + n} +0000\ndata 2\nx\n{parent}"
            f"M 100644 inline src/{n % 50}/{n % 700}.py\ndata {len(text)}\n{text}\n"
        )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=project, input="".join(stream).encode(), check=True)
    git(project, "reset", "-q", "--hard")


def git(folder: Path, *words: str) -> str:
    """Runs git and gives what it prints."""
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def dvcx(folder: Path, *words: str) -> None:
    """Runs dvcx as a process, as people do."""
    subprocess.run([sys.executable, "-m", "dvcx", *words], cwd=folder, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
