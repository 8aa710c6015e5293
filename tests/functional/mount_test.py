"""A mounted revision, read by programs that know nothing of dvcx. Most of it needs FUSE, and says so without."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes.util import find_library
from pathlib import Path

import pytest

from tests.functional.arranging import use_store
from tests.project import Project, program

HAS_FUSE = (
    importlib.util.find_spec("mfusepy") is not None
    and bool(os.environ.get("FUSE_LIBRARY_PATH") or find_library("fuse3") or find_library("fuse"))
    and os.access("/dev/fuse", os.R_OK | os.W_OK)
)
needs_fuse = pytest.mark.skipif(not HAS_FUSE, reason="FUSE is not here: the package fuse3, mfusepy and /dev/fuse")


@contextmanager
def mounted(project: Project, *words: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    folder.mkdir()
    command, pipe = program(["mount", *words, str(folder)]), subprocess.PIPE
    process = subprocess.Popen(command, cwd=project.path, stderr=pipe, stdout=pipe, text=True)
    try:
        for _ in range(200):
            if os.path.ismount(folder) or process.poll() is not None:
                break
            time.sleep(0.05)
        assert os.path.ismount(folder), process.communicate()[1]
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            subprocess.run(["umount", "--lazy", str(folder)], check=False)
            process.kill()
            process.wait()


@needs_fuse
@pytest.mark.libraries
def test_programs_read_a_revision_that_is_not_checked_out(project: Project, tmp_path: Path) -> None:
    use_store(project)
    project.write("data/run.sh", "#!/bin/sh\necho ran\n").chmod(0o755)
    project.write("data/a.txt", "one\n")
    (project.path / "data/link").symlink_to("a.txt")
    project.save({"data/big.bin": b"b" * 3_000_000, "data/sub/b": "two"}, "data", tag="v1")
    project.save({"data/a.txt": "changed\n"}, "data")
    project.dvcx("push", "--all-commits").ok()
    shutil.rmtree(project.own_folder / "cache")
    there = tmp_path / "v1"
    with mounted(project, "v1", folder=there) as process:
        assert sorted(os.listdir(there / "data")) == ["a.txt", "big.bin", "link", "run.sh", "sub"]
        assert (there / "data/a.txt").read_text() == "one\n" and (there / "data/link").read_text() == "one\n"
        assert (there / "data/big.bin").read_bytes() == b"b" * 3_000_000
        assert subprocess.run([there / "data/run.sh"], capture_output=True, text=True).stdout == "ran\n"
        assert subprocess.run(["grep", "-rc", "two", there / "data/sub"], capture_output=True, text=True).stdout == (
            f"{there}/data/sub/b:1\n"
        )
        with pytest.raises(FileNotFoundError):
            (there / "data/nothing").read_text()
        for write in (lambda: (there / "new").write_text(""), lambda: (there / "data/a.txt").unlink()):
            with pytest.raises(OSError):
                write()
    assert process.returncode == 0 and not os.path.ismount(there)
    assert "mounted 5 files" in (process.stderr.read() if process.stderr else "")


@needs_fuse
@pytest.mark.libraries
def test_what_is_missing_is_an_input_output_error_that_is_told(project: Project, tmp_path: Path) -> None:
    project.save({"data/a": "one", "data/b": b"b" * 100_000}, "data", tag="v1")
    shutil.rmtree(project.own_folder / "cache/loose")
    with mounted(project, "v1", folder=tmp_path / "v1") as process:
        assert (tmp_path / "v1/data/a").read_text() == "one"
        with pytest.raises(OSError, match="Input/output error"):
            (tmp_path / "v1/data/b").read_bytes()
    assert "data/b could not be read" in (process.stderr.read() if process.stderr else "")


def test_what_cannot_be_mounted_is_told(project: Project, tmp_path: Path) -> None:
    project.save({"a": "one"}, "a", tag="v1")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").write_text("")
    for folder in ("full", "nothing"):
        run = project.dvcx("mount", "v1", str(tmp_path / folder))
        assert run.code in (1, 2) and "hint: " in run.err
    assert project.dvcx("mount", "v9", str(tmp_path)).code == 2
