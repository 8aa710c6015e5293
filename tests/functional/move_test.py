from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.functional.arranging import configure, use_store
from tests.project import Project
from tests.sudden_end import kill_at_every_step


def is_clean(project: Project) -> bool:
    return project.dvcx("status", "--exit-code").code == 0


def restored(project: Project, *tops: str) -> dict[str, bytes]:
    """Gives what a checkout makes of nothing: what the pointers and the cache say, not what lies here."""
    project.commit()
    for top in tops:
        project.git("clean", "-fdxq", "--", top)
    project.dvcx("checkout").ok()
    return {
        name: data
        for name, data in project.files().items()
        if name.startswith(tops) and not name.endswith((".dvcx", ".gitignore"))
    }


def test_a_file_is_renamed_with_its_pointer_and_ignore_line(project: Project) -> None:
    project.save({"model": "m"})
    result = project.json("move", "model", "best")
    assert (result["source"], result["target"], result["data"]) == ("model", "best", "moved")
    assert result["changed_files"] == [".gitignore", "best.dvcx", "model.dvcx"]
    assert project.read(".gitignore") == b"/best\n"
    assert not (project.path / "model").exists()
    assert not (project.path / "model.dvcx").exists()
    assert is_clean(project)
    assert restored(project, "best") == {"best": b"m"}


def test_a_folder_moves_into_a_new_folder_and_its_unsaved_work_with_it(project: Project) -> None:
    project.save({"data/a": "one", "data/deep/b": "two"})
    project.write("data/deep/unsaved", "nobody has this")
    project.dvcx("move", "data", "new/place/data2").ok()
    assert project.read("new/place/data2/deep/unsaved") == b"nobody has this"
    assert project.read("new/place/.gitignore") == b"/data2\n"
    assert not (project.path / ".gitignore").exists()
    (output,) = project.json("status")["outputs"]
    assert [change["path"] for change in output["changes"]] == ["new/place/data2/deep/unsaved"]


def test_into_a_folder_that_exists_as_mv_does(project: Project) -> None:
    project.save({"model": "m", "data/a": "one"})
    (project.path / "shelf").mkdir()
    assert project.json("move", "model", "shelf/")["target"] == "shelf/model"
    assert project.json("move", "data", "shelf")["target"] == "shelf/data"
    assert is_clean(project)
    assert restored(project, "shelf") == {"shelf/model": b"m", "shelf/data/a": b"one"}


def test_into_a_tracked_folder_that_is_not_here(project: Project) -> None:
    project.save({"model": "m", "data/a": "one", "data/deep/b": "two"})
    shutil.rmtree(project.path / "data")
    (project.path / "model").unlink()
    assert project.json("move", "model", "data/deep")["target"] == "data/deep/model"
    assert project.json("move", "data/a", "data/deep")["target"] == "data/deep/a"
    assert restored(project, "data") == {"data/deep/a": b"one", "data/deep/b": b"two", "data/deep/model": b"m"}


def test_what_was_left_out_of_a_checkout_is_not_taken_for_deleted_after_a_move(project: Project) -> None:
    project.save({"data/a": "one", "data/deep/b": "two", "data/deep/c": "three"})
    for words in (["data", "d2"], ["data/deep", "data/e"], ["data/deep", "e"], ["data/deep/b", "data/b"]):
        shutil.rmtree(project.path / "data", ignore_errors=True)
        project.dvcx("checkout", "data/deep/b").ok()
        project.dvcx("move", *words).ok()
        assert is_clean(project), words
        project.dvcx("undo").ok()
        project.git("clean", "-fdxq")


def test_within_a_tracked_folder(project: Project) -> None:
    project.save({"data/a": "one", "data/deep/b": "two"})
    project.dvcx("move", "data/a", "data/deep").ok()
    project.dvcx("move", "data/deep/b", "data/new/c").ok()
    assert is_clean(project)
    assert restored(project, "data") == {"data/deep/a": b"one", "data/new/c": b"two"}


