from __future__ import annotations

import io
import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import dvcx
from dvcx.cli.render.document import plain
from dvcx.storage.folder_bucket import FolderBucket
from tests.api.conftest import drop_cache, far_away
from tests.project import Project

MIB = 1 << 20


@pytest.fixture
def read_from_remote(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Collects how many bytes each request took from a folder remote."""
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

    monkeypatch.setattr(FolderBucket, "read", read)
    monkeypatch.setattr(FolderBucket, "read_range", read_range)
    yield sizes


def big_file(project: Project, size: int) -> bytes:
    data = random.Random(1).randbytes(size)
    project.save({"big.bin": data}, "big.bin")
    return data


def test_every_revision_can_be_read_and_without_one_what_is_in_the_workspace(project: Project) -> None:
    project.save({"data/a.txt": "one\n"}, "data", tag="v1")
    project.save({"data/a.txt": "two\n"}, "data", tag="v2")
    project.write("data/a.txt", "edited\n")
    assert dvcx.read("data/a.txt", project.path, "v1") == b"one\n"
    assert dvcx.read("data/a.txt", project.path, "v2", mode="r") == "two\n"
    assert dvcx.read("data/a.txt", project.path) == b"edited\n"
    assert dvcx.read(Path("data") / "a.txt", repo=str(project.path / "data"), rev="HEAD~1") == b"one\n"


def test_an_absolute_path_says_in_which_project_it_is(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.save({"data/sub/a.txt": "one\n"}, "data", tag="v1")
    path = project.path / "data/sub/a.txt"
    monkeypatch.chdir("/")
    path.write_text("edited\n")
    assert dvcx.read(path) == b"edited\n" and dvcx.read(path, rev="v1") == b"one\n"
    (tmp_path / "way").symlink_to(project.path / "data")
    assert dvcx.read(tmp_path / "way/sub/a.txt", rev="v1") == b"one\n"
    path.unlink()
    path.parent.rmdir()
    assert dvcx.read(path, rev="v1") == b"one\n", "also when its folder is not here"
    assert dvcx.get_url(path, rev="v1").startswith("dvcx://data/sub/a.txt?repo=")
    with pytest.raises(dvcx.DvcxError):
        dvcx.read(tmp_path / "elsewhere", project.path)


def test_a_file_is_pythons_own_kind_of_file(project: Project) -> None:
    project.save({"data/a.csv": "x,y\n1,2\n"}, "data")
    with dvcx.open("data/a.csv", project.path, "HEAD") as file:
        assert (file.size, file.name, file.readable(), file.seekable(), file.writable()) == (
            *(8, "data/a.csv"),
            *(True, True, False),
        )
        assert file.seek(-4, io.SEEK_END) == 4 and file.read() == b"1,2\n"
        assert file.seek(1) == 1 and file.read(1) == b"," and file.tell() == 2
        assert file.seek(100) == 100 and file.read() == b""
        with pytest.raises(OSError):
            file.seek(-1)
    assert file.closed
    with pytest.raises(ValueError):
        file.read()
    with dvcx.open("data/a.csv", project.path, "HEAD", "r") as text:
        assert [line.rstrip() for line in text] == ["x,y", "1,2"]


def test_what_git_tracks_can_be_read_too(project: Project) -> None:
    project.commit({"params.yaml": "lr: 1\n"})
    project.git("tag", "v1")
    project.commit({"params.yaml": "lr: 2\n"})
    assert dvcx.read("params.yaml", project.path, "v1") == b"lr: 1\n"
    assert dvcx.read("params.yaml", project.path) == b"lr: 2\n"
    for hostile in (".git/config", "../outside", ".dvcx/../../x", "data/../.git/config"):
        with pytest.raises(dvcx.DvcxError):
            dvcx.read(hostile, project.path)


def test_what_is_not_there_is_an_error_of_dvcx_and_of_python(project: Project) -> None:
    project.save({"data/a.txt": "one\n"}, "data")
    with pytest.raises(FileNotFoundError) as caught:
        dvcx.open("data/b.txt", project.path)
    assert isinstance(caught.value, dvcx.NoSuchFile) and isinstance(caught.value, dvcx.UsageError)
    assert "data/b.txt is not in the tracked folder data in the workspace" in str(caught.value)
    assert caught.value.hint == f"see what is there: `dvcx ls {project.path}`"
    with pytest.raises(FileNotFoundError, match=r"date/b\.txt is not tracked in [0-9a-f]+"):
        dvcx.open("date/b.txt", project.path, "HEAD")
    with pytest.raises(dvcx.UsageError, match="is a folder"):
        dvcx.open("data", project.path)
    with pytest.raises(dvcx.UsageError, match="only reads"):
        dvcx.open("data/a.txt", project.path, mode="wb")  # type: ignore[call-overload]
    with pytest.raises(dvcx.DvcxError, match="is a folder, but no dvcx project"):
        dvcx.open("data/a.txt", project.path.parent)


def test_data_that_is_nowhere_is_missing_not_absent(project: Project) -> None:
    project.save({"a.txt": "one\n"}, "a.txt")
    drop_cache(project)
    with pytest.raises(dvcx.MissingData) as caught:
        dvcx.read("a.txt", project.path, "HEAD")
    assert not isinstance(caught.value, FileNotFoundError) and "push" in (caught.value.hint or "")


def test_damaged_data_is_never_given(project: Project) -> None:
    project.save({"a.bin": b"x" * 200_000, "small": "s"}, "a.bin", "small")
    (loose,) = (project.own_folder / "cache/loose").glob("*/??/*")
    loose.chmod(0o644)
    loose.write_bytes(b"x" * 199_999 + b"y")
    with pytest.raises(dvcx.DamagedData, match=r"a\.bin"):
        dvcx.read("a.bin", project.path, "HEAD")


def test_a_remote_object_is_read_by_its_chunks_and_verified(project: Project, read_from_remote: list[int]) -> None:
    data = big_file(project, 24 * MIB)
    far_away(project)
    read_from_remote.clear()
    with dvcx.open("big.bin", project.path, "HEAD") as file:
        file.seek(12 * MIB)
        assert file.read(MIB) == data[12 * MIB : 13 * MIB]
    assert sum(read_from_remote) < 4 * MIB, "only the chunks that a read touches"
    assert not (project.own_folder / "cache/loose").exists(), "and nothing is kept"
    with dvcx.open("big.bin", project.path, "HEAD") as file:
        assert file.read() == data


def test_reading_in_order_reads_ahead(project: Project, read_from_remote: list[int]) -> None:
    data = big_file(project, 24 * MIB)
    far_away(project)
    read_from_remote.clear()
    with dvcx.open("big.bin", project.path, "HEAD") as file:
        parts = [file.read(64 << 10), file.read(64 << 10)]
        assert sum(read_from_remote) < 8 * MIB, "what is read ahead grows with what was read, and has a limit"
        while part := file.read(64 << 10):
            parts.append(part)
    assert b"".join(parts) == data
    assert len(read_from_remote) < 24, f"{len(read_from_remote)} requests for 384 reads"


def test_what_was_fetched_can_be_kept(project: Project, read_from_remote: list[int]) -> None:
    data = big_file(project, 8 * MIB)
    project.save({"small.txt": "s"}, "small.txt")
    far_away(project)
    assert dvcx.read("big.bin", project.path, "HEAD", keep=True) == data
    assert dvcx.read("small.txt", project.path, "HEAD", keep=True) == b"s"
    code = (
        "import sys, dvcx; from pathlib import Path\n"
        "assert dvcx.read('big.bin', sys.argv[1], 'HEAD') == Path(sys.argv[2]).read_bytes()"
    )
    (project.path.parent / "want").write_bytes(data)
    for pack in (project.path.parent / "store/packs").glob("*/*"):
        if pack.stat().st_size > MIB:
            with open(pack, "r+b") as file:
                file.truncate(64 << 10)  # the chunks are not there any more; the recipe was kept as well
    subprocess.run([sys.executable, "-c", code, str(project.path), str(project.path.parent / "want")], check=True)


def test_a_chunk_that_is_damaged_on_the_remote_is_not_given(project: Project) -> None:
    big_file(project, 4 * MIB)
    far_away(project)
    for pack in (project.path.parent / "store/packs").glob("*/*"):
        data = bytearray(pack.read_bytes())
        if len(data) > MIB:
            data[len(data) // 2] ^= 1
            pack.write_bytes(data)
    with pytest.raises(dvcx.DamagedData):
        dvcx.read("big.bin", project.path, "HEAD")


def test_many_threads_read_one_project_at_once(project: Project, tmp_path: Path) -> None:
    files = {f"data/{number}.bin": random.Random(number).randbytes(1000 * number) for number in range(1, 40)}
    big = random.Random(0).randbytes(3 * MIB)
    project.save({**files, "data/big": big}, "data", tag="v1")
    far_away(project)
    here = os.getcwd()

    def read(number: int) -> bool:
        name = f"data/{number % 39 + 1}.bin"
        with dvcx.open("data/big", project.path, "v1") as file:
            file.seek(number * 7919)
            part = file.read(1000)
        return dvcx.read(name, project.path, "v1") == files[name] and part == big[number * 7919 :][:1000]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(80)))
    assert os.getcwd() == here


def test_one_file_can_be_shared_by_threads(project: Project) -> None:
    data = big_file(project, 4 * MIB)
    far_away(project)
    lock = threading.Lock()
    with dvcx.open("big.bin", project.path, "HEAD") as file:

        def read(at: int) -> bool:
            with lock:
                file.seek(at)
                return file.read(5000) == data[at : at + 5000]

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(read, range(0, 4 * MIB - 5000, 37_111)))


def test_a_repository_elsewhere_is_read_from_its_remote(project: Project, tmp_path: Path) -> None:
    project.save({"data/a.txt": "one\n", "data/b.bin": b"b" * 2_000_000}, "data", tag="v1")
    project.save({"data/a.txt": "two\n"}, "data")
    project.git("config", "uploadpack.allowFilter", "true")
    project.dvcx("push", "--all-commits").ok()
    url = f"file://{project.path}"
    assert dvcx.read("data/a.txt", url) == b"two\n"
    assert dvcx.read("data/a.txt", url, "v1") == b"one\n"
    assert dvcx.read("data/b.bin", url, "v1") == b"b" * 2_000_000
    listing = dvcx.ls("data", url, "v1")
    assert [each.path for each in listing.entries] == ["data/a.txt", "data/b.bin"]
    assert dvcx.read(".dvcxignore", url) is not None


def test_a_listing_is_what_the_command_prints(project: Project) -> None:
    project.save({"data/a.txt": "one\n", "data/sub/b": "b"}, "data", tag="v1")
    assert plain(dvcx.ls(repo=project.path, rev="v1", recursive=True)) == project.json("ls", "-R", "--rev", "v1")
    assert plain(dvcx.ls("data", project.path)) == project.json("ls", "data")
    with pytest.raises(dvcx.UsageError):
        dvcx.ls("nothing", project.path)


def test_a_url_means_the_same_content_for_ever(project: Project) -> None:
    import fsspec

    project.save({"data/a?b=c.txt": "one\n"}, "data")
    url = dvcx.get_url("data/a?b=c.txt", project.path, "HEAD")
    project.save({"data/a?b=c.txt": "two\n"}, "data")
    with fsspec.open(url) as file:
        assert file.read() == b"one\n"
    with pytest.raises(FileNotFoundError):
        dvcx.get_url("data/nothing", project.path, "HEAD")


def test_importing_dvcx_loads_nothing_else() -> None:
    code = (
        "import sys; before = set(sys.modules); import dvcx; dvcx.__version__; dir(dvcx)\n"
        "print(sorted(name for name in set(sys.modules) - before if not name.startswith('_')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['dvcx']"
    with pytest.raises(AttributeError):
        dvcx.nothing  # noqa: B018


def test_what_python_offers_to_complete_is_what_is_public() -> None:
    assert dir(dvcx) == sorted(dvcx.__all__)
    assert all(hasattr(dvcx, name) for name in dvcx.__all__)


def test_reading_from_python_prints_nothing(project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    project.save({"a.txt": "one\n"}, "a.txt")
    far_away(project)
    dvcx.read("a.txt", project.path, "HEAD")
    with pytest.raises(dvcx.DvcxError):
        dvcx.read("b.txt", project.path)
    assert capfd.readouterr() == ("", "")
