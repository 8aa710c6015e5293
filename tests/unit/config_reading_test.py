from __future__ import annotations

from pathlib import Path

import pytest

from dvcx.base.errors import UsageError
from dvcx.config.environment import variable_of
from dvcx.config.load import load_config
from dvcx.config.reading import entry_of, list_entries, shown_value
from dvcx.config.schema import (
    CacheConfig,
    Config,
    ConfigEntry,
    ConfigOrigin,
    CoreConfig,
    Level,
    RemoteConfig,
    TrashConfig,
)
from dvcx.config.settings import REMOTE_SETTINGS, SETTINGS


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "config.toml").write_text(
        "[core]\nremote = 'store'\n[remote.store]\nurl = 's3://b'\nkw = { region = 'eu', retries = [1] }\n"
    )
    (tmp_path / "config.local.toml").write_text(
        "[remote.store]\npassword = 'hunter2'\nproxy = 'http://me:hunter2@proxy:3128/'\n"
        "more = { token = 'hunter2', x = 1 }\n"
    )
    return load_config(tmp_path, {})


def test_a_key_gives_its_value_and_origin(config: Config, tmp_path: Path) -> None:
    origin = ConfigOrigin(Level.PROJECT, str(tmp_path / "config.toml"))
    assert entry_of(config, "core.remote") == ConfigEntry("core.remote", "store", origin)
    assert entry_of(config, "remote.store.kw.region") == ConfigEntry("remote.store.kw.region", "eu", origin)
    assert entry_of(config, "trash.keep_days") == ConfigEntry("trash.keep_days", 30, ConfigOrigin(Level.DEFAULT, ""))
    assert entry_of(config, "remote.store.grace_days") is not None
    for unset in (
        "cache.dir",
        "remote.store.nothing",
        "remote.nowhere.grace_days",
        "remote.store.kw.no",
        "remote.store.url2",
    ):
        assert entry_of(config, unset) is None


def test_an_unknown_key_says_which_was_meant(config: Config) -> None:
    with pytest.raises(UsageError) as caught:
        entry_of(config, "cache.tpye")
    assert caught.value.hint == "did you mean cache.type?"


def test_a_list_has_what_is_set_and_on_request_the_defaults(config: Config) -> None:
    keys = [entry.key for entry in list_entries(config)]
    assert keys == [
        "core.remote",
        *(f"remote.store.{name}" for name in ("kw", "more", "password", "proxy", "url")),
    ]
    everything = {entry.key for entry in list_entries(config, with_defaults=True)}
    assert everything >= {key for key, setting in SETTINGS.items() if setting.default is not None}
    assert "remote.store.compression" in everything


def test_secrets_are_never_shown(config: Config) -> None:
    shown = {entry.key.rsplit(".", 1)[-1]: shown_value(entry) for entry in list_entries(config)}
    assert "hunter2" not in str(shown)
    assert shown["password"] == "***"
    assert shown["proxy"] == "http://me:***@proxy:3128/"
    assert shown["more"] == {"token": "***", "x": 1}
    assert shown["url"] == "s3://b"


def test_the_table_of_settings_and_the_values_agree() -> None:
    config = Config()
    values = {
        f"{section}.{name}": getattr(part, name)
        for section, part in (
            ("core", config.core),
            ("cache", config.cache),
            ("trash", config.trash),
            ("git", config.git),
            ("parsing", config.parsing),
            ("repro", config.repro),
        )
        for name in type(part).__slots__
    }
    assert values == {key: setting.default for key, setting in SETTINGS.items()}
    remote = RemoteConfig("x", "y")
    for name in ("compression", "grace_days"):
        assert getattr(remote, name) == REMOTE_SETTINGS[name].default
    for key, setting in {**SETTINGS, **REMOTE_SETTINGS}.items():
        assert setting.key == key and setting.about.endswith(".")
        if setting.default is not None:
            default = list(setting.default) if isinstance(setting.default, tuple) else setting.default
            assert setting.checked(default) == setting.default
    assert (config.core, config.cache, config.trash) == (CoreConfig(), CacheConfig(), TrashConfig())


def test_variables_are_named_after_their_keys() -> None:
    assert variable_of("core.lock_timeout") == "DVCX_CORE_LOCK_TIMEOUT"
    assert variable_of("remote.my-store.url") == "DVCX_REMOTE_MY_STORE_URL"
