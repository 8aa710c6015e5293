from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.project import Project


def config(project: Project, name: str = "config.toml") -> str:
    return project.read(f".dvcx/{name}").decode()


def remotes(project: Project) -> dict[str, tuple[str, bool]]:
    """Gives the URL of each remote and whether it is the default, by name."""
    return {each["name"]: (each["url"], each["default"]) for each in project.json("remote", "list")}


def test_a_folder_is_added_and_can_be_pushed_to(project: Project, tmp_path: Path) -> None:
    store = tmp_path / "store"
    run = project.dvcx("remote", "add", "-d", "store", str(store)).ok()
    assert "git add .dvcx/config.toml" in run.err and not store.exists(), "nothing is made before the first push"
    assert remotes(project) == {"store": (str(store), True)}
    assert project.dvcx("remote", "list").ok().lines == [f"store  {store}  (default)"]
    project.add({"data/a": "one"})
    project.dvcx("push").ok()
    assert (store / "dvcx.json").is_file()


def test_a_relative_folder_is_kept_relative_to_the_root(project: Project, tmp_path: Path) -> None:
    (project.path / "sub").mkdir()
    project.dvcx("remote", "add", "near", "../../store", cwd="sub").ok()
    assert 'url = "../store"' in config(project)
    assert remotes(project) == {"near": (str(tmp_path / "store"), False)}
    project.dvcx("remote", "add", "--global", "mine", "../../other", cwd="sub").ok()
    assert remotes(project)["mine"] == (str(tmp_path / "other"), False)


def test_a_missing_disk_is_warned_of(project: Project, tmp_path: Path) -> None:
    run = project.dvcx("remote", "add", "store", str(tmp_path / "no/disk")).ok()
    assert f"{tmp_path}/no is not there" in run.err


@pytest.mark.parametrize("name", ["", "-x", "a b", "a/b", "../x", "a.b", "x\x1b[31m", "ü"])
def test_names_that_could_be_misread_are_refused(project: Project, name: str) -> None:
    run = project.dvcx("remote", "add", "--", name, "/mnt/x")
    assert run.code == 2 and "cannot be called" in run.err and "remote" not in config(project)


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("s4://bucket", 2, "did you mean s3://"),
        ("me@host:data", 2, "ssh://me@host/data"),
        ("sftp://me:pw@host/data", 6, "--local"),
    ],
)
def test_urls_that_cannot_work_say_what_can(project: Project, url: str, code: int, said: str) -> None:
    run = project.dvcx("remote", "add", "store", url)
    assert run.code == code and said in run.err and "remote" not in config(project)


def test_a_name_in_use_is_replaced_with_force_only(project: Project, tmp_path: Path) -> None:
    project.dvcx("remote", "add", "store", str(tmp_path / "one")).ok()
    project.dvcx("remote", "modify", "store", "compression", "none").ok()
    run = project.dvcx("remote", "add", "store", str(tmp_path / "two"))
    assert run.code == 2 and "--force" in run.err and "remote modify store url" in run.err
    project.dvcx("remote", "add", "-f", "store", str(tmp_path / "two")).ok()
    assert remotes(project) == {"store": (str(tmp_path / "two"), False)} and "compression" not in config(project)


def test_options_are_set_and_removed(project: Project, tmp_path: Path) -> None:
    project.dvcx("remote", "add", "store", "s3://bucket/x").ok()
    project.dvcx("remote", "modify", "store", "grace_days", "30").ok()
    project.dvcx("remote", "modify", "store", "client_kwargs.region_name", "eu-west-1").ok()
    (found,) = project.json("remote", "list")
    assert found["settings"]["grace_days"] == 30
    assert found["settings"]["client_kwargs"] == {"region_name": "eu-west-1"}
    project.dvcx("remote", "modify", "--unset", "store", "grace_days").ok()
    assert "grace_days" not in config(project)
    project.dvcx("remote", "modify", "store", "url", str(tmp_path)).ok()
    assert remotes(project)["store"][0] == str(tmp_path)


def test_a_secret_goes_to_the_local_file_and_may_come_from_stdin(project: Project) -> None:
    project.dvcx("remote", "add", "store", "s3://bucket/x").ok()
    refused = project.dvcx("remote", "modify", "store", "secret", "hunter2hunter2")
    assert refused.code == 6 and "--local" in refused.err and "hunter2" not in refused.err + config(project)
    project.dvcx("remote", "modify", "--local", "store", "secret", "-", stdin="hunter2hunter2\n").ok()
    assert 'secret = "hunter2hunter2"' in config(project, "config.local.toml")
    (found,) = project.json("remote", "list")
    assert found["settings"]["secret"] == "***"