def test_out_of_a_tracked_folder_it_is_tracked_on_its_own(project: Project) -> None:
    project.save({"data/a": "one", "data/deep/b": "two", "data/run": "#!"})
    (project.path / "data/run").chmod(0o755)
    project.dvcx("commit").ok()
    project.dvcx("move", "data/deep", "deep2").ok()
    project.dvcx("move", "data/run", "run").ok()
    assert is_clean(project)
    assert project.read(".gitignore") == b"/data\n/deep2\n/run\n"
    assert restored(project, "data", "deep2", "run") == {"data/a": b"one", "deep2/b": b"two", "run": b"#!"}
    assert os.access(project.path / "run", os.X_OK)


def test_into_a_tracked_folder_its_own_pointer_goes(project: Project) -> None:
    project.save({"data/a": "one", "more/b": "two", "model": "m"})
    project.dvcx("move", "more", "data").ok()
    project.dvcx("move", "model", "data/m2").ok()
    assert is_clean(project)
    assert [name for name in project.files() if name.endswith(".dvcx")] == ["data.dvcx"]
    assert project.read(".gitignore") == b"/data\n"
    assert restored(project, "data") == {"data/a": b"one", "data/more/b": b"two", "data/m2": b"m"}


def test_between_tracked_folders(project: Project) -> None:
    project.save({"one/a": "1", "one/deep/b": "2", "two/c": "3"})
    project.dvcx("move", "one/deep", "two/d").ok()
    assert is_clean(project)
    assert restored(project, "one", "two") == {"one/a": b"1", "two/c": b"3", "two/d/b": b"2"}


def test_one_undo_takes_back_data_pointers_and_new_folders(project: Project) -> None:
    project.save({"data/a": "one", "data/deep/b": "two", "model": "m"})
    before = project.files()
    for words in (["model", "new/place/m"], ["data/deep", "else/where"], ["model", "data/x/y"], ["data", "d"]):
        project.dvcx("move", *words).ok()
        assert project.files() != before
        project.dvcx("undo").ok()
        assert project.files() == before, words
        assert is_clean(project)
        assert sorted(os.listdir(project.path)) == sorted(
            [".git", ".dvcx", ".gitattributes", ".gitignore", ".dvcxignore", "data", "data.dvcx", "model", "model.dvcx"]
        )


def test_what_is_not_here_moves_in_the_pointers_alone(project: Project) -> None:
    use_store(project)
    project.save({"data/a": "one", "data/deep/b": "two", "model": "m", "other/x": "3"})
    project.dvcx("push").ok()
    clone = project.clone(project.path.parent / "clone")
    assert clone.json("move", "model", "new/best")["data"] == "absent"
    assert clone.json("move", "other", "o2")["data"] == "absent"
    clone.dvcx("fetch", "data/a").ok()
    assert clone.json("move", "data/a", "data/z")["data"] == "absent"
    assert clone.json("move", "data/deep", "deep2")["data"] == "absent"
    assert not (clone.path / "data").exists()
    clone.dvcx("pull").ok()
    assert {name: data for name, data in clone.files().items() if ".dvcx" not in name and ".git" not in name} == {
        "data/z": b"one", "deep2/b": b"two", "new/best": b"m", "o2/x": b"3"
    }  # fmt: skip


def test_what_stands_at_the_target_needs_force_and_goes_to_the_trash(project: Project) -> None:
    project.save({"model": "m", "tracked": "t", "data/a": "one", "data/b": "two"})
    project.write("loose", "nobody has this")
    before = project.files()
    for words in (
        ["model", "tracked"],
        ["model", "loose"],
        ["data/a", "data/b"],
        ["model", "data/b"],
        ["data/a", "loose"],
    ):
        run = project.dvcx("move", *words)
        assert (run.code, "--force" in run.err) == (6, True), words
        assert project.files() == before
        assert project.json("move", "--force", *words)["replaced"] is True
        assert is_clean(project)
        project.dvcx("undo").ok()
        assert project.files() == before, words


