"""Measures what dvcx costs inside Git: hooks at a checkout, merges of large folders, looking through long histories.

python benchmarks/git_side.py                     # about two minutes; needs dvcx in this Python, and Git
python benchmarks/git_side.py --scale-down 20     # a quick try

Everything is made in a temporary folder: histories by `git fast-import`, trees straight into the cache, so that 10,000
commits take seconds. The times are those of whole processes, the best and the median of a few runs.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dvcx.formats.pointer_text import print_pointer
from dvcx.formats.table import Role
from dvcx.manifest.trees import TreeEditor
from dvcx.model.ids import Kind, ObjectId
from dvcx.model.pointer import Pointer
from dvcx.model.tree import TreeEntry, file_entry, make_tree
from dvcx.repo.open import open_repo
from dvcx.repo.record import Repo, open_cache, tree_loader

DVCX = [str(Path(sys.executable).with_name("dvcx"))]
_SECOND = 1_700_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs everything and prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale-down", type=int, default=1, metavar="N", help="a N-th of the commits and files")
    parser.add_argument("--runs", type=int, default=5, metavar="N")
    options = parser.parse_args(arguments)
    rows: list[tuple[str, float, float]] = []
    with tempfile.TemporaryDirectory(prefix="dvcx-git-side-") as folder:
        top = Path(folder)
        os.environ |= _environment(top)
        rows += hooks(top / "hooks", 20_000 // options.scale_down, options.runs)
        rows += merges(top / "merges", 100_000 // options.scale_down, options.runs)
        rows += histories(top / "histories", 10_000 // options.scale_down, options.runs)
    print("| what | best, s | median, s |\n|---|---:|---:|")
    for name, best, median in rows:
        print(f"| {name} | {best:.2f} | {median:.2f} |")
    return 0


def hooks(path: Path, files: int, runs: int) -> Iterator[tuple[str, float, float]]:
    """A checkout of a branch with the same data, without and with hooks; and one that changes a single file."""
    new_project(path)
    for number in range(files):
        file = path / "data" / f"{number % 100:02}" / f"{number}.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(hashlib.sha256(str(number).encode()).digest() * 8)
    run(path, *DVCX, "add", "-q", "data")
    commit(path, "data")
    run(path, "git", "branch", "same")
    run(path, "git", "checkout", "-q", "-b", "other")
    (path / "data/00/0.bin").write_bytes(b"other")
    run(path, *DVCX, "add", "-q", "data")
    commit(path, "other")
    run(path, "git", "checkout", "-q", "main")
    run(path, *DVCX, "checkout", "-q")
    (path / "code.py").write_text("1")
    commit(path, "code")

    def back_and_forth(other: str) -> Callable[[], None]:
        def act() -> None:
            for branch in (other, "main"):
                run(path, "git", "checkout", "-q", branch)

        return act

    yield measured(
        f"two `git checkout` of branches with the same {files:,} files, no hooks", back_and_forth("same"), runs
    )
    number = iter(range(1000))

    def daily() -> None:
        """Ten times what is typed all day: a file is edited, looked at, staged and committed."""
        for _ in range(10):
            (path / "code.py").write_text(f"{next(number)}\n")
            for words in (["status"], ["add", "code.py"], ["commit", "-q", "--no-verify", "-m", "code"]):
                run(path, "git", *words)

    def reset() -> None:
        run(path, "git", "reset", "-q", "--hard")

    yield measured("ten times `git status`, `add`, `commit --no-verify`, no hooks", daily, runs)
    yield measured("`git reset --hard` with nothing to do, no hooks", reset, runs)
    run(path, *DVCX, "install", "-q")
    yield measured("ten times `git status`, `add`, `commit --no-verify`, with hooks", daily, runs)
    yield measured("`git reset --hard` with nothing to do, with hooks", reset, runs)
    yield measured("two `git checkout` of branches with the same files, with hooks", back_and_forth("same"), runs)
    yield measured("two `git checkout` that change one of the files, with hooks", back_and_forth("other"), runs)
    merge = path / ".git/dvcx/launch"
    yield measured(
        "post-checkout when it is not known what changed, nothing to do",
        lambda: run(path, str(merge), "__git", "hook", "post-merge", "0"),
        runs,
    )


def merges(path: Path, files: int, runs: int) -> Iterator[tuple[str, float, float]]:
    """The merge of two folders that differ from their ancestor in 100 files each, with their folders flat and deep."""
    for shape, width in (("in one folder", files), ("in folders of 100", 100)):
        repo = new_project(path / shape.replace(" ", "-"))
        names = [f"{number // width:04}/{number:06}.bin" for number in range(files)]
        sides = [
            store(repo, {name: _digest(name, "") for name in names}),
            store(
                repo, {name: _digest(name, "ours" if at % (files // 100) == 0 else "") for at, name in enumerate(names)}
            ),
            store(
                repo,
                {name: _digest(name, "theirs" if at % (files // 100) == 1 else "") for at, name in enumerate(names)},
            ),
        ]
        texts = [repo.root / name for name in ("base", "ours", "theirs")]

        def act(repo: Repo = repo, texts: list[Path] = texts, sides: list[Pointer] = sides) -> None:
            for text, side in zip(texts, sides, strict=True):
                text.write_text(print_pointer(side))
            run(repo.root, str(repo.root / ".git/dvcx/launch"), "__git", "merge", *map(str, texts), "7", "data.dvcx")

        yield measured(f"three-way merge of {files:,} files {shape}, 100 changed on each side", act, runs)
        for text, side in zip(texts[:2], sides[:2], strict=True):
            text.write_text(print_pointer(side))
        yield measured(
            f"`git diff` driver (textconv) for {files:,} files {shape}, one version",
            lambda repo=repo, text=texts[0]: run(
                repo.root, str(repo.root / ".git/dvcx/launch"), "__git", "textconv", str(text)
            ),
            runs,
        )


def histories(path: Path, commits: int, runs: int) -> Iterator[tuple[str, float, float]]:
    """Looking at a folder of 1,000 files one of which changes in each of 10,000 commits."""
    repo = new_project(path)
    editor, digests = _editor(repo), {f"{n // 50:02}/{n:04}.bin": _digest(str(n), "") for n in range(1000)}
    root = folder_of(editor, digests)
    names = sorted(digests)
    stream = []
    with keeping(repo, editor) as keep:
        for number in range(commits):
            name = names[number % len(names)]
            entry = file_entry(name.rpartition("/")[2], _digest(name, str(number)), number, executable=False)
            root = editor.replace(root, tuple(name.split("/")), entry)
            keep(root)
            text = print_pointer(pointer_of(root)).encode()
            message = f"commit {number}".encode()
            start = f"from {head(repo)}\n" if number == 0 else ""
            stream.append(
                b"commit refs/heads/main\n"
                + f"committer Ada <ada@example.org> {_SECOND + number} +0000\ndata {len(message)}\n".encode()
                + message
                + b"\n"
                + start.encode()
                + f"M 644 inline data.dvcx\ndata {len(text)}\n".encode()
                + text
                + b"\n"
            )
    run(path, "git", "fast-import", "--quiet", stdin=b"".join(stream))
    run(path, "git", "reset", "-q", "--hard", "main")
    middle = f"HEAD~{commits // 2}"
    for words in (
        ("log", "-n", "20", "data"),
        ("log", "data"),
        ("log", f"data/{names[3]}"),
        ("ls", "-R", "--rev", middle, "data"),
        ("blame", "data"),
        ("blame", f"data/{names[3]}"),
        ("diff", middle, "HEAD"),
    ):
        shown = " ".join(words).replace(middle, "HEAD~N")
        yield measured(f"`dvcx {shown}` in {commits:,} commits", lambda words=words: run(path, *DVCX, *words), runs)


def store(repo: Repo, digests: dict[str, bytes]) -> Pointer:
    """Puts the trees of a folder with these files into the cache."""
    editor = _editor(repo)
    root = folder_of(editor, digests)
    with keeping(repo, editor) as keep:
        keep(root)
    return pointer_of(root)


@contextmanager
def keeping(repo: Repo, editor: TreeEditor) -> Iterator[Callable[[TreeEntry], None]]:
    """Gives a function that stores the trees of a folder which were not stored before."""
    cache = open_cache(repo)
    known: set[bytes] = set()
    with cache.writer() as writer:

        def keep(entry: TreeEntry) -> None:
            for digest, data in editor.made_below(entry):
                if digest not in known:
                    known.add(digest)
                    writer.put(Role.TREE, digest, data)

        yield keep
    cache.close()


def folder_of(editor: TreeEditor, digests: dict[str, bytes]) -> TreeEntry:
    """Gives the entry of the folder `data` with files of 1,000 bytes in folders."""
    folders: dict[str, list[TreeEntry]] = {}
    for name, digest in digests.items():
        folder, _, file = name.rpartition("/")
        folders.setdefault(folder, []).append(file_entry(file, digest, 1000))
    return editor.keep("data", make_tree(editor.keep(name, make_tree(inner)) for name, inner in folders.items()))


def pointer_of(root: TreeEntry) -> Pointer:
    """Gives the pointer to a folder."""
    return Pointer("data", ObjectId("blake3", root.digest, Kind.TREE), root.size, root.files)


def measured(name: str, act: Callable[[], object], runs: int) -> tuple[str, float, float]:
    """Gives the best and the median time of `act`, after one run that does not count."""
    act()
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        act()
        times.append(time.perf_counter() - began)
    print(f"{min(times):7.3f} s  {name}", file=sys.stderr)
    return name, min(times), statistics.median(times)


def new_project(path: Path) -> Repo:
    """Makes a project with one commit."""
    path.mkdir(parents=True)
    run(path, "git", "init", "-q")
    run(path, *DVCX, "init", "-q")
    commit(path, "start")
    return open_repo(path, {})


def commit(path: Path, message: str) -> None:
    """Commits everything."""
    run(path, "git", "add", "--all")
    run(path, "git", "commit", "-q", "-m", message)


def head(repo: Repo) -> str:
    """Gives the id of the commit at HEAD."""
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=repo.root, capture_output=True, text=True, check=True
    ).stdout.strip()


def run(path: Path, *words: str, stdin: bytes = b"") -> None:
    """Runs a program and throws its output away; fails when it does."""
    done = subprocess.run(words, cwd=path, input=stdin, capture_output=True, check=False)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(words)}: {done.stderr.decode(errors='replace')}")


def _editor(repo: Repo) -> TreeEditor:
    return TreeEditor(repo.algorithm, tree_loader(open_cache(repo)))


def _digest(name: str, version: str) -> bytes:
    return hashlib.sha256(f"{name} {version}".encode()).digest()


def _environment(top: Path) -> dict[str, str]:
    config = top / "gitconfig"
    config.write_text("[user]\nname = Ada\nemail = ada@example.org\n[init]\ndefaultBranch = main\n[gc]\nauto = 0\n")
    shutil.rmtree(top / "home", ignore_errors=True)
    (top / "home").mkdir()
    return {"HOME": str(top / "home"), "GIT_CONFIG_GLOBAL": str(config), "GIT_CONFIG_NOSYSTEM": "1"}


if __name__ == "__main__":
    sys.exit(main())
