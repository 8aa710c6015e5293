from __future__ import annotations

import json
import os
from pathlib import Path

import fsspec
import pytest

from tests.functional.arranging import loose_files, use_store
from tests.project import Project

NAME = ".dvcx-export.json"
FILES = {"data/a.csv": "one", "data/deep/b.csv": "two", "model.bin": "weights"}


@pytest.fixture
def saved(project: Project) -> Project:
    """A project with two revisions, v1 and v2, that differ in one file changed, one added and one removed."""
    project.save(FILES, tag="v1")
    (project.path / "data/deep/b.csv").unlink()
    project.save({"data/a.csv": "one and more", "data/c.csv": "three"}, "data", tag="v2")
    return project


V1 = {path: text.encode() for path, text in FILES.items()}
V2 = {"data/a.csv": b"one and more", "data/c.csv": b"three", "model.bin": b"weights"}


def tree(place: Path) -> dict[str, bytes]:
    found = (path for path in place.rglob("*") if path.is_file() and path.name != NAME)
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in found}


def far(url: str) -> dict[str, bytes]:
    store, root = fsspec.core.url_to_fs(url)
    return {
        path.removeprefix(root).strip("/"): store.cat_file(path) for path in store.find(root) if not path.endswith(NAME)
    }


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "place"


def test_a_revision_is_written_as_plain_files(saved: Project, place: Path) -> None:
    done = saved.json("export", "v1", str(place))
    assert tree(place) == V1
    assert (done["written"], done["size"], done["unchanged"]) == (sorted(V1), 13, 0)
    assert {path.name for path in place.iterdir()} == {"data", "model.bin", NAME}
    assert saved.read("data/a.csv") == b"one and more", "the workspace stays as it is"


def test_only_what_changed_is_written_again(saved: Project, place: Path) -> None:
    saved.dvcx("export", "v1", str(place)).ok()
    before = (place / "model.bin").stat()
    done = saved.json("export", "v2", str(place), "--delete")
    assert (done["written"], done["deleted"], done["unchanged"]) == (
        ["data/a.csv", "data/c.csv"],
        ["data/deep/b.csv"],
        1,
    )
    assert tree(place) == V2
    after = (place / "model.bin").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert not (place / "data/deep").exists(), "an empty folder goes with its last file"
    manifest = (place / NAME).stat().st_ino
    again = saved.dvcx("export", "v2", str(place), "--delete").ok()
    assert "has v2 already: 3 files" in again.out
    assert (place / NAME).stat().st_ino == manifest, "nothing at all is written"


def test_without_delete_older_files_stay_and_are_named(saved: Project, place: Path) -> None:
    saved.dvcx("export", "v1", str(place)).ok()
    run = saved.dvcx("export", "v2", str(place)).ok()
    assert "until `--delete`: 1 file: data/deep/b.csv" in run.err
    assert tree(place) == {**V2, "data/deep/b.csv": b"two"}
    saved.dvcx("export", "v2", str(place), "--delete").ok()
    assert tree(place) == V2, "they are remembered as the export's own"


def test_on_a_store_it_is_the_same(saved: Project, tmp_path: Path) -> None:
    url = f"memory://{tmp_path}/shared"
    saved.dvcx("export", "v1", url).ok()
    assert far(url) == V1
    done = saved.json("export", "v2", url, "--delete")
    assert (done["written"], done["deleted"]) == (["data/a.csv", "data/c.csv"], ["data/deep/b.csv"])
    assert far(url) == V2
    assert saved.json("export", "v2", url)["written"] == []


def test_dry_run_tells_and_writes_nothing(saved: Project, place: Path) -> None:
    run = saved.dvcx("export", "v1", str(place), "--dry-run").ok()
    assert [line for line in run.lines if line.startswith("write")] == [f"write   {path}" for path in sorted(V1)]
    assert not place.exists()
    saved.dvcx("export", "v1", str(place)).ok()
    before = tree(place)
    run = saved.dvcx("export", "v2", str(place), "--delete", "-n").ok()
    assert "delete  data/deep/b.csv" in run.lines and "1 file to delete" in run.out
    assert tree(place) == before


