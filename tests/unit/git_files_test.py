from __future__ import annotations

from pathlib import Path

import pytest

from dvcx.git.files import (
    MODE_EXECUTABLE,
    MODE_FILE,
    MODE_LINK,
    IgnoreRule,
    IndexFile,
    TreeFile,
    ignored,
    ignoring_rules,
    is_dvcx_name,
    is_tracked,
    list_index,
    list_pointer_files,
    list_tree,
    tracked_below,
)
from dvcx.git.location import GitLocation, find_git
from dvcx.git.process import GitFailed
from tests.git_repository import GitRepository

ODD = [
    "a b.dvcx",
    "new\nline/tab\t.dvcx",
    "ünïcode/日本.dvcx",
    '"quoted".dvcx',
    "-n.dvcx",
    ":(top)x.dvcx",
    "l" * 200 + ".dvcx",
]


def located(repo: GitRepository) -> GitLocation:
    location = find_git(repo.path)
    assert location is not None
    return location


def test_names_that_dvcx_reads_are_told_from_others() -> None:
    assert all(map(is_dvcx_name, ["a.dvcx", "x/y.dvcx", "dvcx.yaml", "x/dvcx.lock", ".dvcxignore"]))
    assert not any(map(is_dvcx_name, [".dvcx", "x/.dvcx", "advcx", "mydvcx.yaml", "a.dvcx/b", ".dvcx/config.toml"]))


def test_a_commit_lists_what_dvcx_reads_and_nothing_else(git_repo: GitRepository) -> None:
    git_repo.commit({"a.dvcx": "1", "b.txt": "", "sub/dvcx.lock": "2", "sub/mydvcx.lock": "", ".dvcx/config.toml": ""})
    git_repo.write("run.dvcx", "3").chmod(0o755)
    (git_repo.path / "link.dvcx").symlink_to("a.dvcx")
    commit = git_repo.commit()
    expected = [
        ("a.dvcx", MODE_FILE),
        ("link.dvcx", MODE_LINK),
        ("run.dvcx", MODE_EXECUTABLE),
        ("sub/dvcx.lock", MODE_FILE),
    ]
    assert list_tree(located(git_repo), commit) == [
        TreeFile(path, mode, git_repo.blob(f"HEAD:{path}")) for path, mode in expected
    ]


def test_odd_names_come_through_every_listing(git_repo: GitRepository) -> None:
    commit = git_repo.commit(dict.fromkeys(ODD, ""))
    location = located(git_repo)
    assert sorted(file.path for file in list_tree(location, commit)) == sorted(ODD)
    assert sorted(file.path for file in list_index(location)) == sorted(ODD)
    assert list_pointer_files(location) == sorted(ODD)
    assert is_tracked(location, [*ODD, "no"]) == set(ODD)
    assert ignored(location, ODD) == set()


def test_names_that_are_no_utf8_come_through(git_repo: GitRepository) -> None:
    name = b"b\xffd.dvcx".decode(errors="surrogateescape")
    commit = git_repo.commit({name: ""})
    location = located(git_repo)
    assert [file.path for file in list_tree(location, commit)] == [name]
    assert list_pointer_files(location) == [name]


@pytest.mark.parametrize("folder", ["sub", "s*", "[ab]", "back\\slash", "sp ace"])
def test_listings_can_be_kept_to_a_folder_with_any_name(git_repo: GitRepository, folder: str) -> None:
    inside = [f"{folder}/a.dvcx", f"{folder}/deep/b.dvcx"]
    commit = git_repo.commit(dict.fromkeys([*inside, "subx/c.dvcx", "a/d.dvcx", "e.dvcx"], ""))
    location = located(git_repo)
    assert [file.path for file in list_tree(location, commit, folder)] == inside
    assert [file.path for file in list_index(location, under=folder)] == inside
    assert list_pointer_files(location, folder) == inside
    assert tracked_below(location, [folder]) == {folder: inside}


