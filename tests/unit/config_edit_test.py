from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvcx.base.errors import DamagedData, DvcxError, Refused, UsageError
from dvcx.config.edit import has_key, remove_section, rename_section, set_value, set_values, unset_value
from dvcx.config.files import ConfigFile, config_files
from dvcx.config.load import load_config
from dvcx.config.schema import Level

WITH_COMMENTS = """\
# our project
[core]
format = 1   # do not touch
remote = "store"

[remote.store]  # the big one
url = "s3://bucket"

# the end
"""


@pytest.fixture
def project(tmp_path: Path) -> ConfigFile:
    (tmp_path / ".dvcx").mkdir()
    return ConfigFile(tmp_path / ".dvcx/config.toml", Level.PROJECT)


@pytest.fixture
def local(project: ConfigFile) -> ConfigFile:
    return ConfigFile(project.path.with_name("config.local.toml"), Level.LOCAL)


def tables(file: ConfigFile) -> dict[str, object]:
    return tomllib.loads(file.path.read_text())


def test_a_new_file_reads_as_a_person_would_write_it(project: ConfigFile) -> None:
    set_value(project, "core.remote", "store")
    set_values(project, {"remote.store.url": "/mnt/store", "remote.store.grace_days": "3"})
    set_value(project, "remote.other.url", "s3://x")
    assert project.path.read_text() == (
        '[core]\nremote = "store"\n\n[remote.store]\nurl = "/mnt/store"\ngrace_days = 3\n\n[remote.other]\nurl = "s3://x"\n'
    )


def test_comments_and_order_stay(project: ConfigFile) -> None:
    project.path.write_text(WITH_COMMENTS)
    set_value(project, "core.remote", "other")
    assert project.path.read_text() == WITH_COMMENTS.replace('remote = "store"', 'remote = "other"')
    set_value(project, "core.remote", "store")
    assert project.path.read_text() == WITH_COMMENTS
    set_value(project, "remote.store.compression", "none")
    unset_value(project, "remote.store.compression")
    assert "# the end" in project.path.read_text()


def test_windows_line_ends_stay(project: ConfigFile) -> None:
    project.path.write_bytes(WITH_COMMENTS.replace("\n", "\r\n").encode())
    set_value(project, "core.remote", "other")
    written = project.path.read_bytes()
    assert written == WITH_COMMENTS.replace('remote = "store"', 'remote = "other"').replace("\n", "\r\n").encode()


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("core.portable_names", "no", False),
        ("core.portable_names", "TRUE", True),
        ("core.lock_timeout", "2.5", 2.5),
        ("core.lock_timeout", "60", 60),
        ("cache.type", "hardlink,copy", ["hardlink", "copy"]),
        ("cache.type", " symlink ", ["symlink"]),
        ("cache.pack_below", "0", 0),
        ("remote.s.url", "a b/ü", "a b/ü"),
        ("remote.s.anon", "true", True),
        ("remote.s.port", "22", 22),
        ("remote.s.region", "0123", "0123"),
        ("remote.s.name", '"22"', "22"),
        ("remote.s.quote", 'say "hi"\\', 'say "hi"\\'),
        ("remote.s.kw", '{a = 1, b = ["x"]}', {"a": 1, "b": ["x"]}),
    ],
)
def test_texts_become_the_values_that_the_setting_takes(
    project: ConfigFile, key: str, text: str, value: object
) -> None:
    set_value(project, key, text)
    section, _, name = key.rpartition(".")
    found: object = tables(project)
    for part in section.split("."):
        assert isinstance(found, dict)
        found = found[part]
    assert isinstance(found, dict)
    assert found == {name: value} and type(found[name]) is type(value)
    load_config(project.path.parent, {})


def test_a_key_inside_of_a_table_option_is_set_alone(project: ConfigFile) -> None:
    set_value(project, "remote.s.client_kwargs.region_name", "eu")
    set_value(project, "remote.s.client_kwargs.verify", "false")
    assert tables(project) == {"remote": {"s": {"client_kwargs": {"region_name": "eu", "verify": False}}}}


