from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from dvcx.base.errors import DamagedData, DvcxError, Refused, UsageError
from dvcx.config.load import load_config
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
from dvcx.config.settings import ConfigValue


class Project:
    """A `.dvcx` folder and a home, whose configuration files a test writes."""

    def __init__(self, root: Path) -> None:
        self.root = root / "project"
        self.folder = self.root / ".dvcx"
        self.folder.mkdir(parents=True)
        self.environ = {"HOME": str(root / "home"), "XDG_CONFIG_HOME": str(root / "home/.config")}
        (root / "home/.config/dvcx").mkdir(parents=True)
        self.project = self.folder / "config.toml"
        self.local = self.folder / "config.local.toml"
        self.general = root / "home/.config/dvcx/config.toml"

    def load(self, **variables: str) -> Config:
        return load_config(self.folder, {**self.environ, **variables})


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_without_any_file_everything_is_default(project: Project) -> None:
    assert project.load() == Config()
    assert load_config(None, {}) == Config()


def test_all_settings_of_a_file_are_read(project: Project) -> None:
    project.project.write_text("""
        [core]
        format = 1
        hash = "sha256"
        remote = "store"
        durability = "fast"
        lock_timeout = 2.5
        portable_names = false
        [cache]
        dir = "/disk/shared"
        type = ["hardlink", "copy"]
        pack_below = 1024
        [trash]
        keep_days = 7
        [remote.store]
        url = "s3://bucket/path"
        compression = "none"
        grace_days = 1
        anon = true
        client_kwargs = { region_name = "eu", retries = [1, 2] }
    """)
    config = project.load()
    assert config.core == CoreConfig(1, "sha256", "store", "fast", 2.5, False)
    assert config.cache == CacheConfig("/disk/shared", ("hardlink", "copy"), 1024)
    assert config.trash == TrashConfig(7)
    options: dict[str, ConfigValue] = {"anon": True, "client_kwargs": {"region_name": "eu", "retries": [1, 2]}}
    assert config.remotes == {"store": RemoteConfig("store", "s3://bucket/path", "none", 1, options)}
    assert config.warnings == ()


def test_later_levels_override_earlier_ones_key_by_key(project: Project) -> None:
    project.general.write_text('[core]\nremote = "a"\nlock_timeout = 1\n[trash]\nkeep_days = 1\n')
    project.project.write_text(
        '[core]\nremote = "b"\n[remote.b]\nurl = "s3://b"\ngrace_days = 3\n[trash]\nkeep_days = 2\n'
    )
    project.local.write_text('[remote.b]\nurl = "s3://c"\n[trash]\nkeep_days = 3\n')
    config = project.load(DVCX_TRASH_KEEP_DAYS="4", DVCX_CORE_PORTABLE_NAMES="no", DVCX_CACHE_TYPE="symlink, copy")
    assert config.core == CoreConfig(remote="b", lock_timeout=1.0, portable_names=False)
    assert config.cache.type == ("symlink", "copy")
    assert config.trash.keep_days == 4
    assert config.remotes["b"] == RemoteConfig("b", "s3://c", grace_days=3)
    assert config.entries["core.remote"] == ConfigEntry(
        "core.remote", "b", ConfigOrigin(Level.PROJECT, str(project.project))
    )
    assert config.entries["core.lock_timeout"].origin == ConfigOrigin(Level.GLOBAL, str(project.general))
    assert config.entries["remote.b.url"].origin.level is Level.LOCAL
    assert config.entries["trash.keep_days"].origin == ConfigOrigin(Level.ENVIRONMENT, "DVCX_TRASH_KEEP_DAYS")


@pytest.mark.parametrize(
    ("written", "loaded"),
    [
        ("store", "ROOT/store"),
        ("../beside", "ROOT/../beside"),
        ("/abs/./x", "/abs/x"),
        ("~/store", "HOME/store"),
        ("~other/store", "ROOT/~other/store"),
        ("a b/ü", "ROOT/a b/ü"),
        ("s3://bucket/../x", "s3://bucket/../x"),
        ("file:///mnt/x", "file:///mnt/x"),
    ],
)
def test_folders_start_at_the_project_root_and_urls_stay(project: Project, written: str, loaded: str) -> None:
    project.project.write_text(f'[remote.r]\nurl = "{written}"\n')
    expected = loaded.replace("ROOT", str(project.root)).replace("HOME", project.environ["HOME"])
    assert project.load().remotes["r"].url == (expected if "://" in expected else os.path.normpath(expected))


