"""One test or more for each of the twelve behaviours; each was seen to fail when what it guards was taken out."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.behaviours.conftest import FIRST, as_bytes, data_of
from tests.project import Project, program
from tests.sudden_end import as_nobody


def clone_of(project: Project, name: str = "clone") -> Project:
    """Gives another clone, as on another machine."""
    cloned = project.clone(project.path.parent / name)
    return Project(cloned.path, 50)


def everything_below(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Gives each file with its content and the time of its last change."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def flip_a_byte(path: Path, at: int = 40) -> None:
    """Changes one byte of a file in place; its size and times stay."""
    status = path.stat()
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    path.chmod(status.st_mode & 0o777)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def loose_file(project: Project) -> Path:
    """Gives the file in the cache that holds model.bin."""
    return max(project.own_folder.glob("cache/loose/*/??/*"), key=lambda path: path.stat().st_size)


# 1. push with data that exists nowhere exits non-zero and names the files; status --exit-code is non-zero when dirty.


def test_1_push_with_data_that_exists_nowhere_fails_and_names_the_files(project: Project) -> None:
    shutil.rmtree(project.own_folder / "cache")
    run = project.dvcx("push")
    assert run.code == 4
    assert "data" in run.err and "model.bin" in run.err


def test_1_push_names_the_one_file_of_a_folder_that_is_nowhere(project: Project) -> None:
    large = min(project.own_folder.glob("cache/loose/*/??/*"), key=lambda path: path.stat().st_size)
    large.unlink()
    run = project.dvcx("push")
    assert run.code == 4
    assert "data/large" in run.err
    assert "data/small" not in run.err
    other = clone_of(project)
    assert other.dvcx("pull").code == 4
    assert data_of(other) == {name: data for name, data in as_bytes(FIRST).items() if name != "data/large"}


@pytest.mark.parametrize("change", ["edit", "delete", "add", "rename", "mode"])
def test_1_status_exit_code_tells_every_kind_of_change(project: Project, change: str) -> None:
    assert project.dvcx("status", "--exit-code").code == 0
    path = project.path / "data/small"
    if change == "edit":
        path.write_text("small 1!!")
    elif change == "delete":
        path.unlink()
    elif change == "add":
        project.write("data/another", "x")
    elif change == "rename":
        path.rename(project.path / "data/smaller")
    else:
        path.chmod(0o755)
    run = project.dvcx("status", "--exit-code")
    assert run.code == 1
    assert "data" in run.out


# 2. A corrupt object is never passed on, by push, pull or checkout; fsck finds and mends; a pull changes no remote.


def test_2_a_corrupt_cache_object_is_not_checked_out(project: Project) -> None:
    (project.path / "model.bin").unlink()
    flip_a_byte(loose_file(project))
    run = project.dvcx("checkout")
    assert run.code == 3
    assert "model.bin" in run.err
    assert not (project.path / "model.bin").exists()


def test_2_a_corrupt_cache_object_is_not_pushed(project: Project) -> None:
    flip_a_byte(loose_file(project))
    run = project.dvcx("push")
    assert run.code == 3
    assert "model.bin" in run.err
    other = clone_of(project)
    assert other.dvcx("pull").code != 0
    assert not (other.path / "model.bin").exists()


def test_2_a_corrupt_pack_in_the_cache_is_passed_on_by_nobody(project: Project) -> None:
    (pack,) = project.own_folder.glob("cache/packs/*/*.pack")
    flip_a_byte(pack)
    shutil.rmtree(project.path / "data")
    assert project.dvcx("checkout", "data").code == 3
    assert project.dvcx("push").code == 3


def test_2_a_corrupt_remote_object_is_not_pulled(project: Project, tmp_path: Path) -> None:
    project.dvcx("push").ok()
    for pack in (tmp_path / "store").glob("packs/??/*.pack"):
        for at in range(32, pack.stat().st_size // 2, 5):
            flip_a_byte(pack, at)
    other = clone_of(project)
    run = other.dvcx("pull")
    assert run.code == 5 and "fsck --remote store" in run.err
    assert data_of(other).items() < as_bytes(FIRST).items()
    assert other.dvcx("status").code == 0


def test_2_one_wrong_byte_in_what_is_not_compressed_is_not_pulled(project: Project, tmp_path: Path) -> None:
    project.save({"data/random": os.urandom(20_000)}, "data")
    project.dvcx("push", "data/random").ok()
    (pack,) = (path for path in (tmp_path / "store").glob("packs/??/*.pack") if path.stat().st_size > 15_000)
    flip_a_byte(pack, 5_000)
    other = clone_of(project)
    run = other.dvcx("pull", "data/random")
    assert run.code == 5
    assert "data/random" in run.err
    assert data_of(other) == {}
    assert other.dvcx("fsck").code == 0, "a damaged object came into the cache"


@pytest.mark.parametrize("where", ["pack", "loose file"])
def test_2_fsck_finds_one_flipped_byte_in_the_cache_and_mends_it(project: Project, where: str) -> None:
    project.dvcx("push").ok()
    damaged = loose_file(project) if where == "loose file" else next(project.own_folder.glob("cache/packs/*/*.pack"))
    shutil.rmtree(project.path / "data")
    (project.path / "model.bin").unlink()
    assert project.dvcx("fsck").code == 0
    flip_a_byte(damaged)
    assert project.dvcx("fsck").code == 3
    project.dvcx("fsck", "--repair").ok()
    assert project.dvcx("fsck").code == 0
    project.dvcx("checkout").ok()
    assert data_of(project) == as_bytes(FIRST)


def test_2_fsck_finds_one_flipped_byte_on_the_remote_and_mends_it(project: Project, tmp_path: Path) -> None:
    project.dvcx("push").ok()
    assert project.dvcx("fsck", "--remote", "store").code == 0
    pack = max((tmp_path / "store").glob("packs/??/*.pack"), key=lambda path: path.stat().st_size)
    flip_a_byte(pack, pack.stat().st_size // 2)
    assert project.dvcx("fsck", "--remote", "store").code == 3
    project.dvcx("fsck", "--remote", "store", "--repair").ok()
    assert project.dvcx("fsck", "--remote", "store").code == 0
    other = clone_of(project)
    other.dvcx("pull").ok()
    assert data_of(other) == as_bytes(FIRST)


def test_2_a_pull_changes_nothing_on_the_remote(project: Project, tmp_path: Path) -> None:
    project.dvcx("push").ok()
    before = everything_below(tmp_path / "store")
    other = clone_of(project)
    other.dvcx("pull").ok()
    flip_a_byte(loose_file(other))
    other.dvcx("checkout", "--force").ok()
    (other.path / "model.bin").unlink()
    other.dvcx("pull").ok()
    other.dvcx("fetch", "--all-tags").ok()
    assert data_of(other) == as_bytes(FIRST)
    assert everything_below(tmp_path / "store") == before


# 3. gc: every branch, tag, stash, worktree and detached HEAD is a root; names and bytes are shown; trash; undo; grace.


def _versions(project: Project) -> dict[str, bytes]:
    """Makes one version of model.bin for each kind of root, unpushed, and one that nothing names; gives them all."""
    kinds = ("branch", "tag", "stash", "worktree", "detached", "garbage")
    contents = {kind: (kind.encode() * 40_000)[:200_000] for kind in kinds}

    def version(kind: str) -> None:
        project.write("model.bin", contents[kind])
        project.dvcx("add", "model.bin").ok()

    for kind in ("branch", "tag"):
        project.git("checkout", "--quiet", "-b", f"side-{kind}", "main")
        version(kind)
        project.commit(message=kind)
    project.git("tag", "kept", "side-tag")
    project.git("checkout", "--quiet", "main")
    project.git("branch", "--quiet", "-D", "side-tag")
    version("stash")
    project.git("stash", "--quiet")
    version("worktree")
    project.commit(message="worktree")
    project.git("worktree", "add", "--quiet", "--detach", "../tree", "HEAD")
    _one_commit_further(Project(project.path.parent / "tree", 70))
    project.git("reset", "--quiet", "--hard", "v1")
    version("garbage")
    project.git("checkout", "--quiet", "--", ".")
    project.git("checkout", "--quiet", "--detach")
    version("detached")
    project.commit(message="detached")
    _one_commit_further(project)
    project.git("reflog", "expire", "--expire=all", "--all")
    shutil.rmtree(project.own_folder / "trash", ignore_errors=True)
    return contents


def _one_commit_further(project: Project) -> None:
    """Makes a commit without model.bin, so that only the history of HEAD knows of it."""
    (project.path / "model.bin.dvcx").unlink()
    project.commit(message="further")


def test_3_gc_keeps_every_root_and_moves_the_rest_to_the_trash(project: Project, tmp_path: Path) -> None:
    contents = _versions(project)
    listed = project.json("gc", "--dry-run")
    assert len(contents["garbage"]) in _numbers(listed)
    run = project.dvcx("gc", "--yes").ok()
    assert "KiB" in run.out + run.err
    _get(project, "side-branch", contents["branch"])
    _get(project, "kept", contents["tag"])
    _get(project, "stash@{0}", contents["stash"])
    _get(Project(tmp_path / "tree"), "HEAD~1", contents["worktree"])
    cache = [path.read_bytes() for path in project.own_folder.glob("cache/loose/*/??/*")]
    assert contents["detached"] in cache
    assert contents["garbage"] not in cache
    assert as_bytes(FIRST)["model.bin"] in cache
    project.dvcx("undo").ok()
    assert contents["garbage"] in [path.read_bytes() for path in project.own_folder.glob("cache/loose/*/??/*")]


def _numbers(value: object) -> list[int]:
    if isinstance(value, dict):
        return [number for inner in value.values() for number in _numbers(inner)]
    if isinstance(value, list):
        return [number for inner in value for number in _numbers(inner)]
    return [value] if isinstance(value, int) else []


def _get(project: Project, revision: str, content: bytes) -> None:
    project.git("checkout", "--quiet", "--force", "--detach", revision)
    project.dvcx("checkout", "--force", "model.bin").ok()
    assert project.read("model.bin") == content


def test_3_gc_refuses_when_it_cannot_read_a_root(project: Project) -> None:
    project.write("model.bin", b"another" * 30_000)
    project.dvcx("add", "model.bin").ok()
    project.git("checkout", "--quiet", "--", ".")
    shutil.rmtree(project.own_folder / "trash", ignore_errors=True)
    project.write(".git/refs/heads/broken", "0123456789abcdef0123456789abcdef01234567\n")
    run = project.dvcx("gc", "--yes")
    assert run.code != 0
    assert b"another" * 30_000 in [path.read_bytes() for path in project.own_folder.glob("cache/loose/*/??/*")]


def test_3_gc_asks_and_without_an_answer_does_nothing(project: Project) -> None:
    project.write("model.bin", b"another" * 30_000)
    project.dvcx("add", "model.bin").ok()
    project.git("checkout", "--quiet", "--", ".")
    shutil.rmtree(project.own_folder / "trash", ignore_errors=True)
    before = everything_below(project.own_folder / "cache")
    assert project.dvcx("gc").code == 6
    assert everything_below(project.own_folder / "cache") == before


def test_3_a_remote_gc_keeps_what_is_younger_than_the_grace_period(project: Project, tmp_path: Path) -> None:
    project.dvcx("push").ok()
    project.write("model.bin", os.urandom(200_000))
    project.dvcx("add", "model.bin").ok()
    project.commit(message="will be thrown away")
    project.git("tag", "thrown-away")
    project.dvcx("push").ok()
    project.git("tag", "-d", "thrown-away")
    project.git("reset", "--quiet", "--hard", "v1")
    project.git("reflog", "expire", "--expire=all", "--all")
    (project.path / ".git/ORIG_HEAD").unlink()
    packs = {path.name for path in (tmp_path / "store").glob("packs/??/*")}
    for _ in range(3):
        project.dvcx("gc", "--remote", "store", "--yes").ok()
    assert {path.name for path in (tmp_path / "store").glob("packs/??/*")} == packs
    project.dvcx("config", "remote.store.grace_days", "0").ok()
    project.dvcx("gc", "--remote", "store", "--yes").ok()
    assert len(list((tmp_path / "store").glob("packs/??/*"))) == len(packs) - 1
    other = clone_of(project)
    other.dvcx("pull").ok()
    assert data_of(other) == as_bytes(FIRST)


# 4. checkout --force, remove, move and add over changed files keep what they replace in the trash.


def test_4_undo_brings_back_what_a_forced_checkout_replaced(project: Project) -> None:
    project.write("data/small", "work that nobody saved")
    project.write("data/untracked/by all", "nobody knows")
    (project.path / "model.bin").unlink()
    (project.path / "model.bin").mkdir()
    project.write("model.bin/inside", "a folder in the way")
    before = data_of(project)
    assert project.dvcx("checkout").code == 6
    assert data_of(project) == before
    project.dvcx("checkout", "--force").ok()
    assert project.read("data/small") == b"small one"
    assert project.read("model.bin") == FIRST["model.bin"]
    project.dvcx("undo").ok()
    assert data_of(project) == before


@pytest.mark.parametrize(
    "words",
    [("remove", "--outs", "data"), ("move", "data", "elsewhere"), ("remove", "data/sub"), ("move", "data/sub", "out")],
)
def test_4_undo_brings_back_what_remove_and_move_took(project: Project, words: tuple[str, ...]) -> None:
    project.write("data/small", "work that nobody saved")
    project.write("data/sub/also", "nor this")
    before = project.files()
    project.dvcx(*words).ok()
    assert project.files() != before
    project.dvcx("undo").ok()
    assert project.files() == before


def test_4_undo_brings_back_the_pointer_that_add_replaced(project: Project) -> None:
    before = project.read("data.dvcx")
    project.write("data/small", "changed")
    project.dvcx("add", "data").ok()
    assert project.read("data.dvcx") != before
    project.dvcx("undo").ok()
    assert project.read("data.dvcx") == before
    assert project.read("data/small") == b"changed"
    project.dvcx("checkout", "--force").ok()
    assert data_of(project) == as_bytes(FIRST)


def test_4_add_out_over_a_file_keeps_it(project: Project, tmp_path: Path) -> None:
    (tmp_path / "new.bin").write_bytes(b"from elsewhere")
    project.write("model.bin", b"work that nobody saved")
    assert project.dvcx("add", "--out", "model.bin", "../new.bin").code == 6
    project.dvcx("add", "--out", "model.bin", "--force", "../new.bin").ok()
    assert project.read("model.bin") == b"from elsewhere"
    project.dvcx("undo").ok()
    assert project.read("model.bin") == b"work that nobody saved"


def test_8_add_out_refuses_what_cannot_be_copied(project: Project, tmp_path: Path) -> None:
    (tmp_path / "odd").mkdir()
    os.mkfifo(tmp_path / "odd/pipe")
    before = project.files()
    run = project.dvcx("add", "--out", "odd", "../odd")
    assert run.code == 6
    assert "pipe" in run.err
    assert project.files() == before


# 5. A new worktree sees the same cache at once; git clean -fdx touches neither cache nor state.


def test_5_a_new_worktree_sees_the_same_cache(project: Project, tmp_path: Path) -> None:
    project.git("worktree", "add", "--quiet", "-b", "side", "../tree")
    tree = Project(tmp_path / "tree")
    tree.dvcx("checkout").ok()
    assert data_of(tree) == as_bytes(FIRST)
    tree.write("data/small", "from the tree")
    tree.dvcx("add", "data").ok()
    tree.commit(message="in the tree")
    project.git("merge", "--quiet", "side")
    project.dvcx("checkout").ok()
    assert project.read("data/small") == b"from the tree"


def test_5_git_clean_touches_neither_cache_nor_state(project: Project) -> None:
    project.dvcx("status").ok()
    before = everything_below(project.own_folder)
    assert before
    project.git("clean", "-fdxq")
    assert data_of(project) == {}
    assert everything_below(project.own_folder) == before
    project.dvcx("checkout").ok()
    assert data_of(project) == as_bytes(FIRST)


# 6. After a partial pull, status is clean for what was pulled and says "not fetched" for the rest.


def test_6_absent_is_not_deleted(project: Project) -> None:
    project.dvcx("push").ok()
    other = clone_of(project)
    other.dvcx("pull", "data/small").ok()
    assert data_of(other) == {"data/small": b"small one"}
    run = other.dvcx("status", "--granular", "--exit-code")
    assert run.code == 0, run.out
    assert "not fetched" in run.out
    assert "deleted" not in run.out
    other.write("data/added", "more")
    other.dvcx("add", "data").ok()
    other.dvcx("push").ok()
    other.commit(message="one more, without the rest")
    project.git("pull", "--quiet", str(other.path), "main")
    project.dvcx("pull").ok()
    assert data_of(project) == {**as_bytes(FIRST), "data/added": b"more"}


def test_6_a_file_that_was_here_and_was_deleted_is_deleted(project: Project) -> None:
    project.dvcx("push").ok()
    other = clone_of(project)
    other.dvcx("pull", "data/small").ok()
    (other.path / "data/small").unlink()
    run = other.dvcx("status", "--granular", "--exit-code")
    assert run.code == 1
    assert "deleted" in run.out


# 7. Killed at any point, the next command works; two commands at once are safe; readers never wait for writers.


@pytest.mark.parametrize("delay", [0.15, 0.25, 0.4, 0.7])
def test_7_killed_at_any_time_the_next_command_works(project: Project, delay: float) -> None:
    for number in range(300):
        project.write(f"data/many/{number}", f"{number}" * 50)
    project.write("data/huge", os.urandom(30 << 20))
    wanted = data_of(project)
    process = subprocess.Popen(program(["add", "data"]), cwd=project.path, stdout=-3, stderr=-3)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert data_of(project) == wanted
    project.dvcx("status").ok()
    project.dvcx("add", "data").ok()
    shutil.rmtree(project.path / "data")
    project.dvcx("checkout").ok()
    assert data_of(project) == wanted
    assert project.dvcx("fsck").code == 0


def test_7_readers_do_not_wait_for_writers(project: Project) -> None:
    holder = subprocess.Popen(
        ["flock", str(project.own_folder / "lock"), "sleep", "60"], stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _wait_until_held(project.own_folder / "lock")
        for words in (("status",), ("diff",), ("ls", "-R"), ("log", "data")):
            begin = time.monotonic()
            assert project.dvcx(*words).code == 0
            assert time.monotonic() - begin < 5
    finally:
        os.killpg(holder.pid, signal.SIGKILL)
        holder.wait()


def _wait_until_held(lock: Path) -> None:
    while subprocess.run(["flock", "--nonblock", str(lock), "true"], check=False).returncode == 0:
        time.sleep(0.01)


# 8. Executable bits and empty folders come back; links inside as links; links out, sockets and FIFOs are refused.


def test_8_executable_bits_empty_folders_and_links_come_back(project: Project) -> None:
    project.write("data/run.sh", "#!/bin/sh\n").chmod(0o755)
    project.write("data/big-program", b"\x7fELF" * 40_000).chmod(0o755)
    (project.path / "data/empty/inside").mkdir(parents=True)
    (project.path / "data/sub/link").symlink_to("../small")
    (project.path / "data/to-folder").symlink_to("sub")
    (project.path / "data/dangling").symlink_to("not/there")
    project.dvcx("add", "data").ok()
    project.dvcx("push").ok()
    project.commit(message="all kinds")
    other = clone_of(project)
    other.dvcx("pull").ok()
    data = other.path / "data"
    assert os.access(data / "run.sh", os.X_OK) and os.access(data / "big-program", os.X_OK)
    assert not os.access(data / "small", os.X_OK)
    assert (data / "empty/inside").is_dir() and not any((data / "empty/inside").iterdir())
    assert os.readlink(data / "sub/link") == "../small"
    assert os.readlink(data / "to-folder") == "sub"
    assert os.readlink(data / "dangling") == "not/there"
    assert other.dvcx("status", "--exit-code").code == 0


@pytest.mark.parametrize("target", ["../../outside", "/etc/passwd", "sub/../../../outside"])
def test_8_a_link_that_points_outside_is_refused_with_the_choice(project: Project, target: str) -> None:
    project.write("outside/secret", "outside")
    (project.path / "data/link").symlink_to(target)
    before = project.read("data.dvcx")
    run = project.dvcx("add", "data")
    assert run.code == 6
    assert "data/link" in run.err and "--follow-symlinks" in run.err
    assert project.read("data.dvcx") == before


def test_8_follow_symlinks_stores_what_they_lead_to(project: Project) -> None:
    project.write("outside/secret", "outside")
    (project.path / "data/link").symlink_to("../outside/secret")
    project.dvcx("add", "--follow-symlinks", "data").ok()
    shutil.rmtree(project.path / "data")
    project.dvcx("checkout").ok()
    assert project.read("data/link") == b"outside"


def test_8_sockets_and_fifos_are_refused_by_name(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(project.path / "data/pipe")
    monkeypatch.chdir(project.path / "data")  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("plug")
        run = project.dvcx("add", "data")
    assert run.code == 6
    assert "data/pipe" in run.err and "data/plug" in run.err


def test_8_links_inside_survive_commands_on_a_part_of_the_folder(project: Project) -> None:
    (project.path / "data/sub/link").symlink_to("../small")
    project.dvcx("add", "data/sub").ok()
    assert project.dvcx("status", "--exit-code", "data/sub").code == 0
    project.dvcx("add", "data/sub/link").ok()
    (project.path / "data/sub/link").unlink()
    project.dvcx("checkout", "data/sub/link").ok()
    assert os.readlink(project.path / "data/sub/link") == "../small"


# 9. A file that changes while it is being added is noticed and hashed again or refused.


def test_9_a_file_that_changes_while_it_is_added_is_noticed(project: Project) -> None:
    path = project.write("data/growing", b"0" * (20 << 20))
    stop = threading.Event()

    def write() -> None:
        with path.open("r+b") as file:
            at = 0
            while not stop.is_set():
                file.seek((at * 7919) % (20 << 20))
                file.write(b"x%06d" % at)
                file.flush()
                at += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        run = project.dvcx("add", "data")
    finally:
        stop.set()
        writer.join()
    assert run.code == 6, "the writer never paused"
    assert "data/growing" in run.err
    project.dvcx("add", "data").ok()
    assert project.dvcx("fsck").code == 0
    shutil.rmtree(project.path / "data")
    final = project.dvcx("checkout")
    assert final.code == 0


def test_9_a_file_that_is_quiet_again_is_hashed_again(project: Project) -> None:
    path = project.write("data/growing", b"0" * (20 << 20))

    def write() -> None:
        for at in range(5):
            with path.open("ab") as file:
                file.write(b"%d" % at)
            time.sleep(0.01)

    writer = threading.Thread(target=write)
    writer.start()
    run = project.dvcx("add", "data")
    writer.join()
    if run.code == 0:  # whatever was stored, status must see what was written after it
        expected = path.read_bytes()
        project.dvcx("add", "data").ok()
        path.unlink()
        project.dvcx("checkout").ok()
        assert path.read_bytes() == expected


# 10. Hostile pointers and trees write nothing outside the project: tests/hostile has them all, these are the plainest.


def test_10_a_folder_that_became_a_link_is_not_written_through(project: Project, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "deep").write_text("precious")
    shutil.rmtree(project.path / "data/sub")
    (project.path / "data/sub").symlink_to(outside)
    for words in (("checkout", "--force", "data/sub/deep"), ("checkout", "data"), ("pull",), ("checkout", "--force")):
        project.dvcx(*words)
        assert everything_below(outside).keys() == {"deep"}
        assert (outside / "deep").read_text() == "precious"
    assert project.read("data/sub/deep") == b"deep one"
    assert not (project.path / "data/sub").is_symlink()


def test_10_a_pointer_behind_a_linked_folder_is_refused(project: Project, tmp_path: Path) -> None:
    project.save({"inner/thing": "tracked"}, "inner/thing")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "thing").write_text("precious")
    (outside / "thing.dvcx").write_bytes(project.read("inner/thing.dvcx"))
    shutil.rmtree(project.path / "inner")
    (project.path / "inner").symlink_to(outside)
    for words in (
        ("checkout",),
        ("checkout", "--force"),
        ("checkout", "--force", "inner/thing"),
        ("add", "inner/thing"),
    ):
        run = project.dvcx(*words)
        assert run.code in (0, 2, 6), run.err
        assert (outside / "thing").read_text() == "precious"
    assert project.dvcx("add", "inner/thing").code == 6


def test_10_add_out_does_not_write_through_a_link(project: Project, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "new.bin").write_bytes(b"new")
    (project.path / "inner").symlink_to(tmp_path / "outside")
    run = project.dvcx("add", "--out", "inner/new.bin", "../new.bin")
    assert run.code == 6, run.err
    assert list((tmp_path / "outside").iterdir()) == []


# 11. Conflict markers, a cut-off state database, a broken pack table, a read-only folder, a full disk: a clear error.


def test_11_conflict_markers_in_a_pointer_are_told(project: Project) -> None:
    project.git("checkout", "--quiet", "-b", "side")
    project.save({"data/small": "side"}, "data")
    project.git("checkout", "--quiet", "main")
    project.dvcx("checkout").ok()
    project.save({"data/small": "main"}, "data")
    project.git("merge", "side", check=False)
    assert b"<<<<<<<" in project.read("data.dvcx")
    for words in (("checkout",), ("add", "data"), ("push",)):
        run = project.dvcx(*words)
        assert run.code == 3, words
        assert "conflict markers" in run.err and "dvcx resolve --ours" in run.err
    assert project.read("data/small") == b"main"
    project.git("checkout", "--ours", "--", "data.dvcx")
    project.dvcx("checkout").ok()


@pytest.mark.parametrize("how", ["deleted", "cut off", "garbage", "empty", "read-only", "a folder"])
def test_11_the_state_database_can_be_broken_in_any_way(project: Project, how: str) -> None:
    project.dvcx("status").ok()
    (state,) = project.own_folder.glob("state.db")
    data = state.read_bytes()
    for file in project.own_folder.glob("state.db*"):
        file.unlink()
    if how == "cut off":
        state.write_bytes(data[: len(data) // 2])
    elif how == "garbage":
        state.write_bytes(os.urandom(5000))
    elif how == "empty":
        state.touch()
    elif how == "read-only":
        state.write_bytes(data)
        state.chmod(0o400)
    elif how == "a folder":
        state.mkdir()
    assert project.dvcx("status", "--exit-code").code == 0
    project.write("data/small", "changed!!")
    assert project.dvcx("status", "--exit-code").code == 1
    project.dvcx("add", "data").ok()
    assert project.dvcx("status", "--exit-code").code == 0


def test_11_a_pack_with_a_broken_table_is_told_and_mended(project: Project) -> None:
    project.dvcx("push").ok()
    (pack,) = project.own_folder.glob("cache/packs/*/*.pack")
    flip_a_byte(pack, pack.stat().st_size - 100)
    shutil.rmtree(project.own_folder / "cache/index", ignore_errors=True)
    shutil.rmtree(project.path / "data")
    run = project.dvcx("checkout")
    assert run.code in (3, 4)
    assert "hint: run `dvcx" in run.err
    assert project.dvcx("fsck").code == 3
    project.dvcx("fsck", "--repair").ok()
    project.dvcx("checkout").ok()
    assert data_of(project) == as_bytes(FIRST)


def test_11_indexes_can_be_deleted_at_any_time(project: Project) -> None:
    project.dvcx("push").ok()
    shutil.rmtree(project.own_folder / "cache/index", ignore_errors=True)
    shutil.rmtree(project.own_folder / "index", ignore_errors=True)
    assert project.json("push")["objects"] == 0
    shutil.rmtree(project.path / "data")
    project.dvcx("checkout").ok()
    assert data_of(project) == as_bytes(FIRST)


def test_11_a_read_only_folder_is_a_clear_error(project: Project) -> None:
    project.write("data/sub/new", "in the way")
    project.dvcx("add", "data").ok()
    project.git("checkout", "--quiet", "--", "data.dvcx")
    folder = project.path / "data/sub"
    folder.chmod(0o555)
    before = project.files()

    def checkout() -> None:
        run = project.dvcx("checkout", "--force")
        assert (run.code, run.err.startswith("error: "), "data/sub" in run.err) == (1, True, True), run

    try:
        assert as_nobody(checkout) == 0
        assert project.files() == before
    finally:
        folder.chmod(0o755)
    project.dvcx("checkout", "--force").ok()
    assert data_of(project) == as_bytes(FIRST)


# 12. Names with spaces, newlines, Unicode, 200 characters; deep trees; empty files; files over 4 GiB; no files.

NAMES = (
    " leading", "trailing ", "two\nlines", "tab\t", "quote'\"`$(x)", "-rf", "--help", "*", "?[a]", "#", "!bang", "~",
    "\u00fcn\u00ef\u00e7\u00f6de", "\u65e5\u672c\u8a9e", "\U0001f600" * 40, "a" * 200, "\u00e9" * 100, "\x1b[31mred",
    "a\\b", "x.dvcx.bak", ":(top)", "\u200bzero", "a\r\nb", "con", "%41",
)  # fmt: skip


def test_12_names_of_all_kinds_come_back_inside_a_folder(project: Project) -> None:
    for name in NAMES:
        project.write(f"data/{name}", name)
        project.write(f"data/in {name[:50]}/{name[:100]}", name)
    wanted = data_of(project)
    project.dvcx("add", "data").ok()
    project.dvcx("push").ok()
    project.commit(message="names")
    other = clone_of(project)
    run = other.dvcx("pull").ok()
    assert "\x1b" not in run.out + run.err
    assert data_of(other) == wanted
    assert other.dvcx("status", "--exit-code").code == 0
    listing = other.dvcx("ls", "-R").ok()
    assert "\x1b" not in listing.out


@pytest.mark.parametrize("name", [name for name in NAMES if "\n" not in name])
def test_12_names_of_all_kinds_can_be_tracked_themselves(project: Project, name: str) -> None:
    project.write(name, f"content of {name}")
    project.dvcx("add", "--", name).ok()
    untracked = project.git("status", "--porcelain", "--untracked-files=all", "-z").split("\0")
    assert [entry for entry in untracked if entry.startswith("??")] == [f"?? {name}.dvcx"]
    project.dvcx("push").ok()
    project.commit(message="a name")
    other = clone_of(project)
    other.dvcx("pull").ok()
    assert other.read(name) == f"content of {name}".encode()
    other.dvcx("status", "--exit-code", "--", name).ok()


def test_12_a_name_with_a_newline_is_tracked_or_refused_with_a_way_out(project: Project) -> None:
    project.write("two\nlines", "content")
    before = project.files()
    run = project.dvcx("add", "two\nlines")
    if run.code == 0:
        (project.path / "two\nlines").unlink()
        project.dvcx("checkout").ok()
        assert project.read("two\nlines") == b"content"
    else:
        assert run.code == 6
        assert "folder" in run.err
        assert project.files() == before


@pytest.mark.parametrize("depth", [300, 510, 513])
def test_12_deep_trees_come_back(project: Project, depth: int) -> None:
    path = "/".join(["d"] * depth)
    project.write(f"data/{path}/file", "deep down")
    run = project.dvcx("add", "data")
    if depth > 500 and run.code == 6:
        assert "deep" in run.err
        return
    run.ok()
    project.dvcx("push").ok()
    project.commit(message="deep")
    other = clone_of(project)
    other.dvcx("pull").ok()
    assert other.read(f"data/{path}/file") == b"deep down"
    assert other.dvcx("status", "--exit-code").code == 0
    for words in (("ls", "-R"), ("diff", "v1"), ("du",), ("status", "--granular"), ("log", f"data/{path}/file")):
        other.dvcx(*words).ok()
    other.dvcx("remove", "--outs", "data").ok()
    other.dvcx("undo").ok()
    other.dvcx("gc", "--yes").ok()
    other.dvcx("fsck").ok()


def test_12_empty_files_and_folders_with_no_files(project: Project) -> None:
    project.write("nothing", b"")
    project.write("data/also nothing", b"")
    (project.path / "hollow").mkdir()
    project.dvcx("add", "nothing", "data", "hollow").ok()
    project.dvcx("push").ok()
    project.commit(message="nothing")
    other = clone_of(project)
    other.dvcx("pull").ok()
    assert other.read("nothing") == b""
    assert other.read("data/also nothing") == b""
    assert (other.path / "hollow").is_dir()
    assert other.dvcx("status", "--exit-code").code == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_12_a_file_over_4_gib_comes_back_in_bounded_memory(project: Project) -> None:
    size = (4 << 30) + 12_345
    with project.write("data/sparse").open("wb") as file:
        file.truncate(size)
        file.seek(1 << 31)
        file.write(b"something in the middle")
    limited = ["prlimit", f"--as={2 << 30}", *program(["add", "data"])]
    for words in (["add", "data"], ["push"]):
        subprocess.run([*limited[:2], *program(words)], cwd=project.path, check=True)
    project.commit(message="large")
    other = clone_of(project)
    subprocess.run([*limited[:2], *program(["pull"])], cwd=other.path, check=True)
    assert (other.path / "data/sparse").stat().st_size == size
    with (other.path / "data/sparse").open("rb") as file:
        file.seek(1 << 31)
        assert file.read(23) == b"something in the middle"
    assert other.dvcx("status", "--exit-code").code == 0