def test_listings_do_not_depend_on_the_folder_of_the_process(
    git_repo: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = git_repo.commit({"a.dvcx": "", "sub/b.dvcx": ""})
    monkeypatch.chdir(git_repo.path / "sub")
    location = located(git_repo)
    both = ["a.dvcx", "sub/b.dvcx"]
    assert [file.path for file in list_tree(location, commit)] == both
    assert [file.path for file in list_index(location)] == both
    assert list_pointer_files(location) == both


def test_a_conflict_in_the_index_shows_its_three_sides(git_repo: GitRepository) -> None:
    git_repo.commit({"a.dvcx": "base"})
    git_repo.git("checkout", "-q", "-b", "side")
    git_repo.commit({"a.dvcx": "theirs"})
    git_repo.git("checkout", "-q", "main")
    git_repo.commit({"a.dvcx": "ours"})
    git_repo.git("merge", "side", check=False)
    location = located(git_repo)
    sides = ["HEAD~1:a.dvcx", "HEAD:a.dvcx", "side:a.dvcx"]
    assert list_index(location) == [
        IndexFile("a.dvcx", MODE_FILE, git_repo.blob(name), stage) for stage, name in enumerate(sides, start=1)
    ]
    assert list_pointer_files(location) == ["a.dvcx"]


def test_pointer_files_are_those_on_disk_tracked_or_new_but_not_ignored(
    git_repo: GitRepository, tmp_path: Path
) -> None:
    git_repo.commit({"kept.dvcx": "", "deleted.dvcx": ""})
    git_repo.commit({".gitignore": "/build\n/kept.dvcx\n"})
    (git_repo.path / "deleted.dvcx").unlink()
    for name in ("new.dvcx", "build/x.dvcx", "other/.dvcx", "folder.dvcx/file", "data.dvcx.txt"):
        git_repo.write(name)
    GitRepository.create(git_repo.path / "nested").commit({"theirs.dvcx": ""})
    (git_repo.path / "link").symlink_to(tmp_path)
    assert list_pointer_files(located(git_repo)) == ["kept.dvcx", "new.dvcx"]


def test_tracked_files_are_found_by_name_not_by_pattern(git_repo: GitRepository) -> None:
    git_repo.commit({"a": "", "data/x": "", "data/y": "", "data2/z": ""})
    location = located(git_repo)
    assert is_tracked(location, ["a", "data", "data/x", "d*", "data/new", "."]) == {"a", "data/x"}
    assert is_tracked(location, [f"no{number}" for number in range(100)] + ["data/y"]) == {"data/y"}
    assert is_tracked(location, []) == set()
    found = {"data": ["data/x", "data/y"], "data/x": ["data/x"]}
    assert tracked_below(location, ["data", "data/x", "*", "new"]) == found
    assert tracked_below(location, [f"no{number}" for number in range(100)] + ["data2"]) == {"data2": ["data2/z"]}


def test_ignored_paths_come_with_the_rule_that_ignores_them(git_repo: GitRepository) -> None:
    git_repo.commit({".gitignore": "# mine\n*.dvcx\n!good.dvcx\n/folder/\n", "sub/.gitignore": "x\n"})
    git_repo.write("tracked.dvcx")
    git_repo.git("add", "-f", "tracked.dvcx")
    (git_repo.path / "folder").mkdir()
    location = located(git_repo)
    asked = ["bad.dvcx", "good.dvcx", "tracked.dvcx", "folder/a\nb", "sub/x", "plain", "sub/ü.dvcx"]
    assert ignoring_rules(location, asked) == {
        "bad.dvcx": IgnoreRule(".gitignore", 2, "*.dvcx"),
        "folder/a\nb": IgnoreRule(".gitignore", 4, "/folder/"),
        "sub/x": IgnoreRule("sub/.gitignore", 1, "x"),
        "sub/ü.dvcx": IgnoreRule(".gitignore", 2, "*.dvcx"),
    }
    assert ignored(location, asked) == {"bad.dvcx", "folder/a\nb", "sub/x", "sub/ü.dvcx"}
    assert ignored(location, []) == set()


@pytest.mark.parametrize("name", [":", ":x", ":(top)x", ":!x", "*", "a\\b"])
def test_names_that_look_like_pathspecs_are_names(git_repo: GitRepository, name: str) -> None:
    git_repo.commit({name: "", "other": ""})
    git_repo.write(".gitignore", "/" + "".join("\\" + letter if letter in "*\\" else letter for letter in name) + "\n")
    location = located(git_repo)
    assert ignored(location, [name, "other", "new"]) == set()  # tracked
    assert is_tracked(location, [name, "new"]) == {name}
    assert tracked_below(location, [name]) == {name: [name]}
    git_repo.git("--literal-pathspecs", "rm", "-q", "--cached", name)
    assert ignored(location, [name, "other", "new"]) == {name}


def test_asking_about_a_path_outside_of_the_work_tree_is_an_error(git_repo: GitRepository) -> None:
    with pytest.raises(GitFailed, match="outside repository"):
        ignored(located(git_repo), ["../x"])