def test_a_relative_folder_in_the_global_file_is_an_error(project: Project) -> None:
    project.general.write_text('[cache]\ndir = "cache"\n')
    with pytest.raises(DvcxError, match="relative path"):
        project.load()


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("[core]\nremot = 'x'", 2, "did you mean core.remote?"),
        ("# x\n[cache]\n\nkeep_days = 3", 4, "did you mean trash.keep_days?"),
        ("[core]\nhash = 'md5'", 2, "it takes blake3, sha256, xxh128"),
        ("[core]\nlock_timeout = -1", 2, "it takes a number from 0 to 86400"),
        ("[core]\nportable_names = 'yes'", 2, "it takes true or false"),
        ("[core]\nportable_names = 1", 2, "it takes true or false"),
        ("[core]\nformat = true", 2, "it takes a whole number from 0 up"),
        ("[cache]\ntype = 'copy'", 2, "it takes one or more of reflink, hardlink, symlink, copy"),
        ("[cache]\ntype = ['copy', 'copy']", 2, "it takes one or more of reflink, hardlink, symlink, copy"),
        ("[cache]\ntype = []", 2, "it takes one or more of reflink, hardlink, symlink, copy"),
        ("[cache]\npack_below = 1e6", 2, "it takes a whole number from 0 to 16777216"),
        ("[cache]\ndir = ''", 2, "it takes a text"),
        ("[remote.x]\nurl = 's3://x'\ncompression = 'lzma'", 3, "it takes none, zstd, or zstd:1 to zstd:19"),
        (
            "[remote.x]\nurl = 's3://x'\nsince = 2024-01-01",
            3,
            "options are texts, numbers, true or false, lists or tables",
        ),
        ("[remote.'a b']\nurl = 's3://x'", 2, "names are made of letters"),
        ("[remote]\nurl = 's3://x'", 2, "write a section [remote.url]"),
        ("remote = 'x'", 1, "did you mean core.remote?"),
        ("core = 1", 1, "settings stand below a [section]"),
    ],
)
def test_bad_settings_are_errors_with_the_line_and_what_to_do(
    project: Project, text: str, line: int, hint: str
) -> None:
    project.project.write_text(text)
    with pytest.raises(DvcxError) as caught:
        project.load()
    assert caught.value.message.startswith(f"{project.project} line {line}: ")
    assert (caught.value.hint or "").startswith(hint)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[core]\nremote = x", "line 2: not TOML"),
        ("[core]\n\nremote = 'x", "line 3: not TOML"),
        ("[core]\nformat = 1\n[core]\n", "line 3: not TOML"),
        ("[core\n", "line 1: not TOML"),
        ("[core]\nformat = 1\n<<<<<<< ours\nremote = 'a'\n=======\n", "line 3: an unresolved merge conflict"),
        ("[core]\nx = " + "9" * 5000, "not TOML"),
        ("x = " + "[" * 50_000, "nested too deeply"),
        ("a." * 30_000 + "b = 1", "line 1: too many dots"),
        ("# " + "x" * 1_100_000, "is larger than"),
        ("[core]\nremote = '\udcff'", "line 2: not UTF-8"),
    ],
)
def test_files_that_cannot_be_parsed_say_where_and_take_no_time(project: Project, text: str, said: str) -> None:
    project.project.write_bytes(text.encode(errors="surrogateescape"))
    begin = time.monotonic()
    with pytest.raises(DamagedData, match=said) as caught:
        project.load()
    assert str(project.project) in caught.value.message
    assert caught.value.hint
    assert time.monotonic() - begin < 5


def test_a_configuration_that_is_no_regular_file_does_not_hang(project: Project) -> None:
    os.mkfifo(project.project)
    with pytest.raises(DamagedData, match="not a regular file"):
        project.load()


def test_a_byte_order_mark_and_windows_line_ends_are_fine(project: Project) -> None:
    project.project.write_bytes('\ufeff[core]\r\nremote = "x"\r\n'.encode())
    assert project.load().core.remote == "x"