def test_an_option_goes_where_the_remote_is(project: Project, tmp_path: Path) -> None:
    project.dvcx("remote", "add", "--local", "mine", str(tmp_path)).ok()
    project.dvcx("remote", "modify", "mine", "compression", "none").ok()
    assert "compression" in config(project, "config.local.toml") and "mine" not in config(project)


def test_the_default_follows_a_rename_and_ends_with_its_remote(project: Project, tmp_path: Path) -> None:
    project.dvcx("remote", "add", "-d", "store", str(tmp_path / "store")).ok()
    project.dvcx("remote", "modify", "--local", "store", "compression", "none").ok()
    project.dvcx("remote", "rename", "store", "archive").ok()
    assert remotes(project) == {"archive": (str(tmp_path / "store"), True)}
    assert "[remote.archive]" in config(project, "config.local.toml")
    project.dvcx("remote", "remove", "archive").ok()
    assert remotes(project) == {} and project.dvcx("remote", "default").ok().out == ""
    assert "remote" not in config(project) + config(project, "config.local.toml")


def test_removing_one_of_two_files_keeps_the_default(project: Project, tmp_path: Path) -> None:
    project.dvcx("remote", "add", "-d", "store", str(tmp_path / "one")).ok()
    project.dvcx("remote", "add", "--local", "store", str(tmp_path / "two")).ok()
    assert remotes(project) == {"store": (str(tmp_path / "two"), True)}
    project.dvcx("remote", "remove", "--local", "store").ok()
    assert remotes(project) == {"store": (str(tmp_path / "one"), True)}


def test_the_default_is_chosen_shown_and_removed(project: Project, tmp_path: Path) -> None:
    for name in ("one", "two"):
        project.dvcx("remote", "add", name, str(tmp_path / name)).ok()
    project.dvcx("remote", "default", "one").ok()
    project.dvcx("remote", "default", "--local", "two").ok()
    assert project.dvcx("remote", "default").ok().lines == ["two"]
    assert project.dvcx("remote", "default", "--project").ok().lines == ["one"]
    project.dvcx("remote", "default", "--unset", "--local").ok()
    assert project.json("remote", "default") == {"default": "one"}


def test_an_unknown_remote_is_an_error_with_the_one_that_may_be_meant(project: Project, tmp_path: Path) -> None:
    project.dvcx("remote", "add", "store", str(tmp_path)).ok()
    for words in (
        ("modify", "stor", "url", "/x"),
        ("remove", "stor"),
        ("rename", "stor", "new"),
        ("default", "stor"),
    ):
        run = project.dvcx("remote", *words)
        assert run.code == 2 and "did you mean store?" in run.err
    assert project.dvcx("remote", "rename", "store", "store").code == 2


def test_another_place_under_an_old_name_is_a_new_remote(project: Project, tmp_path: Path) -> None:
    project.add({"data/a": "one"})
    project.dvcx("remote", "add", "-d", "store", str(tmp_path / "one")).ok()
    project.dvcx("push").ok()
    project.dvcx("remote", "modify", "store", "url", str(tmp_path / "two")).ok()
    project.dvcx("push").ok()
    project.dvcx("remote", "remove", "store").ok()
    project.dvcx("remote", "add", "-d", "store", str(tmp_path / "three")).ok()
    assert "1 pack" in project.dvcx("push").ok().out
    project.dvcx("remote", "rename", "store", "other").ok()
    assert "has everything" in project.dvcx("push", "-r", "other").ok().out


def test_remotes_work_in_projects_without_git_and_in_subfolders(plain_project: Project, project: Project) -> None:
    plain_project.dvcx("remote", "add", "-d", "store", "../store").ok()
    plain_project.add({"data/a": "one"})
    plain_project.dvcx("push").ok()
    (project.path / "team").mkdir()
    inner = Project(project.path / "team")
    inner.dvcx("init", "--subdir").ok()
    inner.dvcx("remote", "add", "store", "../../inner-store").ok()
    assert 'url = "../../inner-store"' in config(inner) and remotes(project) == {}


