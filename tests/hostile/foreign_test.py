"""Projects of others that lie: nothing of them runs here, and nothing goes where they say."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import dvcx
from tests.project import Project


@pytest.fixture
def victim(tmp_path: Path) -> Project:
    """Somebody who takes data from others."""
    return Project.make(tmp_path / "victim")


@pytest.fixture
def foreign(tmp_path: Path) -> Project:
    """A project whose data is on its remote, and which partial clones can read."""
    project = Project.make(tmp_path / "foreign")
    project.dvcx("remote", "add", "-d", "store", str(tmp_path / "store")).ok()
    project.save({"data/a": "one"}, "data")
    project.dvcx("push").ok()
    project.git("config", "uploadpack.allowFilter", "true")
    return project


def address(project: Project) -> str:
    return f"file://{project.path}"


SOURCES = (
    "ext::sh -c 'touch {}'",
    "ext::touch {}",
    "fd::17",
    "--upload-pack=touch {}",
    "-oProxyCommand=touch {}",
    "ssh://-oProxyCommand=touch {}/x",
    "https://host/x\n-c core.sshCommand=touch",
    "file::file:///tmp/x",
)


@pytest.mark.parametrize("source", SOURCES)
def test_no_address_runs_a_program(victim: Project, source: str) -> None:
    mark = victim.path / "mark"
    source = source.format(mark)
    for words in (["get"], ["import"], ["ls"]):
        run = victim.dvcx(*words, "--", source, "data")
        assert run.code in (1, 2, 5) and "Traceback" not in run.err, run.err
    with pytest.raises(dvcx.DvcxError):
        dvcx.read("data", source)
    victim.add({"data": "x"})
    pointer = victim.read("data.dvcx").decode() + "source: " + json.dumps({"repo": source, "path": "data"}) + "\n"
    victim.write("data.dvcx", pointer)
    run = victim.dvcx("update", "data")
    assert run.code in (1, 2, 3, 5) and "Traceback" not in run.err
    assert not mark.exists()


def test_no_revision_acts_as_an_option(victim: Project, foreign: Project) -> None:
    mark = victim.path / "mark"
    for revision in (f"--upload-pack=touch {mark}", f"--exec=touch {mark}", "-h", "main:x", "+main:refs/heads/x", "*"):
        run = victim.dvcx("get", address(foreign), "data", f"--rev={revision}")
        assert run.code in (1, 2, 5) and "Traceback" not in run.err, (revision, run.err)
    assert not mark.exists()


def test_hooks_filters_and_configuration_of_a_repository_do_nothing(
    victim: Project, foreign: Project, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    for hook in ("post-checkout", "post-merge", "reference-transaction", "post-index-change"):
        path = foreign.path / ".git/hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch {mark}\n")
        path.chmod(0o755)
    foreign.git("config", "core.fsmonitor", f"touch {mark}")
    foreign.git("config", "filter.evil.smudge", f"touch {mark}")
    (foreign.path / ".gitattributes").write_text("* filter=evil\n")
    for where in (address(foreign), "../foreign"):
        assert victim.dvcx("ls", where, "data").ok().lines == ["a"]
        victim.dvcx("get", "-f", where, "data/a").ok()
        victim.dvcx("get", "-f", where, ".dvcxignore", "-o", "ignore").ok()
    assert not mark.exists()


@pytest.mark.parametrize(
    ("url", "more"),
    [
        ("s3://bucket/x", 'endpoint_url = "https://evil.example"'),
        ("gs://bucket/x", 'endpoint_url = "https://evil.example"'),
        ("https://evil.example/x", 'proxy = "http://evil.example"'),
        ("simplecache::s3://bucket/x", ""),
        ("reference://x", 'fo = "/etc/passwd"'),
        ("github://a:b@c/", ""),
    ],
)
def test_a_remote_that_could_lead_credentials_elsewhere_is_not_used(
    victim: Project, foreign: Project, url: str, more: str
) -> None:
    foreign.write(".dvcx/config.toml", f'[core]\nformat = 1\nremote = "evil"\n[remote.evil]\nurl = "{url}"\n{more}\n')
    foreign.commit(message="evil")
    run = victim.dvcx("get", address(foreign), "data")
    assert run.code == 6 and "is not used" in run.err and "dvcx remote add" in run.err
    with pytest.raises(dvcx.Refused):
        dvcx.read("data/a", address(foreign))


def test_ones_own_settings_for_the_same_address_are_used(victim: Project, foreign: Project, tmp_path: Path) -> None:
    """What is refused on another's word is fine when the user says it."""
    from dvcx.repo.foreign import open_foreign

    text = (
        '[core]\nformat = 1\nremote = "m"\n[remote.m]\nurl = "s3://bucket/x"\nendpoint_url = "https://evil.example"\n'
    )
    foreign.write(".dvcx/config.toml", text)
    foreign.commit(message="an endpoint")
    victim.dvcx("remote", "add", "mine", "s3://bucket/x").ok()
    victim.dvcx("remote", "modify", "mine", "endpoint_url", "https://mine.example").ok()
    opened = open_foreign(address(foreign), None, victim.path, os.environ)
    assert dict(opened.repo.config.remotes["m"].options) == {"endpoint_url": "https://mine.example"}
    assert not opened.refused


def test_no_path_leads_out(victim: Project, foreign: Project) -> None:
    for path in ("../../etc/passwd", "/etc/passwd", "data/../../x", ".git/config", "..", "data/a/../../../etc/passwd"):
        for where in (address(foreign), "../foreign"):
            run = victim.dvcx("get", where, path, "-o", "out")
            assert run.code in (2, 6) and not (victim.path / "out").exists(), (path, run.err)
            with pytest.raises(dvcx.DvcxError):
                dvcx.read(path, foreign.path, "HEAD")


def test_passwords_in_addresses_are_refused_and_not_repeated(victim: Project) -> None:
    run = victim.dvcx("get", "https://ada:hunter2@host.invalid/x.git", "data")
    assert run.code == 2 and "hunter2" not in run.err and "credential" in run.err


def test_a_link_in_the_workspace_that_leads_out_is_not_read(victim: Project, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    victim.save({"data/a": "one"}, "data")
    (victim.path / "data/a").unlink()
    (victim.path / "data/a").symlink_to(tmp_path / "secret")
    with pytest.raises(dvcx.Refused):
        dvcx.read("data/a", victim.path)
    assert dvcx.read("data/a", victim.path, "HEAD") == b"one"


def test_a_relative_folder_means_nothing_on_another_machine() -> None:
    from dvcx.config.load import load_text

    text = '[core]\nformat = 1\n[remote.near]\nurl = "../store"\n[remote.far]\nurl = "s3://bucket/x"\npassword = "x"\n'
    found = load_text(text, "config.toml of https://host/x", None)
    assert list(found.remotes) == ["far"] and not found.remotes["far"].options
    assert any("remote.near.url" in warning for warning in found.warnings)
    assert any("remote.far.password" in warning for warning in found.warnings)
    here = load_text(text, "config.toml of /there", Path("/there"))
    assert here.remotes["near"].url == "/store"