def test_a_newer_format_is_refused_before_anything_else(project: Project) -> None:
    project.project.write_text("[core]\nformat = 2\nnew_key = 1\n")
    with pytest.raises(Refused, match="line 2: this project has format 2"):
        project.load()


@pytest.mark.parametrize("key", ["hash", "format"])
def test_what_all_clones_must_agree_on_stands_in_the_tracked_file_only(project: Project, key: str) -> None:
    text = "[core]\nhash = 'sha256'\n" if key == "hash" else "[core]\nformat = 1\n"
    project.local.write_text(text)
    with pytest.raises(DvcxError, match="the same in every clone"):
        project.load()


def test_unknown_sections_are_kept_out_and_told(project: Project) -> None:
    project.project.write_text("[remotes.x]\nurl = 's3://x'\n[future]\na = 1\n[core]\nremote = 'x'\n")
    config = project.load()
    assert config.core.remote == "x"
    assert config.warnings == (
        f"{project.project}: this dvcx has no section [remotes], so what it says is not used; did you mean [remote]?",
        f"{project.project}: this dvcx has no section [future], so what it says is not used",
    )


def test_a_remote_without_url_and_a_mistyped_remote_setting_are_told(project: Project) -> None:
    project.local.write_text("[remote.a]\nanon = true\n[remote.b]\nurl = 's3://b'\ngrace_day = 3\n")
    config = project.load()
    assert list(config.remotes) == ["b"]
    assert [warning.split(": ", 1)[1] for warning in config.warnings] == [
        "remote.b.grace_day is passed on to fsspec; did you mean grace_days?",
        "the remote a has settings but no url, so it is not used",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "password = 'x'",
        "secret = 'x'",
        "key = 'AKIA'",
        "token = 'ghp_x'",
        "sasToken = 'x'",
        "account_key = 'x'",
        "connection_string = 'AccountKey=x'",
        "client_kwargs = { aws_secret_access_key = 'x' }",
        "client_kwargs = { headers = [{ Authorization = 'Bearer x' }] }",
        "endpoint_url = 'https://me:pass@host/'",
        "ProxyCommand = 'nc %h'",
        "credential_process = 'x'",
    ],
)
def test_secrets_and_commands_in_the_tracked_file_are_refused_and_fine_in_the_local_one(
    project: Project, line: str
) -> None:
    text = f"[remote.store]\nurl = 's3://bucket'\n{line}\n"
    project.project.write_text(text)
    with pytest.raises(Refused, match="line 3") as caught:
        project.load()
    assert "--local" in (caught.value.hint or "")
    project.project.write_text("[remote.store]\nurl = 's3://bucket'\n")
    project.local.write_text(f"[remote.store]\n{line}\n")
    assert len(project.load().remotes["store"].options) == 1


def test_a_password_in_a_tracked_url_is_refused(project: Project) -> None:
    project.project.write_text("[remote.store]\nurl = 'ftp://me:secret@host/x'\n")
    with pytest.raises(Refused, match="is a secret"):
        project.load()


@pytest.mark.parametrize(
    "line",
    [
        "token = 'anon'",
        "anon = true",
        "key_filename = '~/.ssh/id'",
        "aws_access_key_id = 'AKIA'",
        "sse_kms_key_id = 'x'",
        "password_file = '/run/x'",
        "ask_password = true",
        "token_url = 'https://x/token'",
        "keyspace = 'x'",
        "passive = 'x'",
        "endpoint_url = 'https://host:9000/a@b:c@d'",
        "account_name = 'x'",
    ],
)
def test_harmless_options_may_be_tracked(project: Project, line: str) -> None:
    project.project.write_text(f"[remote.store]\nurl = 's3://bucket'\n{line}\n")
    assert len(project.load().remotes["store"].options) == 1