@pytest.mark.parametrize(
    ("key", "text", "hint"),
    [
        ("core.remot", "x", "did you mean core.remote?"),
        ("cor.remote", "x", "did you mean core.remote?"),
        ("lock_timeout", "3", "did you mean core.lock_timeout?"),
        ("type", "copy", "did you mean cache.type?"),
        ("core", "x", "the settings are"),
        ("future.key", "x", "the settings are"),
        ("remote.x", "s3://x", "settings of remotes look like remote.NAME.url"),
        ("remote.a b.url", "x", "keys look like"),
        ('remote."a b".url', "x", "names are made of"),
        ("remote.x.url.y", "x", "remote.x.url has no parts"),
        ("", "x", "keys look like"),
        ("core..remote", "x", "keys look like"),
        ("core.remote=1\n[core]", "x", "keys look like"),
        ("core.durability", "slow", "it takes full, fast"),
        ("core.portable_names", "perhaps", "it takes true or false"),
        ("cache.type", "copy,copy", "it takes one or more of"),
        ("cache.type", "", "it takes one or more of"),
        ("core.lock_timeout", "-3", "it takes a number"),
        ("core.lock_timeout", "nan", "it takes a number"),
        ("remote.x.compression", "zstd:99", "it takes none, zstd, or zstd:1 to zstd:19"),
        ("remote.x.url", "", "it takes a text"),
        ("remote.x.url", "me@host:data", "for SSH write ssh://me@host/data"),
        ("remote.x.opt", "[1", "close its quotes"),
    ],
)
def test_bad_keys_and_values_are_usage_errors_and_nothing_is_written(
    project: ConfigFile, key: str, text: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        set_values(project, {"core.remote": "fine", key: text})
    assert (caught.value.hint or "").startswith(hint)
    assert not project.path.exists()


def test_secrets_and_commands_go_to_the_local_file_only(project: ConfigFile, local: ConfigFile) -> None:
    for key, text in {
        "remote.store.password": "x",
        "remote.store.client_kwargs.aws_secret_access_key": "x",
        "remote.store.client_kwargs": "{token = 'x'}",
        "remote.store.url": "ftp://me:pass@host/",
        "remote.store.proxy_command": "nc",
    }.items():
        with pytest.raises(Refused) as caught:
            set_value(project, key, text)
        assert "--local" in (caught.value.hint or "")
        set_value(local, key, text)
    assert not project.path.exists()


def test_files_with_secrets_are_for_their_owner_alone(project: ConfigFile, local: ConfigFile) -> None:
    set_value(local, "remote.store.password", "x")
    assert stat.S_IMODE(local.path.stat().st_mode) == 0o600
    local.path.chmod(0o644)
    set_value(local, "remote.store.password", "y")
    assert stat.S_IMODE(local.path.stat().st_mode) == 0o600
    set_value(project, "core.remote", "x")
    assert stat.S_IMODE(project.path.stat().st_mode) & 0o044


def test_a_password_of_digits_stays_a_text(local: ConfigFile) -> None:
    set_value(local, "remote.store.password", "0042")
    set_value(local, "remote.store.token", "42")
    assert tables(local) == {"remote": {"store": {"password": "0042", "token": "42"}}}


def test_a_secret_is_tied_to_the_address_of_its_remote(project: ConfigFile, local: ConfigFile) -> None:
    set_values(project, {"remote.store.url": "s3://bucket/x", "remote.store.endpoint_url": "https://good"})
    folder = project.path.parent
    set_value(local, "remote.store.secret", "x", load_config(folder, {}))
    assert tables(local) == {
        "remote": {"store": {"secret": "x", "secrets_for": "s3://bucket endpoint_url=https://good"}}
    }
    assert load_config(folder, {}).remotes["store"].withheld == ()
    set_value(project, "remote.store.endpoint_url", "https://evil")
    assert load_config(folder, {}).remotes["store"].withheld == ("secret",)
    set_value(local, "remote.store.secret", "x", load_config(folder, {}))
    assert load_config(folder, {}).remotes["store"].withheld == ()


def test_what_belongs_to_the_project_is_not_set_elsewhere(local: ConfigFile, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="same in every clone"):
        set_value(local, "core.hash", "sha256")
    for key in ("cache.dir", "remote.x.url"):
        with pytest.raises(UsageError, match="relative path"):
            set_value(ConfigFile(tmp_path / "global.toml", Level.GLOBAL), key, "relative")


def test_unsetting_takes_the_empty_section_along(project: ConfigFile) -> None:
    set_values(project, {"core.remote": "a", "trash.keep_days": "3", "remote.a.url": "x", "remote.b.url": "y"})
    unset_value(project, "trash.keep_days")
    unset_value(project, "remote.a.url")
    assert tables(project) == {"core": {"remote": "a"}, "remote": {"b": {"url": "y"}}}
    remove_section(project, "remote.b")
    assert project.path.read_text().strip() == '[core]\nremote = "a"'


def test_unsetting_also_removes_what_this_dvcx_does_not_know(project: ConfigFile) -> None:
    project.path.write_text("[future]\na = 1\n[core]\nremot = 'x'\n")
    unset_value(project, "core.remot")
    remove_section(project, "future")
    assert tables(project) == {}


def test_unsetting_what_is_not_there_says_what_is(project: ConfigFile) -> None:
    project.path.write_text(WITH_COMMENTS)
    with pytest.raises(UsageError, match="not set in") as caught:
        unset_value(project, "remote.stor.url")
    assert caught.value.hint == "did you mean remote.store.url?"
    assert has_key(project, "remote.store") and not has_key(project, "remote.stor")


@pytest.mark.parametrize(
    "text",
    [
        WITH_COMMENTS,
        (
            "[remote.'store'.kw]\na = 1\n[core]\nremote = 'store'\n"
            "[ remote . \"store\" ]\nurl = 'x'\n[remote.storehouse]\nurl = 'y'\n"
        ),
    ],
)
def test_renaming_a_remote_keeps_all_it_has(project: ConfigFile, text: str) -> None:
    project.path.write_text(text)
    before = tables(project)
    rename_section(project, "remote.store", "remote.new")
    remotes = before["remote"]
    assert isinstance(remotes, dict)
    assert tables(project) == before | {
        "remote": {"new" if name == "store" else name: table for name, table in remotes.items()}
    }
    assert project.path.read_text().count("#") == text.count("#")


def test_a_remote_is_not_renamed_over_another_or_to_no_name(project: ConfigFile) -> None:
    project.path.write_text("[remote.a]\nurl = 'x'\n[remote.b]\nurl = 'y'\n")
    for old, new in [
        ("remote.a", "remote.b"),
        ("remote.c", "remote.d"),
        ("remote.a", 'remote."x y"'),
        ("core", "core.x"),
    ]:
        with pytest.raises(UsageError):
            rename_section(project, old, new)
    assert project.path.read_text() == "[remote.a]\nurl = 'x'\n[remote.b]\nurl = 'y'\n"


def test_a_file_that_renaming_cannot_follow_is_left_alone(project: ConfigFile) -> None:
    project.path.write_text("remote = { a = { url = 'x' } }\n")
    with pytest.raises(DvcxError, match="cannot be edited safely"):
        rename_section(project, "remote.a", "remote.b")
    assert project.path.read_text() == "remote = { a = { url = 'x' } }\n"


def test_a_damaged_file_is_not_overwritten(project: ConfigFile) -> None:
    project.path.write_text("[core\n")
    with pytest.raises(DamagedData):
        set_value(project, "core.remote", "x")
    assert project.path.read_text() == "[core\n"


def test_the_global_file_is_made_with_its_folder_and_a_link_to_it_stays(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path / "home")}
    file = config_files(None, environ)[Level.GLOBAL]
    set_value(file, "trash.keep_days", "3")
    dotfiles = tmp_path / "dotfiles.toml"
    os.replace(file.path, dotfiles)
    file.path.symlink_to(dotfiles)
    set_value(file, "trash.keep_days", "4")
    assert file.path.is_symlink()
    assert load_config(None, environ).trash.keep_days == 4