def test_a_target_that_is_tracked_and_not_here_needs_force_too(project: Project) -> None:
    project.save({"model": "m", "other": "o"})
    (project.path / "other").unlink()
    assert project.dvcx("move", "model", "other").code == 6
    project.dvcx("move", "--force", "model", "other").ok()
    assert project.read("other") == b"m"
    assert is_clean(project)


def test_moves_that_cannot_be_change_nothing(project: Project) -> None:
    project.save({"data/a": "one", "data/deep/b": "two", "model": "m", "sub/x": "3"}, "data", "model", "sub/x")
    project.write("data/new", "n")
    project.write("file", "f")
    project.commit(message="file")
    project.write(".dvcxignore", "*.tmp\n")
    before = project.files()
    for words, code in {
        ("nothing", "x"): 2,
        ("data/new", "x"): 2,
        ("data/no/such", "x"): 2,
        ("model", "model"): 2,
        ("data", "data/deep"): 2,
        ("data", "data/deep/x"): 2,
        ("sub", "elsewhere"): 2,
        ("model", "file/x"): 2,
        ("model", "data/a/x"): 2,
        ("model", "../outside"): 2,
        ("model", ".git/hooks/x"): 6,
        ("model", "data/x.tmp"): 6,
        ("model", "x.tmp"): 6,
        ("model", "new\nline"): 6,
        ("model", "file"): 6,
        ("--force", "model", "file"): 6,
        ("--force", "data/deep/b", "data/deep"): 2,
    }.items():
        run = project.dvcx("move", *words)
        assert (run.code, bool(run.err)) == (code, True), (words, run)
        assert project.files() == before, words


