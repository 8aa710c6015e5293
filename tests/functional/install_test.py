from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from select import select

import pytest

from tests.functional.arranging import use_store
from tests.project import Project

HOOKS = {
    *("post-checkout", "post-merge", "post-rewrite", "post-commit", "post-index-change"),
    *("pre-commit", "pre-push"),
}


def installed(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.endswith(".sample")}


def two_versions(project: Project) -> None:
    """Tags v1 and v2, which have other files in `data`."""
    project.save({"data/a": "1", "data/b": "1"}, tag="v1")
    (project.path / "data/b").unlink()
    project.save({"data/a": "2", "data/c": "2"}, "data", tag="v2")


def git(project: Project, *words: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs git as a person does, and gives what it says whether it fails or not."""
    return subprocess.run(
        ["git", *words],
        cwd=project.path,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,  # without a terminal nobody can be asked
    )


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_a_checkout_restores_the_data_of_the_revision(project: Project) -> None:
    two_versions(project)
    run = project.dvcx("install").ok()
    assert {line.split()[1] for line in run.lines} == HOOKS
    done = git(project, "checkout", "v1")
    assert (done.returncode, project.files("data")) == (0, {"a": b"1", "b": b"1"})
    git(project, "checkout", "v2")
    assert project.files("data") == {"a": b"2", "c": b"2"}
    git(project, "checkout", "v1", "--", "data.dvcx")
    assert project.files("data") == {"a": b"1", "b": b"1"}


def test_data_that_a_revision_does_not_track_leaves_and_comes_back(project: Project) -> None:
    project.git("tag", "v0")
    two_versions(project)
    project.dvcx("install").ok()
    git(project, "checkout", "v0")
    assert not (project.path / "data").exists()
    git(project, "checkout", "v2")
    assert project.files("data") == {"a": b"2", "c": b"2"}


def test_the_environment_need_not_be_active_and_nothing_is_taken_from_the_folder(project: Project) -> None:
    two_versions(project)
    project.dvcx("install").ok()
    for name in ("dvcx.py", "typer.py", "sitecustomize.py", "blake3.py"):
        project.write(name, "raise SystemExit('code of the repository was run')")
    done = git(project, "checkout", "v1", environment={"PATH": "/usr/bin:/bin"})
    assert (done.returncode, project.files("data")) == (0, {"a": b"1", "b": b"1"})


def test_a_merge_and_a_rebase_restore_data(project: Project) -> None:
    project.save({"data/a": "1"})
    project.dvcx("install").ok()
    project.git("checkout", "--quiet", "-b", "other")
    project.save({"data/b": "2"}, "data")
    git(project, "checkout", "main")
    project.save({"data/c": "3"}, "data")
    assert git(project, "merge", "other", "-m", "merged").returncode == 0
    assert sorted(project.files("data")) == ["a", "b", "c"]
    git(project, "reset", "--hard", "HEAD^1")
    git(project, "checkout", "other")
    assert git(project, "rebase", "main").returncode == 0
    assert sorted(project.files("data")) == ["a", "b", "c"]


def test_changes_that_nobody_saved_stay_and_the_other_data_follows(project: Project) -> None:
    project.save({"data/a": "1", "more": "1"}, tag="v1")
    project.save({"data/a": "2", "more": "2"}, tag="v2")
    project.dvcx("install").ok()
    project.write("data/a", "precious")
    done = git(project, "checkout", "v1")
    assert done.returncode == 1 and "data/a" in done.stderr
    assert "`dvcx checkout --force data` replaces them, and `dvcx undo` brings them back" in done.stderr
    assert "go back with `git checkout -` and keep them there with `dvcx add data`" in done.stderr
    assert (project.read("data/a"), project.read("more")) == (b"precious", b"1")


def test_what_is_told_about_changes_that_nobody_saved_works(project: Project) -> None:
    project.save({"data/a": "1", "data/b": "1"}, tag="v1")
    project.save({"data/a": "2"}, "data", tag="v2")
    project.dvcx("install").ok()
    project.write("data/b", "precious")
    assert git(project, "checkout", "v1").returncode == 1
    project.dvcx("checkout", "--force", "data").ok()
    assert project.files("data") == {"a": b"1", "b": b"1"}
    project.dvcx("undo").ok()
    assert project.read("data/b") == b"precious"
    project.dvcx("checkout", "--force").ok()
    git(project, "checkout", "v2")
    project.write("data/b", "precious too")
    assert git(project, "checkout", "v1").returncode == 1
    assert git(project, "checkout", "-").returncode == 0
    project.dvcx("add", "data").ok()
    assert project.files("data") == {"a": b"2", "b": b"precious too"}
    assert [each["path"] for each in project.json("diff", "v2")["changes"]] == ["data/b"]


def test_after_a_merge_nobody_is_sent_to_another_branch(project: Project) -> None:
    project.save({"data/a": "1", "data/b": "1"})
    project.git("checkout", "--quiet", "-b", "other")
    project.save({"data/a": "2"}, "data")
    project.git("checkout", "--quiet", "main")
    project.dvcx("checkout").ok()
    project.dvcx("install").ok()
    project.write("data/b", "precious")
    done = git(project, "merge", "other")
    assert done.returncode == 0 and "`dvcx checkout --force data`" in done.stderr  # git ignores what post-merge says
    assert "git checkout -" not in done.stderr and "go back to the commit" in done.stderr


def test_data_that_is_not_in_the_cache_is_told(project: Project, tmp_path: Path) -> None:
    use_store(project)
    two_versions(project)
    project.dvcx("push").ok()
    clone = project.clone(tmp_path / "clone")
    clone.dvcx("pull").ok()
    clone.dvcx("install").ok()
    done = git(clone, "checkout", "v1")
    assert done.returncode == 1 and "dvcx pull" in done.stderr


def test_hooks_that_are_there_are_kept_chained_and_given_back(project: Project) -> None:
    two_versions(project)
    hooks = project.path / ".git/hooks"
    script(hooks / "post-checkout", 'echo "mine $3" >> "$GIT_DIR/../seen"')
    script(hooks / "pre-commit", "exit 9")
    before = {path.name: path.read_bytes() for path in hooks.iterdir()}
    assert "chained" in project.dvcx("install").ok().out
    assert {line.split()[0] for line in project.dvcx("install").ok().lines} == {"unchanged"}
    git(project, "checkout", "v1", environment={"GIT_DIR": str(project.path / ".git")})
    assert project.read("seen") == b"mine 1\n" and "b" in project.files("data")
    assert git(project, "commit", "--allow-empty", "-m", "x").returncode == 1
    project.dvcx("install", "--uninstall").ok()
    assert {path.name: path.read_bytes() for path in hooks.iterdir()} == before
    assert project.git("config", "--local", "--get-regexp", "dvcx", check=False) == ""


def test_what_git_says_on_stdin_reaches_both_hooks(project: Project, tmp_path: Path) -> None:
    use_store(project)
    project.save({"data/a": "1"})
    script(project.path / ".git/hooks/pre-push", 'cat > "$GIT_DIR/../../seen"')
    project.dvcx("install").ok()
    project.git("init", "--quiet", "--bare", str(tmp_path / "bare.git"))
    done = git(project, "push", str(tmp_path / "bare.git"), "main", environment={"GIT_DIR": str(project.path / ".git")})
    assert done.returncode == 1 and "data" in done.stderr
    assert (tmp_path / "seen").read_text().startswith("refs/heads/main ")


def test_only_the_named_hooks_are_installed_and_taken_away(project: Project) -> None:
    project.dvcx("install", "--pre-push", "--post-merge").ok()
    assert installed(project.path / ".git/hooks") == {"pre-push", "post-merge"}
    project.dvcx("install", "--uninstall", "--pre-push").ok()
    assert installed(project.path / ".git/hooks") == {"post-merge"}
    assert "absent" in project.dvcx("install", "--uninstall", "--pre-push").ok().out


@pytest.mark.parametrize("value", ["my hooks", "{tmp}/shared hooks", "~/hooks"])
def test_the_folder_that_git_is_told_of_is_used(project: Project, tmp_path: Path, home: Path, value: str) -> None:
    two_versions(project)
    project.git("config", "core.hooksPath", value.format(tmp=tmp_path))
    run = project.dvcx("install").ok()
    assert installed(project.path / ".git/hooks") == set()
    assert ("lies outside" in run.err) == (value != "my hooks")
    git(project, "checkout", "v1")
    assert project.files("data") == {"a": b"1", "b": b"1"}
    if value != "my hooks":
        other = Project.create(tmp_path / "other")
        other.git("config", "core.hooksPath", value.format(tmp=tmp_path))
        other.commit({"x": "1"})
        done = git(other, "checkout", "-b", "new")
        assert (done.returncode, "dvcx" in done.stderr) == (0, False)


def test_hooks_that_are_switched_off_are_an_error(project: Project) -> None:
    project.git("config", "core.hooksPath", "/dev/null")
    run = project.dvcx("install")
    assert run.code == 1 and "core.hooksPath" in run.err and "--unset" in run.err


def test_a_folder_of_hooks_that_leads_out_by_a_link_is_refused(project: Project, tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    (project.path / "hooks").symlink_to(tmp_path / "victim")
    project.git("config", "core.hooksPath", "hooks")
    assert project.dvcx("install").code == 6
    assert list((tmp_path / "victim").iterdir()) == []


def test_worktrees_have_the_same_hooks_and_a_new_one_gets_its_data(project: Project, tmp_path: Path) -> None:
    two_versions(project)
    project.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "old"), "v2")
    old = Project(tmp_path / "old")
    old.dvcx("install").ok()
    assert installed(project.path / ".git/hooks") == HOOKS
    git(project, "worktree", "add", str(tmp_path / "new"), "v1")
    assert Project(tmp_path / "new").files("data") == {"a": b"1", "b": b"1"}
    git(old, "checkout", "v1")
    assert old.files("data") == {"a": b"1", "b": b"1"}


def test_a_submodule_has_hooks_of_its_own(project: Project, tmp_path: Path) -> None:
    two_versions(project)
    outer = Project.create(tmp_path / "outer")
    outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(project.path), "sub")
    sub = Project(outer.path / "sub")
    sub.dvcx("cache", "dir", str(project.own_folder / "cache"), "--local").ok()
    sub.dvcx("install").ok()
    assert installed(outer.path / ".git/hooks") == set()
    assert installed(outer.path / ".git/modules/sub/hooks") == HOOKS
    git(sub, "checkout", "v1")
    assert sub.files("data") == {"a": b"1", "b": b"1"}


def test_projects_in_folders_and_inside_each_other_all_follow(tmp_path: Path) -> None:
    top = Project.create(tmp_path / "top")
    for folder in ("", "in/ner"):
        (top.path / folder).mkdir(parents=True, exist_ok=True)
        top.dvcx("init", *(["--subdir"] if folder else []), cwd=folder).ok()
    inner = Project(top.path / "in/ner")
    for version in "12":
        top.add({"data/a": version})
        inner.add({"data/b": version})
        top.commit(message=version)
        top.git("tag", f"v{version}")
    top.dvcx("install").ok()
    git(top, "checkout", "v1")
    assert (top.read("data/a"), inner.read("data/b")) == (b"1", b"1")


def test_a_project_that_moved_and_an_environment_that_is_gone(project: Project, tmp_path: Path) -> None:
    two_versions(project)
    project.dvcx("install").ok()
    project.path.rename(tmp_path / "moved")
    moved = Project(tmp_path / "moved")
    git(moved, "checkout", "v1")
    assert moved.files("data") == {"a": b"1", "b": b"1"}
    launch = moved.path / ".git/dvcx/launch"
    launch.write_text(launch.read_text().replace(os.path.dirname(sys.executable), "/nowhere"))
    done = git(moved, "checkout", "v2", environment={"PATH": "/usr/bin:/bin"})
    assert done.returncode == 1 and "dvcx install" in done.stderr


def test_a_checkout_without_new_pointers_starts_no_python(project: Project) -> None:
    two_versions(project)
    project.commit({"code.py": "1"})
    project.dvcx("install").ok()
    script(project.path / ".git/dvcx/launch", "echo started >> started")
    for words in (("checkout", "-b", "new"), ("checkout", "v2"), ("checkout", "main")):
        git(project, *words)
    assert not (project.path / "started").exists()
    git(project, "checkout", "v1")
    assert (project.path / "started").exists()


def test_what_dvcx_itself_has_git_do_runs_no_hook_of_dvcx(project: Project) -> None:
    two_versions(project)
    project.dvcx("install").ok()
    done = git(project, "checkout", "v1", environment={"DVCX_HOOKS": "0"})
    assert (done.returncode, project.files("data")) == (0, {"a": b"2", "c": b"2"})


def test_a_large_file_does_not_enter_git_and_changed_data_is_told(project: Project) -> None:
    project.save({"data/a": "1"})
    project.dvcx("install").ok()
    project.write("data/a", "2")
    project.write("big.txt", "x" * 6_000_000)
    project.git("add", "big.txt")
    done = git(project, "commit", "-m", "big")
    assert done.returncode == 1 and "big.txt (large, 5.7 MiB)" in done.stderr and "dvcx add big.txt" in done.stderr
    project.git("rm", "--quiet", "--cached", "big.txt")
    done = git(project, "commit", "--allow-empty", "-m", "small")
    assert done.returncode == 0 and "tracked data changed" in done.stderr and "`dvcx add data`" in done.stderr


def test_a_commit_of_named_files_is_judged_by_what_it_takes_in(project: Project) -> None:
    project.commit({"a.txt": "1"})
    project.dvcx("install", "--pre-commit").ok()
    project.write("a.txt", "x" * 6_000_000)
    assert git(project, "commit", "-a", "-m", "x").returncode == 1
    project.git("add", "a.txt")
    project.write("b.txt", "1")
    project.git("add", "b.txt")
    assert git(project, "commit", "-m", "only b", "b.txt").returncode == 0


def test_commits_whose_data_is_on_no_remote_are_not_published(project: Project, tmp_path: Path) -> None:
    use_store(project)
    two_versions(project)
    project.dvcx("install").ok()
    project.git("init", "--quiet", "--bare", str(tmp_path / "bare.git"))
    project.git("remote", "add", "origin", str(tmp_path / "bare.git"))
    project.dvcx("push").ok()  # the data of v2 alone
    done = git(project, "push", "origin", "main")
    assert done.returncode == 1 and "dvcx push --all-commits" in done.stderr
    project.dvcx("push", "--all-commits").ok()
    assert git(project, "push", "origin", "main").returncode == 0
    project.commit({"code.py": "1"})
    assert git(project, "push", "origin", "main").returncode == 0
    project.save({"data/d": "4"}, "data")
    assert git(project, "push", "origin", "main").returncode == 1
    project.dvcx("config", "git.push", "always", "--local").ok()
    assert git(project, "push", "origin", "main").returncode == 0
    assert project.json("status", "-r", "store")["outputs"][0]["not_on_remote"] == []
    assert git(project, "push", "origin", "main:other").returncode == 0
    assert git(project, "push", "origin", "--delete", "other").returncode == 0


def test_the_pre_push_question_is_asked_on_the_terminal(project: Project, tmp_path: Path) -> None:
    import pty

    use_store(project)
    project.save({"data/a": "1"})
    project.dvcx("install", "--pre-push").ok()
    project.git("init", "--quiet", "--bare", str(tmp_path / "bare.git"))
    for answer, code in ((b"n\n", 1), (b"y\n", 0)):
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(project.path)
            os.execvp("git", ["git", "push", "--quiet", str(tmp_path / "bare.git"), "main"])
        seen = b""
        until = time.monotonic() + 60
        # Reading without a look first would wait for ever when the question is another one.
        while b"Push now? [Y/n]" not in seen and time.monotonic() < until and select([terminal], [], [], 60)[0]:
            seen += os.read(terminal, 1024)
        assert b"1 tracked path of these commits is not on store. Push now? [Y/n]" in seen
        os.write(terminal, answer)
        while True:
            try:
                if not os.read(terminal, 1024):
                    break
            except OSError:
                break
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == code
    assert project.json("status", "-r", "store")["outputs"][0]["not_on_remote"] == []


def test_without_git_there_is_nothing_to_install(plain_project: Project) -> None:
    assert plain_project.dvcx("install").code == 2


def test_what_stages_made_follows_and_is_published_too(project: Project, tmp_path: Path) -> None:
    use_store(project)
    commits = []
    for version in "12":
        project.write(
            "dvcx.yaml", f"stages:\n  make:\n    cmd: mkdir -p out && echo {version} > out/a\n    outs: [out]\n"
        )
        project.dvcx("repro").ok()
        commits.append(project.commit(message=version))
        project.git("tag", f"v{version}")
    project.dvcx("install").ok()
    assert git(project, "checkout", "v1").returncode == 0
    assert project.read("out/a") == b"1\n"
    git(project, "checkout", "main")
    assert project.read("out/a") == b"2\n"
    assert project.json("blame", "out")["files"][0]["commit"] == commits[1]
    project.git("init", "--quiet", "--bare", str(tmp_path / "bare.git"))
    done = git(project, "push", str(tmp_path / "bare.git"), "main")
    assert done.returncode == 1 and "not on store: out" in done.stderr
    project.dvcx("push", "--all-commits").ok()
    assert git(project, "push", str(tmp_path / "bare.git"), "main").returncode == 0
