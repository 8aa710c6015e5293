"""What the options of SSH remotes do, on a real server."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.project import Project
from tests.servers.projects import use_place
from tests.servers.stores import Place, new_place


@pytest.fixture
def place() -> Place:
    return new_place("ssh")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.make(tmp_path / "project")
    project.save({"data/a": "one"})
    return project


@pytest.mark.servers
def test_a_key_with_a_passphrase_is_unlocked(project: Project, place: Place, tmp_path: Path) -> None:
    key = tmp_path / "locked"
    key.write_bytes(Path(str(place.options["key_file"])).read_bytes())
    key.chmod(0o600)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "opensesame", "-f", key], check=True, capture_output=True)
    use_place(project, replace(place, options={**place.options, "key_file": str(key)}))
    run = project.dvcx("push")
    assert run.code == 5 and "assphrase must be specified" in run.err, run
    project.dvcx("remote", "modify", "--local", "store", "passphrase", "-", stdin="opensesame\n").ok()
    project.dvcx("push").ok()


@pytest.mark.servers
def test_a_host_to_go_through_is_known_by_the_same_file_and_key(project: Project, place: Place, tmp_path: Path) -> None:
    user, _, rest = place.url.removeprefix("ssh://").partition("@")
    jump = f"{user}@{rest.partition('/')[0]}"
    inner = rest.partition(":")[2].partition("/")
    url = f"ssh://{user}@localhost:{inner[0]}/{inner[2]}"  # known under this name by nobody but the jump host's file
    hosts = tmp_path / "hosts"
    known = Path(str(place.options["known_hosts"])).read_text()
    hosts.write_text(known + known.replace("[127.0.0.1]", "[localhost]"))
    options = {**place.options, "known_hosts": str(hosts), "proxy_jump": f"{jump},{jump}"}
    use_place(project, replace(place, url=url, options=options))
    project.dvcx("push").ok()
    hosts.write_text(known.replace("[127.0.0.1]", "[localhost]"))
    assert "the key of the host 127.0.0.1 is not known" in project.dvcx("fetch").err
    hosts.write_text(known)
    assert "the key of the host localhost is not known" in project.dvcx("fetch").err