def test_foreign_files_are_never_touched(saved: Project, place: Path) -> None:
    place.mkdir()
    (place / "README.txt").write_text("ours")
    (place / "data").mkdir()
    (place / "data/notes.txt").write_text("ours")
    saved.dvcx("export", "v1", str(place)).ok()
    saved.dvcx("export", "v2", str(place), "--delete").ok()
    assert tree(place) == {**V2, "README.txt": b"ours", "data/notes.txt": b"ours"}


@pytest.mark.parametrize("foreign", ["data/a.csv", "data", "model.bin/part"])
def test_a_foreign_file_where_an_exported_one_would_go_stops_it(saved: Project, place: Path, foreign: str) -> None:
    (place / foreign).parent.mkdir(parents=True)
    (place / foreign).write_text("somebody's own")
    run = saved.dvcx("export", "v1", str(place))
    assert run.code == 6 and "no export wrote" in run.err and foreign in run.err
    assert tree(place) == {foreign: b"somebody's own"} and not (place / NAME).exists()


def test_files_that_are_right_already_are_taken_over(saved: Project, place: Path) -> None:
    saved.dvcx("export", "v1", str(place)).ok()
    (place / NAME).unlink()
    done = saved.json("export", "v1", str(place))
    assert (done["written"], done["unchanged"]) == ([], 3)
    (place / NAME).unlink()
    (place / "model.bin").write_bytes(b"w3ights")
    assert saved.dvcx("export", "v1", str(place)).code == 6


def test_a_file_that_somebody_changed_there_is_not_deleted(saved: Project, place: Path) -> None:
    saved.dvcx("export", "v1", str(place)).ok()
    (place / "data/deep/b.csv").write_text("two, with my notes")
    run = saved.dvcx("export", "v2", str(place), "--delete").ok()
    assert "somebody changed them there: data/deep/b.csv" in run.err
    assert tree(place)["data/deep/b.csv"] == b"two, with my notes"
    again = saved.dvcx("export", "v2", str(place), "--delete").ok()
    assert "data/deep/b.csv" not in again.err, "it is a foreign file from now on"


def test_what_is_gone_or_cut_off_there_is_written_again(saved: Project, place: Path) -> None:
    saved.dvcx("export", "v1", str(place)).ok()
    (place / "model.bin").unlink()
    (place / "data/a.csv").write_text("on")
    done = saved.json("export", "v1", str(place))
    assert done["written"] == ["data/a.csv", "model.bin"] and tree(place) == V1


def test_verify_reads_everything_and_mends_it(saved: Project, place: Path) -> None:
    saved.dvcx("export", "v1", str(place)).ok()
    (place / "model.bin").write_bytes(b"w3ights")
    assert saved.json("export", "v1", str(place))["written"] == [], "same size: only reading shows it"
    run = saved.dvcx("export", "v1", str(place), "--verify", "--json").ok()
    assert run.json["wrong"] == run.json["written"] == ["model.bin"]
    assert tree(place) == V1
    assert saved.json("export", "v1", str(place), "--verify")["wrong"] == []


def test_targets_limit_it_and_leave_the_rest_alone(saved: Project, place: Path) -> None:
    saved.dvcx("export", "v1", str(place)).ok()
    done = saved.json("export", "v2", str(place), "--targets", "data/c.csv", "--delete")
    assert (done["written"], done["deleted"]) == (["data/c.csv"], [])
    assert tree(place) == {**V1, "data/c.csv": b"three"}
    done = saved.json("export", "v2", str(place), "--targets", "data", "--delete")
    assert (done["written"], done["deleted"]) == (["data/a.csv"], ["data/deep/b.csv"])
    assert tree(place) == V2


def test_a_file_can_become_a_folder_and_the_other_way_round(project: Project, place: Path) -> None:
    project.save({"data/x": "file"}, "data", tag="one")
    (project.path / "data/x").unlink()
    project.save({"data/x/y": "inner"}, "data", tag="two")
    for revision, files in (
        ("one", {"data/x": b"file"}),
        ("two", {"data/x/y": b"inner"}),
        ("one", {"data/x": b"file"}),
    ):
        project.dvcx("export", revision, str(place)).ok()
        assert tree(place) == files


