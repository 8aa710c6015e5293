from __future__ import annotations

from pathlib import Path

import pytest

from dvcx.config.load import load_config
from dvcx.config.schema import Config


def load(tmp_path: Path, tracked: str, local: str = "") -> Config:
    folder = tmp_path / "project/.dvcx"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(tracked)
    (folder / "config.local.toml").write_text(local)
    return load_config(folder, {})


BASE = '[remote.store]\nurl = "s3://bucket/data"\nendpoint_url = "https://good"\nregion = "r1"\n'
SECRET = '[remote.store]\nsecret = "hunter22"\nsecrets_for = "s3://bucket endpoint_url=https://good"\n'


def test_a_remote_on_a_remote_has_its_place_and_its_options(tmp_path: Path) -> None:
    config = load(tmp_path, f'[remote.team]\nurl = "remote://store/teams/owls/"\nregion = "r2"\n{BASE}', SECRET)
    team = config.remotes["team"]
    assert team.url == "s3://bucket/data/teams/owls"
    assert dict(team.options) == {"endpoint_url": "https://good", "region": "r2", "secret": "hunter22"}
    assert config.remotes["store"].url == "s3://bucket/data" and config.warnings == ()


def test_one_can_stand_on_another_that_stands_on_a_folder(tmp_path: Path) -> None:
    tracked = '[remote.c]\nurl = "remote://b/y"\n[remote.b]\nurl = "remote://a/x"\n[remote.a]\nurl = "../store"\n'
    config = load(tmp_path, tracked)
    assert config.remotes["c"].url == f"{tmp_path}/store/x/y"


def test_the_base_itself_is_meant_without_a_folder(tmp_path: Path) -> None:
    assert load(tmp_path, f'{BASE}[remote.same]\nurl = "remote://store"\n').remotes["same"].url == "s3://bucket/data"


@pytest.mark.parametrize(
    ("tracked", "said"),
    [
        ('[remote.a]\nurl = "remote://gone/x"\n', "no remote gone"),
        ('[remote.a]\nurl = "remote://a/x"\n', "stands on itself"),
        ('[remote.a]\nurl = "remote://b/x"\n[remote.b]\nurl = "remote://a/x"\n', "stands on itself"),
        ('[remote.a]\nurl = "remote:///x"\n', "names no remote"),
    ],
)
def test_what_cannot_be_resolved_is_not_used_and_told(tmp_path: Path, tracked: str, said: str) -> None:
    config = load(tmp_path, tracked)
    assert dict(config.remotes) == {} and any(said in warning for warning in config.warnings)


@pytest.mark.parametrize(
    "evil", ['endpoint_url = "https://evil"', 'proxy = "http://evil"', "ssl_verify = false", 'account_host = "evil"']
)
def test_a_secret_does_not_follow_to_an_address_of_the_alias(tmp_path: Path, evil: str) -> None:
    config = load(tmp_path, f'{BASE}[remote.team]\nurl = "remote://store/x"\n{evil}\n', SECRET)
    assert "secret" not in config.remotes["team"].options
    assert config.remotes["store"].options["secret"] == "hunter22"
    assert any("does not get secret" in warning for warning in config.warnings)


def test_a_secret_of_the_alias_is_for_the_real_address(tmp_path: Path) -> None:
    alias = '[remote.team]\nurl = "remote://store/x"\n'
    local = '[remote.team]\nsecret = "mine"\nsecrets_for = "s3://bucket endpoint_url=https://good"\n'
    assert load(tmp_path, BASE + alias, local).remotes["team"].options["secret"] == "mine"
    moved = load(tmp_path, BASE.replace("good", "evil") + alias, local).remotes["team"]
    assert "secret" not in moved.options and moved.withheld == ("secret",)