def test_a_secret_is_not_used_for_an_address_that_a_commit_changed(project: Project) -> None:
    project.project.write_text("[remote.store]\nurl = 's3://bucket/a'\nendpoint_url = 'https://good'\n")
    project.local.write_text(
        "[remote.store]\nsecret = 'x'\nkey = 'y'\nsecrets_for = 's3://bucket endpoint_url=https://good'\n"
    )
    remote = project.load().remotes["store"]
    assert (remote.options["secret"], remote.withheld) == ("x", ())
    project.project.write_text("[remote.store]\nurl = 's3://bucket/other/path'\nendpoint_url = 'https://good'\n")
    assert project.load().remotes["store"].withheld == ()
    for changed in (
        "url = 's3://evil/a'\nendpoint_url = 'https://good'",
        "url = 's3://bucket'\nendpoint_url = 'https://evil'",
    ):
        project.project.write_text(f"[remote.store]\n{changed}\n")
        config = project.load()
        assert config.remotes["store"].withheld == ("secret", "key")
        assert set(config.remotes["store"].options) == {"endpoint_url"}
        assert "set for another address" in config.warnings[0]
        assert project.load(DVCX_REMOTE_STORE_SECRET="given now").remotes["store"].options["secret"] == "given now"


def test_variables_set_options_of_remotes_by_name(project: Project) -> None:
    project.project.write_text("[remote.my-store]\nurl = 's3://a'\n[remote.my]\nurl = 's3://b'\n")
    config = project.load(
        DVCX_REMOTE_MY_STORE_ENDPOINT_URL="http://x",
        DVCX_REMOTE_MY_STORE_GRACE_DAYS="3",
        DVCX_REMOTE_MY_ANON="true",
        DVCX_REMOTE_MY_PORT="22",
        DVCX_REMOTE_MY_PASSWORD="0123",
        DVCX_REMOTE_CI_URL="s3://c",
        DVCX_REMOTE_CI_ENDPOINT_URL="http://y",
        DVCX_REMOTE_CI_CLIENT_KWARGS='{region = "eu"}',
        DVCX_CORE_REMOTE="",
        OTHER="x",
    )
    assert config.remotes == {
        "my-store": RemoteConfig("my-store", "s3://a", grace_days=3, options={"endpoint_url": "http://x"}),
        "my": RemoteConfig("my", "s3://b", options={"anon": True, "port": 22, "password": "0123"}),
        "ci": RemoteConfig("ci", "s3://c", options={"endpoint_url": "http://y", "client_kwargs": {"region": "eu"}}),
    }
    assert config.entries["remote.my.password"].secret


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("DVCX_CORE_LOCK_TIMEOUT", "soon", "core.lock_timeout cannot be 'soon'"),
        ("DVCX_CORE_HASH", "sha256", "the same in every clone"),
        ("DVCX_REMOTE_NOPE_PORT", "1", "belongs to no remote"),
        ("DVCX_REMOTE_A_B_PORT", "1", "could mean the remote a-b or a_b"),
        ("DVCX_REMOTE_A_B_X", "[1", "not written as TOML"),
    ],
)
def test_bad_variables_are_usage_errors_that_name_them(project: Project, variable: str, value: str, said: str) -> None:
    project.project.write_text("[remote.a-b]\nurl = 's3://a'\n")
    if "_X" not in variable:
        project.local.write_text("[remote.a_b]\nurl = 's3://a'\n")
    with pytest.raises(UsageError, match=said) as caught:
        project.load(**{variable: value})
    assert variable in caught.value.message


def test_unknown_variables_below_a_section_are_told_and_others_ignored(project: Project) -> None:
    config = project.load(DVCX_CORE_REMOT="x", DVCX_HOME="y", DVCX_REMOTES="z")
    assert config.warnings == ("the variable DVCX_CORE_REMOT is not used: dvcx has no such setting",)


def test_a_relative_xdg_folder_is_ignored_and_no_home_is_fine(project: Project) -> None:
    project.general.write_text("[trash]\nkeep_days = 1\n")
    assert project.load(XDG_CONFIG_HOME="relative").trash.keep_days == 1
    assert load_config(project.folder, {}).trash.keep_days == 30


def test_the_tracked_file_cannot_say_where_secrets_may_go(project: Project) -> None:
    project.project.write_text("[remote.store]\nurl = 's3://evil'\nsecrets_for = 's3://evil'\n")
    with pytest.raises(DvcxError, match=r"line 3: remote\.store\.secrets_for is about secrets"):
        project.load()