def test_nothing_goes_through_a_symbolic_link(project: Project, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    project.save({"model": "m"})
    (project.path / "way").symlink_to(outside)
    assert project.dvcx("move", "model", "way/x").code == 6
    assert project.dvcx("move", "--force", "model", "way").code == 0  # the link itself is replaced, not followed
    assert list(outside.iterdir()) == []
    assert project.read("way") == b"m"


def test_links_stay_inside_their_folder_or_the_move_is_refused(project: Project) -> None:
    project.write("data/a", "one")
    project.write("data/deep/b", "two")
    (project.path / "data/deep/link").symlink_to("../a")
    (project.path / "data/deep/near").symlink_to("b")
    project.dvcx("add", "data").ok()
    before = project.files()
    for words in (["data/deep", "out"], ["data/deep/link", "data/link"], ["data/deep/near", "near"]):
        run = project.dvcx("move", *words)
        assert (run.code, "symbolic link" in run.err) == (6, True), words
        assert project.files() == before
    project.dvcx("move", "data/deep", "data/new").ok()
    assert is_clean(project)
    assert os.readlink(project.path / "data/new/link") == "../a"


def test_notes_stay_with_a_pointer_and_are_named_when_they_are_lost(project: Project) -> None:
    project.write("model", "m")
    project.dvcx("add", "--desc", "the best one", "model").ok()
    project.add({"data/a": "one"})
    assert project.json("move", "model", "m2")["notes_lost"] is False
    assert b"the best one" in project.read("m2.dvcx")
    assert project.json("move", "m2", "data/m2")["notes_lost"] is True


def test_names_that_systems_cannot_keep_apart_are_refused_inside_a_folder(project: Project) -> None:
    project.save({"data/Read": "one", "model": "m"})
    assert project.dvcx("move", "model", "data/READ").code == 6
    assert project.read("model") == b"m"


def test_links_into_the_cache_move_as_they_are(project: Project) -> None:
    configure(project, '[cache]\ntype = ["symlink"]\n')
    project.save({"big": b"x" * 100_000})
    project.dvcx("move", "big", "deep/big").ok()
    assert os.path.islink(project.path / "deep/big")
    assert project.read("deep/big") == b"x" * 100_000
    assert is_clean(project)


def test_what_was_moved_is_not_hashed_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.save({"data/a": "one", "model": "m"})
    for path in ("data/a", "model"):
        os.utime(project.path / path, ns=(10**18, 10**18))
    project.dvcx("move", "model", "m0").ok()
    project.dvcx("status").ok()
    import time

    time.sleep(0.05)
    project.dvcx("status").ok()
    project.dvcx("move", "data", "d2").ok()
    project.dvcx("move", "m0", "m2").ok()
    monkeypatch.setattr("dvcx.workspace.scan.read_file", None)  # any hashing fails
    assert is_clean(project)


def test_it_works_without_git_and_in_a_project_in_a_subfolder(plain_project: Project, project: Project) -> None:
    plain_project.add({"data/a": "one", "model": "m"})
    plain_project.dvcx("move", "model", "data").ok()
    plain_project.dvcx("move", "data", "d").ok()
    assert plain_project.files("d") == {"a": b"one", "model": b"m"}
    assert is_clean(plain_project)

    (project.path / "sub").mkdir()
    project.dvcx("init", "--subdir", cwd="sub").ok()
    project.write("sub/model", "m")
    project.dvcx("add", "model", cwd="sub").ok()
    project.dvcx("move", "model", "in/m", cwd="sub").ok()
    assert project.read("sub/in/.gitignore") == b"/m\n"
    assert project.dvcx("status", "--exit-code", cwd="sub").code == 0


def test_data_that_was_moved_by_hand_gets_its_pointers_moved_after_it(project: Project) -> None:
    project.save({"data/a": "one"})
    (project.path / "data").rename(project.path / "d2")
    project.dvcx("move", "data", "d2").ok()
    assert is_clean(project)
    assert restored(project, "d2") == {"d2/a": b"one"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["data", "new/d"], id="whole"),
        pytest.param(["data/deep", "data/e"], id="within"),
        pytest.param(["data/deep", "e"], id="out"),
        pytest.param(["model", "data/m"], id="in"),
        pytest.param(["data/deep", "two/e"], id="between"),
    ],
)
def test_killed_anywhere_the_same_command_finishes_it(tmp_path: Path, words: list[str], stride: int) -> None:
    template = tmp_path / "template"
    project = Project.make(template / "project")
    project.save({"data/a": "one", "data/deep/b": "two", "two/c": "three", "model": "m"})
    project.write("data/deep/unsaved", "nobody has this")
    project.write("model", "edited, not saved")
    shutil.copytree(template, tmp_path / "done", symlinks=True)
    done = Project(tmp_path / "done/project")
    done.dvcx("move", *words).ok()
    wanted = done.files()

    def arrange(place: Path) -> None:
        shutil.copytree(template, place, symlinks=True, dirs_exist_ok=True)

    def move(place: Path) -> None:
        assert Project(place / "project").dvcx("move", *words).code == 0

    def check(place: Path) -> None:
        project = Project(place / "project")
        again = project.dvcx("move", *words)
        assert again.code == 0 or (again.code == 2 and "not tracked" in again.err), again
        assert project.files() == wanted

    assert kill_at_every_step(tmp_path / "runs", arrange, move, check, stride=stride) > 10


def test_of_a_folder_that_was_never_fetched_the_listing_comes_from_the_remote(project: Project, tmp_path: Path) -> None:
    use_store(project)
    project.save({"data/a": "one", "data/b": "two", "data/c": "three"})
    project.dvcx("push").ok()
    clone = project.clone(tmp_path / "clone")
    clone.dvcx("move", "data/a", "data/moved").ok()
    clone.dvcx("remove", "data/b").ok()
    listed = [entry["path"] for entry in clone.json("ls", "-R", "data")["entries"]]
    assert listed == ["data/c", "data/moved"]
    lonely = project.clone(tmp_path / "lonely")
    (tmp_path / "store").rename(tmp_path / "gone")
    for words in (["move", "data/a", "data/x"], ["remove", "data/b"]):
        assert lonely.dvcx(*words).code in (4, 5), words
