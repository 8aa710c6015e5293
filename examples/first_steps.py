"""The main job of dvcx on a small data set, from nothing to a clone on "another machine", each step shown and checked.

Run it with the Python that dvcx is installed in: `.venv/bin/python examples/first_steps.py`. It works in a temporary
folder with a HOME of its own and leaves nothing behind; `--keep DIR` works in DIR and leaves everything there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

SEED = 20_260_101
PHOTOS = 200
MODEL_BYTES = 8 << 20


def main() -> int:
    """Runs all steps; gives 0, or 1 when something did not come back as it was."""
    parser = argparse.ArgumentParser(description="Shows the main job of dvcx on a small data set.")
    parser.add_argument("--keep", metavar="DIR", type=Path, help="work in this empty folder and leave everything there")
    keep: Path | None = parser.parse_args().keep
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        return Walk(keep.resolve()).all()
    with tempfile.TemporaryDirectory(prefix="dvcx-first-steps-") as folder:
        return Walk(Path(folder).resolve()).all()


class Walk:
    """The steps, in folders below `top`: `project`, the shared folder `store`, and `clone`."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.project = top / "project"
        self.store = top / "store"
        self.clone = top / "clone"
        (top / "home").mkdir(exist_ok=True)
        person = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _ADA.items()}
        foreign = ("GIT_", "DVCX_", "XDG_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        settings = {"HOME": str(top / "home"), "GIT_CONFIG_NOSYSTEM": "1"}
        self.environment = {**inherited, **person, **settings}

    def all(self) -> int:
        """Runs every step."""
        print("== a Git repository with a data set and a model in it")
        self.run(self.top, "git", "init", "--quiet", "--initial-branch=main", "project")
        make_data(self.project, random.Random(SEED))
        first = contents(self.project)

        print("\n== dvcx tracks them: small pointer files go into Git, the bytes do not")
        self.run(self.project, "dvcx", "init")
        self.run(self.project, "dvcx", "add", "data", "model.bin")
        self.run(self.project, "git", "add", "--all")
        self.run(self.project, "git", "commit", "--quiet", "-m", "first data")
        self.run(self.project, "git", "tag", "v1")

        print("\n== they go to a folder that others can reach")
        self.run(self.project, "dvcx", "remote", "add", "-d", "store", str(self.store))
        self.run(self.project, "git", "commit", "--quiet", "-am", "share the data through a folder")
        self.run(self.project, "dvcx", "push")

        print("\n== the data changes, and is saved again: only what is new travels")
        change_data(self.project, random.Random(SEED + 1))
        second = contents(self.project)
        self.run(self.project, "dvcx", "status")
        self.run(self.project, "dvcx", "add", "data", "model.bin")
        self.run(self.project, "git", "commit", "--quiet", "-am", "second data")
        self.run(self.project, "git", "tag", "v2")
        self.run(self.project, "dvcx", "push")

        print("\n== back to the data of v1")
        self.run(self.project, "git", "checkout", "--quiet", "v1")
        self.run(self.project, "dvcx", "checkout")
        good = check("the data of v1 is back", contents(self.project), first)

        print("\n== someone else clones and pulls")
        self.run(self.top, "git", "clone", "--quiet", "--branch", "main", str(self.project), "clone")
        self.run(self.clone, "dvcx", "pull")
        good &= check("the clone has the data of v2", contents(self.clone), second)
        self.run(self.clone, "dvcx", "status", "--exit-code")

        print("\nall is as it should be" if good else "\nsomething is NOT as it should be")
        return 0 if good else 1

    def run(self, folder: Path, *words: str) -> None:
        """Shows a command and runs it in `folder`; a failure ends the program."""
        shown = shlex.join(word.replace(str(self.top), "..") for word in words)
        print(f"{folder.name}$ {shown}", flush=True)
        command = [sys.executable, "-m", "dvcx", *words[1:]] if words[0] == "dvcx" else list(words)
        done = subprocess.run(command, cwd=folder, env=self.environment, check=False)
        if done.returncode != 0:
            sys.exit(f"`{shown}` ended with exit code {done.returncode}")


def make_data(project: Path, chance: random.Random) -> None:
    """Makes `data`: small pictures (random bytes) with their labels; and `model.bin`, one larger file."""
    photos = project / "data" / "photos"
    photos.mkdir(parents=True)
    for number in range(PHOTOS):
        (photos / f"{number:04}.raw").write_bytes(chance.randbytes(chance.randrange(2_000, 12_000)))
    labels = {f"{number:04}.raw": chance.choice(["cat", "dog", "owl"]) for number in range(PHOTOS)}
    (project / "data" / "labels.json").write_text(json.dumps(labels, indent=1) + "\n")
    (project / "data" / "to do").mkdir()
    (project / "model.bin").write_bytes(chance.randbytes(MODEL_BYTES))


def change_data(project: Path, chance: random.Random) -> None:
    """Edits, adds, deletes and renames a few files, and inserts some bytes in the middle of the model."""
    photos = project / "data" / "photos"
    (photos / "0003.raw").write_bytes(chance.randbytes(5_000))
    (photos / "new.raw").write_bytes(chance.randbytes(7_000))
    (photos / "0007.raw").unlink()
    (photos / "0011.raw").rename(photos / "owl.raw")
    model = (project / "model.bin").read_bytes()
    middle = len(model) // 2
    (project / "model.bin").write_bytes(model[:middle] + chance.randbytes(1_000) + model[middle:])


def contents(project: Path) -> dict[str, str]:
    """Gives the digest of every data file by its path; folders have "folder", so that empty ones count too."""
    found = [project / "model.bin", *sorted((project / "data").rglob("*"))]
    return {
        path.relative_to(project).as_posix(): "folder"
        if path.is_dir()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in found
        if path.exists()
    }


def check(what: str, found: dict[str, str], expected: dict[str, str]) -> bool:
    """Tells whether both are the same, and says so."""
    same = found == expected
    print(f"   {'ok' if same else 'WRONG'}: {what} ({len(expected)} paths compared)", flush=True)
    return same


_ADA = {"NAME": "Ada", "EMAIL": "ada@example.org"}

if __name__ == "__main__":
    sys.exit(main())