def test_at_a_tag_from_before_the_remote_the_hint_says_how_to_take_it_over(project: Project, tmp_path: Path) -> None:
    project.save({"data/a": "one"}, tag="v1")
    project.dvcx("remote", "add", "-d", "store", str(tmp_path / "my store")).ok()
    project.commit(message="remote")
    project.dvcx("push", "--all-tags").ok()
    clone = project.clone(tmp_path / "clone")
    clone.git("checkout", "-q", "v1")
    for words in (["pull"], ["pull", "-r", "store"]):
        run = clone.dvcx(*words)
        assert run.code == 2
    (command,) = re.findall("`dvcx (.*?)`", run.err)
    clone.dvcx(*shlex.split(command)).ok()
    clone.dvcx("pull").ok()
    assert clone.files("data") == {"a": b"one"}


def test_an_option_that_no_folder_has_is_refused_before_it_breaks_the_remote(project: Project, tmp_path: Path) -> None:
    project.dvcx("remote", "add", "-d", "store", str(tmp_path / "store")).ok()
    run = project.dvcx("remote", "modify", "store", "compresion", "none")
    assert (run.code, "did you mean compression" in run.err) == (2, True)
    assert project.dvcx("remote", "modify", "store", "colour", "red").code == 2
    project.dvcx("remote", "modify", "store", "grace_days", "3").ok()


def test_a_push_of_nothing_says_so(project: Project, tmp_path: Path) -> None:
    project.dvcx("remote", "add", "-d", "store", str(tmp_path / "store")).ok()
    assert "nothing is tracked" in project.dvcx("push").ok().err


# Options, aliases and checks.


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("regoin", "eu-1"), "did you mean region?"),
        (("compresion", "none"), "did you mean compression?"),
        (("timeout", "soon"), "it takes a number of seconds"),
        (("addressing_style", "sideways"), "auto, path, virtual"),
    ],
)
def test_an_option_that_a_store_does_not_have_is_refused(project: Project, words: tuple[str, str], said: str) -> None:
    project.dvcx("remote", "add", "cloud", "s3://bucket/x").ok()
    before = config(project)
    for command in (("remote", "modify", "cloud", *words), ("config", f"remote.cloud.{words[0]}", words[1])):
        run = project.dvcx(*command)
        assert (run.code, said in run.err) == (2, True), run
    assert config(project) == before
    project.dvcx("remote", "modify", "cloud", "client_kwargs.region_name", "eu-1").ok()


def test_a_bad_option_of_the_tracked_file_is_told_when_the_remote_is_used_and_not_before(project: Project) -> None:
    project.add({"data/a": "one"})
    with (project.path / ".dvcx/config.toml").open("a") as file:
        file.write('[remote.cloud]\nurl = "https://127.0.0.1:9/x"\nheader = "x"\n')
    project.dvcx("status").ok()
    for words in (["push", "-r", "cloud"], ["fetch", "-r", "cloud"]):
        run = project.dvcx(*words)
        assert run.code == 2 and "did you mean headers?" in run.err, run


def test_ssh_settings_that_could_run_a_program_are_for_files_of_ones_own(project: Project) -> None:
    project.dvcx("remote", "add", "host", "ssh://host/x").ok()
    run = project.dvcx("remote", "modify", "host", "ssh_config", "evil")
    assert run.code == 6 and "--local" in run.err
    project.dvcx("remote", "modify", "--local", "host", "ssh_config", "mine").ok()


def test_a_remote_on_another_is_a_place_below_it(project: Project, tmp_path: Path) -> None:
    project.dvcx("remote", "add", "store", str(tmp_path / "store")).ok()
    project.dvcx("remote", "add", "-d", "owls", "remote://store/teams/owls").ok()
    (tmp_path / "store/teams").mkdir(parents=True)
    project.add({"data/a": "one"})
    project.dvcx("push").ok()
    assert (tmp_path / "store/teams/owls/dvcx.json").is_file()
    assert remotes(project)["owls"] == ("remote://store/teams/owls", True)
    for place, said in (("remote://stroe/x", "did you mean store?"), ("remote://owls/x", "itself")):
        run = project.dvcx("remote", "modify", "owls", "url", place)
        assert run.code == 2 and said in run.err, run