def test_executables_and_links_come_over_as_far_as_they_can(project: Project, place: Path) -> None:
    project.write("data/run.sh", "#!/bin/sh\n")
    (project.path / "data/run.sh").chmod(0o755)
    project.write("data/real/x", "content")
    (project.path / "data/latest").symlink_to("real/x")
    (project.path / "data/folder").symlink_to("real")
    (project.path / "data/real/itself").symlink_to("../real")
    (project.path / "data/real/again").symlink_to("x")
    (project.path / "data/outside").symlink_to("nowhere")
    (project.path / "data/nothing/at all").mkdir(parents=True)
    project.dvcx("add", "data").ok()
    project.commit()
    run = project.dvcx("export", "HEAD", str(place)).ok()
    assert os.access(place / "data/run.sh", os.X_OK) and not os.access(place / "data/real/x", os.X_OK)
    assert (place / "data/latest").read_text() == "content" and not (place / "data/latest").is_symlink()
    assert (place / "data/folder/x").read_text() == (place / "data/folder/again").read_text() == "content"
    assert not (place / "data/folder").is_symlink() and not (place / "data/nothing").exists()
    done = project.json("export", "HEAD", str(place))
    assert sorted(done["links"]) == ["data/folder/itself", "data/outside", "data/real/itself"]
    assert done["empty"] == ["data/nothing/at all"]
    assert "left out: data/folder/itself" in run.err and "left out: data/nothing/at all" in run.err
    (project.path / "data/run.sh").chmod(0o644)
    project.dvcx("add", "data").ok()
    project.commit()
    assert project.json("export", "HEAD", str(place))["written"] == ["data/run.sh"]
    assert not os.access(place / "data/run.sh", os.X_OK)


@pytest.mark.parametrize("where", ["{folder}/place", "memory://{folder}/place", "remote://store/place"])
def test_import_url_takes_an_exported_tree_and_not_its_notes(saved: Project, tmp_path: Path, where: str) -> None:
    url = where.format(folder=tmp_path)
    other = Project.make(tmp_path / "other")
    for project in (saved, other):
        project.dvcx("remote", "add", "store", str(tmp_path / "store")).ok()
    saved.dvcx("export", "v1", url).ok()
    other.dvcx("import-url", url, "taken").ok()
    assert other.files("taken") == V1
    saved.dvcx("export", "v2", url, "--delete").ok()
    other.dvcx("update", "taken").ok()
    assert other.files("taken") == V2


