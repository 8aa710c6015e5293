"""The page of every kind of remote, followed line by line with a place on a real server in place of the examples."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.docs.remote_options import FOLDER
from tests.project import Project
from tests.servers.projects import behind, use_place
from tests.servers.stores import AZURE_KEY, KEY, SECRET, Place, marked, new_place

_RUN = re.compile(r"<!-- run: \w+ -->\n```sh\n(.*?)```", re.DOTALL)


def instead(kind: str, place: Place, home: Path) -> tuple[Mapping[str, str], str, Mapping[str, str]]:
    """Gives what stands in for the examples of a page, the secret to type, and variables that no user would need."""
    options = {name: str(value) for name, value in place.options.items()}
    if kind.startswith("s3"):
        words = {"s3://my-bucket/owls": place.url, "https://s3.example.org": options["endpoint_url"]}
        return {**words, "eu-central-1": "us-east-1", "AKIAEXAMPLE": KEY}, SECRET, {}
    if kind == "gcs":
        (home / "keys").mkdir()
        (home / "keys/owls.json").write_text("{}")
        variables = {"DVCX_REMOTE_STORE_ENDPOINT_URL": options["endpoint_url"], "DVCX_REMOTE_STORE_ANON": "true"}
        return {"gs://my-bucket/owls": place.url, "my-project": "p"}, "", variables
    if kind == "azure":
        words = {"az://my-container/owls": place.url, "https://azurite.example.org/myaccount": options["endpoint_url"]}
        return {**words, "myaccount": "dvcx"}, AZURE_KEY, {}
    if kind == "ssh":
        variables = {"DVCX_REMOTE_STORE_KNOWN_HOSTS": options["known_hosts"], "DVCX_REMOTE_STORE_AGENT": "false"}
        words = {"ssh://ada@data.example.org:2222/srv/owls": place.url, "~/.ssh/id_owls": options["key_file"]}
        return words, "", variables
    if kind == "webdav":
        url = "webdavs://cloud.example.org/remote.php/dav/files/ada/owls"
        return {url: place.url, "ada": "u"}, options["password"], {}
    return {"https://data.example.org/owls": place.url}, "", {}


@pytest.mark.parametrize("kind", marked())
def test_the_page_works_line_by_line(kind: str, tmp_path: Path, home: Path) -> None:
    follow(FOLDER / f"{kind.partition('-')[0]}.md", kind, tmp_path, home)


@pytest.mark.servers
def test_the_example_of_the_readme_works_line_by_line(tmp_path: Path, home: Path) -> None:
    follow(ROOT / "README.md", "s3-rclone", tmp_path, home)


def follow(path: Path, kind: str, tmp_path: Path, home: Path) -> None:
    """Runs what the page says, and pulls into a clone what it pushed."""
    page = path.read_text(encoding="utf-8")
    found = _RUN.search(page)
    assert found is not None
    place = new_place(kind)
    project = Project.make(tmp_path / "project")
    project.save({"data/a": "one"})
    if kind == "http":
        use_place(project, behind(place), "filled")
        project.dvcx("push").ok()
    words, secret, variables = instead(kind, place, home)
    lines = [line for line in found.group(1).splitlines() if line.startswith("dvcx ")]
    assert lines == found.group(1).splitlines() and len(lines) >= 3
    for number, line in enumerate(lines):
        typed = shlex.split(line)[1:]
        typed = [words.get(word, word) for word in typed]
        project.dvcx(*typed, stdin=f"{secret}\n", environment=variables if number else {}).ok()
    secrets = (project.path / ".dvcx/config.toml").read_text()
    assert not secret or secret not in secrets
    clone = project.clone(tmp_path / "clone")
    local = project.path / ".dvcx/config.local.toml"
    if local.exists():
        clone.write(".dvcx/config.local.toml", local.read_text())
    clone.write(".dvcx/config.toml", secrets)
    clone.dvcx("pull", environment=variables).ok()
    assert clone.read("data/a") == b"one"