def test_who_lacks_the_remote_that_another_stands_on_is_told_to_add_it(project: Project, tmp_path: Path) -> None:
    project.dvcx("remote", "add", "--local", "lab", str(tmp_path / "lab")).ok()
    project.dvcx("remote", "add", "-d", "store", "remote://lab/owls").ok()
    (tmp_path / "lab").mkdir()
    project.save({"data/a": "one"})
    project.dvcx("push").ok()
    clone = project.clone(tmp_path / "clone")
    run = clone.dvcx("pull")
    assert run.code == 2 and "there is no remote lab here" in run.err, run
    assert "hint: `dvcx remote add --local lab URL`" in run.err, run
    clone.dvcx("remote", "add", "--local", "lab", str(tmp_path / "lab")).ok()
    clone.dvcx("pull").ok()


def test_a_check_tries_everything_and_leaves_nothing(project: Project, tmp_path: Path) -> None:
    project.dvcx("remote", "add", "-d", "store", str(tmp_path / "store")).ok()
    found = project.json("remote", "check")
    assert found["works"] and (found["name"], found["url"]) == ("store", str(tmp_path / "store"))
    assert {each["what"]: each["verdict"] for each in found["trials"]} == dict.fromkeys(
        ("read", "list", "write", "read back", "exclusive write", "clock", "delete"), "ok"
    )
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []
    run = project.dvcx("remote", "check", "store").ok()
    assert "the remote store works" in run.err and len(run.lines) == 8


def test_a_check_says_what_is_wrong_with_exit_code_5(project: Project, tmp_path: Path) -> None:
    project.dvcx("remote", "add", "-d", "store", str(tmp_path / "no/disk")).ok()
    run = project.dvcx("remote", "check")
    assert run.code == 5 and "failed" in run.out and "is its disk or share mounted?" in run.err
    assert project.dvcx("remote", "check", "stroe").code == 2


def test_a_library_that_is_missing_is_told_with_the_line_to_type(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sshfs", None)
    project.add({"data/a": "one"})
    added = project.dvcx("remote", "add", "-d", "host", "ssh://host/x").ok()
    assert "pip install 'git-dvcx[ssh]'" in added.err
    for words in (["push"], ["pull"], ["remote", "check"]):
        run = project.dvcx(*words)
        assert run.code == 5 and "pip install 'git-dvcx[ssh]'" in run.err, run


@pytest.mark.parametrize(
    ("url", "meant"),
    [("s3:/bucket/owls", "s3://bucket/owls"), ("ssh:host/owls", "ssh://host/owls"), ("GS:/b", "GS://b")],
)
def test_an_address_with_too_few_slashes_is_not_taken_for_a_folder(project: Project, url: str, meant: str) -> None:
    run = project.dvcx("remote", "add", "store", url)
    assert run.code == 2 and f"did you mean {meant}?" in run.err, run
    project.dvcx("remote", "add", "store", f"./{url}").ok()


def test_a_secret_for_everybody_is_refused_with_what_to_type(project: Project) -> None:
    project.dvcx("remote", "add", "store", "s3://bucket/owls").ok()
    run = project.dvcx("remote", "modify", "store", "secret_access_key", "abc")
    assert run.code == 6 and "`dvcx remote modify --local store secret_access_key -`" in run.err, run
    project.dvcx("remote", "modify", "--local", "store", "secret_access_key", "-", stdin="abc\n").ok()
    assert project.dvcx("remote", "add", "other", "https://ada:abc@host/x").code == 6
    assert "abc" not in (project.path / ".dvcx/config.toml").read_text()


def test_what_to_type_next_fits_the_remote(project: Project) -> None:
    assert "next: dvcx push -r store" in project.dvcx("remote", "add", "store", "s3://bucket/owls").err
    assert "next: dvcx pull -r public" in project.dvcx("remote", "add", "public", "https://host/owls").err
    assert "keeps nothing" in project.dvcx("remote", "add", "gone", "memory://x").err


def test_a_missing_library_that_dvcx_does_not_know_is_told_by_its_name(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("ocifs", "pyarrow", "pyarrow.fs"):
        monkeypatch.setitem(sys.modules, module, None)
    project.add({"data/a": "one"})
    for url, package in (("oci://bucket@space/x", "ocifs"), ("hdfs://host/x", "pyarrow")):
        project.dvcx("remote", "add", "--force", "store", url).ok()
        run = project.dvcx("push", "-r", "store")
        assert run.code == 5 and run.err.endswith(f"hint: pip install {package}\n"), run