KEYS = st.sampled_from(
    ["core.remote", "cache.dir", "remote.a.url", "remote.b.url", "remote.a.opt", "remote.a.kw.x", "remote.b.kw.y"]
)
FILES = st.permutations(
    [
        "[core]\nformat = 1 # one\n",
        "[remote.a]\nurl = 'x'\n",
        "# between\n[cache]\n\ndir = '/x'\n",
        "[remote.b.kw]\ny = 'z'\n",
        "[remote.b]\nurl = 'y'\n",
        "[future]\na.b.c = 1\n",
    ]
)


@settings(max_examples=40, deadline=None)
@given(
    parts=FILES,
    count=st.integers(0, 6),
    edits=st.lists(st.tuples(KEYS, st.sampled_from(["new", "other", None])), max_size=5),
)
def test_editing_changes_the_named_key_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], count: int, edits: list[tuple[str, str | None]]
) -> None:
    file = ConfigFile(tmp_path_factory.mktemp("edit") / "config.toml", Level.PROJECT)
    file.path.write_text("\n".join(parts[:count]))
    for key, text in edits:
        before = flat(tables(file))
        if text is None:
            if not has_key(file, key):
                continue
            unset_value(file, key)
            del before[key]
        else:
            set_value(file, key, text)
            before[key] = text
        assert flat(tables(file)) == before
        assert file.path.read_text().count("#") >= (1 if "# one" in "".join(parts[:count]) else 0)


def flat(values: dict[str, object], above: str = "") -> dict[str, object]:
    """The tables as one level of dotted keys."""
    result: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            result |= flat(value, f"{above}{name}.")
        else:
            result[above + name] = value
    return result