def test_large_files_and_many_small_ones_are_whole(project: Project, place: Path, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {f"data/{n:03}.txt": f"{n}" * n for n in range(300)}
    files["data/big.bin"] = os.urandom(3 << 20)
    files["data/same.bin"] = files["data/big.bin"]
    project.save(files, "data")
    assert len(loose_files(project)) == 1
    for url in (str(place), f"memory://{tmp_path}/big"):
        project.dvcx("export", "HEAD", url).ok()
        found = tree(place) if url == str(place) else far(url)
        assert found == {name: data if isinstance(data, bytes) else data.encode() for name, data in files.items()}


def test_what_is_not_in_the_cache_is_fetched(saved: Project, place: Path, tmp_path: Path) -> None:
    use_store(saved)
    saved.dvcx("push", "--all-commits", "-r", "store").ok()
    clone = saved.clone(tmp_path / "clone")
    clone.dvcx("export", "v1", str(place)).ok()
    assert tree(place) == V1
    assert "data" not in {path.name for path in clone.path.iterdir()}


def test_data_that_is_nowhere_is_named_and_the_rest_exported(saved: Project, place: Path, tmp_path: Path) -> None:
    saved.dvcx("export", "v1", str(place)).ok()
    clone = saved.clone(tmp_path / "clone")
    run = clone.dvcx("export", "v2", str(tmp_path / "other"))
    assert run.code == 4
    use_store(saved)
    saved.dvcx("push", "data", "-r", "store").ok()
    clone.git("pull", "--quiet")
    run = clone.dvcx("export", "v2", str(place))
    assert run.code == 0, "model.bin is there already"
    run = clone.dvcx("export", "v2", str(tmp_path / "third"))
    assert run.code == 4 and "model.bin" in run.err
    assert tree(tmp_path / "third") == {path: data for path, data in V2.items() if path != "model.bin"}


def test_damaged_data_in_the_cache_is_not_exported(project: Project, place: Path) -> None:
    project.save({"data/big.bin": os.urandom(1 << 20), "data/a": "x"}, "data")
    (loose,) = loose_files(project)
    loose.chmod(0o644)
    with loose.open("r+b") as file:
        file.write(b"damage")
    run = project.dvcx("export", "HEAD", str(place))
    assert run.code == 3 and "data/big.bin" in run.err
    assert tree(place) == {"data/a": b"x"}
    assert list(json.loads((place / NAME).read_text())["files"]) == ["data/a"]


def test_a_killed_export_is_gone_on_with(saved: Project, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dvcx.storage.export_folder import FolderTarget

    saved.dvcx("export", "v1", str(place)).ok()
    put = FolderTarget.put

    def failing(self: FolderTarget, path: str, data: bytes, *, executable: bool) -> None:
        if path == "data/c.csv":
            raise KeyboardInterrupt
        put(self, path, data, executable=executable)

    with monkeypatch.context() as patched:
        patched.setattr(FolderTarget, "put", failing)
        assert saved.dvcx("export", "v2", str(place), "--delete", "-j", "1").code == 130
    assert json.loads((place / NAME).read_text())["begun"] == ["data/a.csv", "data/c.csv", "data/deep/b.csv"]
    saved.dvcx("export", "v2", str(place), "--delete").ok()
    assert tree(place) == V2 and json.loads((place / NAME).read_text())["begun"] == []


def test_nothing_is_written_through_a_link_or_out_of_the_place(saved: Project, place: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    place.mkdir()
    (place / "data").symlink_to(outside)
    run = saved.dvcx("export", "v1", str(place))
    assert run.code == 6 and list(outside.iterdir()) == []
    (place / "data").unlink()
    saved.dvcx("export", "v1", str(place)).ok()
    (outside / "victim").write_text("mine")
    text = (place / NAME).read_text()
    for hostile in ("../outside/victim", "/etc/passwd", ".git/config", "a//b"):
        manifest = json.loads(text)
        manifest["files"][hostile] = ["00" * 32, 4, False]
        (place / NAME).write_text(json.dumps(manifest))
        run = saved.dvcx("export", "v2", str(place), "--delete")
        assert run.code == 6 and "somebody changed it" in run.err
    assert (outside / "victim").read_text() == "mine" and tree(place) == V1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 9}', "\0" * 100])
def test_a_manifest_that_cannot_be_read_stops_it(saved: Project, place: Path, text: str) -> None:
    saved.dvcx("export", "v1", str(place)).ok()
    (place / NAME).write_text(text)
    run = saved.dvcx("export", "v2", str(place), "--delete")
    assert run.code == 3 and NAME not in tree(place) and tree(place) == V1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("nothing", "/tmp/x"), 2, "nothing"),
        (("v1", "."), 6, "lies in the project"),
        (("v1", "data/inside"), 6, "lies in the project"),
        (("v1", ".."), 6, "lies in the project"),
        (("v1", "model.bin"), 6, "lies in the project"),
        (("v1", "s4://bucket/x"), 2, "s3://"),
        (("v1", "remote://store/"), 2, "the remote's own files"),
        (("v1", "remote://store/packs"), 2, "the remote's own files"),
        (("v1", "remote://store/x/../packs"), 2, "the remote's own files"),
        (("v1", "remote://nobody/x"), 2, "no remote called nobody"),
        (("v1", "../out", "--targets", "nowhere"), 2, "nowhere"),
    ],
)
def test_mistakes_are_told(saved: Project, words: tuple[str, ...], code: int, said: str) -> None:
    use_store(saved)
    run = saved.dvcx("export", *words)
    assert run.code == code and said in run.err, run.err


def test_a_place_below_a_remote_and_never_the_remote_itself(saved: Project) -> None:
    store = use_store(saved)
    saved.dvcx("push", "-r", "store").ok()
    saved.dvcx("export", "v1", "remote://store/public/v1").ok()
    assert tree(store / "public/v1") == V1
    run = saved.dvcx("export", "v1", str(store))
    assert run.code == 6 and "is a dvcx remote" in run.err
    saved.dvcx("fsck", "--remote", "store").ok()
    saved.dvcx("gc", "--remote", "store", "--yes").ok()
    assert tree(store / "public/v1") == V1
    saved.dvcx("remote", "modify", "store", "encrypt", "sodium").ok()
    assert saved.dvcx("export", "v1", "remote://store/public/v2").code == 6


def test_an_unwritable_place_is_a_clear_error(saved: Project, place: Path) -> None:
    place.write_text("a file")
    assert saved.dvcx("export", "v1", str(place)).code == 2
