from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.functional.arranging import use_store
from tests.project import Project, Run

FILES = {"data/a": "one", "data/b": "two", "data/empty": ""}


class Person:
    """Somebody with a home of their own, who works in a clone of the project."""

    def __init__(self, name: str, project: Project, home: Path) -> None:
        self.name = name
        self.project = project
        self.environment = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}

    def dvcx(self, *words: str, more: Mapping[str, str] | None = None) -> Run:
        return self.project.dvcx(*words, environment={**self.environment, **(more or {})})

    def public_key(self) -> str:
        return self.dvcx("remote", "keys", "generate").ok().out.strip()

    @property
    def key_file(self) -> Path:
        return Path(self.environment["XDG_CONFIG_HOME"], "dvcx", "identity.key")


@pytest.fixture
def store(project: Project) -> Path:
    return use_store(project)


@pytest.fixture
def ada(project: Project, store: Path, tmp_path: Path) -> Person:
    """ADA, who made the remote `store` an encrypted one and pushed to it."""
    ada = Person("ada", project, tmp_path / "ada-home")
    ada.public_key()
    ada.dvcx("remote", "keys", "add", "store", "ada").ok()
    project.save(FILES)
    ada.dvcx("push").ok()
    return ada


@pytest.fixture
def ben(ada: Person, tmp_path: Path) -> Person:
    """BEN, who has a clone and no key."""
    return Person("ben", ada.project.clone(tmp_path / "clone"), tmp_path / "ben-home")


def test_a_key_is_made_once_and_only_its_owner_can_read_it(project: Project, home: Path) -> None:
    run = project.dvcx("remote", "keys", "generate").ok()
    path = home / ".config/dvcx/identity.key"
    assert run.out.startswith("dvcxpub1") and len(run.lines) == 1 and str(path) in run.err
    assert path.stat().st_mode & 0o777 == 0o600
    private = path.read_text().splitlines()[-1]
    assert private.startswith("dvcxkey1") and private not in run.out + run.err
    again = project.dvcx("remote", "keys", "generate")
    assert again.code == 6 and "is there already" in again.err
    assert path.read_text().splitlines()[-1] == private
    assert project.dvcx("remote", "keys", "generate", "--show").ok().out == run.out
    assert project.json("remote", "keys", "generate", "--show") == {
        "public_key": run.out.strip(),
        "file": str(path),
        "made": False,
    }


def test_a_key_can_be_made_outside_of_any_project(home: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    run = Project(tmp_path / "empty").dvcx("remote", "keys", "generate").ok()
    assert run.out.startswith("dvcxpub1")


@pytest.mark.parametrize("where", ["id.key", "../project/id.key", ".git/id.key", ".dvcx/id.key"])
def test_a_private_key_in_the_repository_is_refused(project: Project, where: str) -> None:
    run = project.dvcx("remote", "keys", "generate", "--output", where)
    assert run.code == 6 and "could be committed" in run.err
    assert not (project.path / where).exists()
    project.dvcx("config", "--local", "core.identity_file", where).ok()
    assert project.dvcx("remote", "keys", "generate", "--show").code == 6


def test_the_tracked_configuration_takes_no_key_and_no_place_of_one(ada: Person) -> None:
    secret = ada.key_file.read_text().splitlines()[-1]
    for words in (
        ("remote", "modify", "store", "identity", secret),
        ("config", "remote.store.identity", secret),
        ("config", "core.identity_file", "/x/y"),
    ):
        run = ada.dvcx(*words)
        assert run.code == 6 and secret not in run.err + run.out
    config = ada.project.path / ".dvcx/config.toml"
    before = config.read_text()
    for line in (f'identity = "{secret}"', f'other = "{secret}"'):
        config.write_text(before.replace("[remote.store]", f"[remote.store]\n{line}"))
        run = ada.dvcx("push")
        assert run.code == 6 and secret not in run.err
    config.write_text(before)
    assert secret not in before and ada.dvcx("push").ok()


def test_the_private_key_can_come_from_the_local_file_or_the_environment(ada: Person, tmp_path: Path) -> None:
    secret = ada.key_file.read_text().splitlines()[-1]
    key_file = tmp_path / "elsewhere.key"
    ada.key_file.rename(key_file)
    assert ada.dvcx("fsck", "--remote", "store").code == 5
    ada.dvcx("fsck", "--remote", "store", more={"DVCX_CORE_IDENTITY_FILE": str(key_file)}).ok()
    ada.dvcx("fsck", "--remote", "store", more={"DVCX_REMOTE_STORE_IDENTITY": secret}).ok()
    run = ada.project.dvcx("remote", "modify", "--local", "store", "identity", "-", stdin=secret + "\n")
    run.ok()
    ada.dvcx("fsck", "--remote", "store").ok()
    listed = ada.dvcx("config", "--list").ok()
    assert secret not in listed.out and "remote.store.identity=***" in listed.out
    assert secret not in ada.dvcx("remote", "list", "--json").ok().out
    assert secret not in ada.dvcx("doctor").out


def test_a_private_key_that_others_can_read_is_refused(ada: Person) -> None:
    ada.key_file.chmod(0o640)
    run = ada.dvcx("push")
    assert run.code == 6 and f"chmod 600 {ada.key_file}" in run.err


def test_nothing_on_an_encrypted_remote_shows_names_or_contents(ada: Person, store: Path) -> None:
    found = [path for path in store.rglob("*") if path.is_file()]
    assert len(found) == 5
    for path in found:
        data = path.read_bytes()
        assert b"one" not in data and b"blake3" not in data and b"DVCX" not in data
        assert not path.name.endswith((".pack", ".idx"))
    config = (ada.project.path / ".dvcx/config.toml").read_text()
    assert 'encrypt = "sodium"' in config and "keyring = " in config


def test_without_a_key_a_pull_says_what_to_do_and_is_not_damage(ben: Person) -> None:
    for words in (("pull",), ("fetch",), ("status", "--remote", "store"), ("fsck", "--remote", "store"), ("push",)):
        run = ben.dvcx(*words)
        assert run.code == 5, (words, run.err)
        assert "is encrypted, and you have no private key" in run.err and "dvcx remote keys generate" in run.err
        assert "damaged" not in run.err
    ben.public_key()
    run = ben.dvcx("pull")
    assert run.code == 5 and "your key is none of those that open it (ada)" in run.err
    assert "dvcx remote keys add store YOU PUBLIC_KEY" in run.err


def test_who_is_added_reads_everything_and_can_push(ada: Person, ben: Person) -> None:
    ada.dvcx("remote", "keys", "add", "store", "ben", ben.public_key()).ok()
    ben.dvcx("pull").ok()
    assert ben.project.files("data") == {"a": b"one", "b": b"two", "empty": b""}
    ben.project.save({"data/c": "three"}, "data")
    ben.dvcx("push").ok()
    ben.dvcx("fsck", "--remote", "store").ok()
    listed = ben.project.dvcx("remote", "keys", "list", "store", "--json", environment=ben.environment).ok().json
    assert [(each["name"], each["you"]) for each in listed["members"]] == [("ada", False), ("ben", True)]
    assert (listed["data_keys"], listed["changes"], listed["older"]) == (1, 2, 0)


def test_who_was_removed_reads_nothing_any_more_and_a_rotation_moves_the_rest(ada: Person, ben: Person) -> None:
    ada.dvcx("remote", "keys", "add", "store", "ben", ben.public_key()).ok()
    ben.dvcx("pull").ok()
    run = ada.dvcx("remote", "keys", "remove", "store", "ben").ok()
    assert "dvcx remote keys rotate store" in run.err
    assert ben.dvcx("fetch").code == 5
    ada.project.save({"data/new": "secret"}, "data")
    ada.dvcx("push").ok()
    listed = ada.dvcx("remote", "keys", "list", "store").ok()
    assert "ben" not in listed.out and "still lie under an older data key" in listed.err
    plan = ada.dvcx("remote", "keys", "rotate", "store", "--dry-run", "--json").ok().json
    assert (plan["dry_run"], plan["new_key"], plan["files"]) == (True, False, 3)
    done = ada.dvcx("remote", "keys", "rotate", "store", "--json").ok().json
    assert (done["files"], done["size"], done["damaged"]) == (3, plan["size"], [])
    assert "older" not in ada.dvcx("remote", "keys", "list", "store").ok().err
    ada.dvcx("fsck", "--remote", "store").ok()
    ada.dvcx("gc", "--remote", "store", "--yes").ok()
    ada.dvcx("status", "--remote", "store").ok()


def test_a_rotation_by_itself_makes_a_new_key(ada: Person) -> None:
    done = ada.dvcx("remote", "keys", "rotate", "store", "--json").ok().json
    assert (done["new_key"], done["files"]) == (True, 3)
    ada.dvcx("fsck", "--remote", "store").ok()
    listed = ada.dvcx("remote", "keys", "list", "store", "--json").ok().json
    assert (listed["data_keys"], listed["older"]) == (2, 0)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("add", "store", "a b", "KEY"), 2, "nobody can be called"),
        (("add", "store", "ben", "dvcxpub1short"), 2, "not a public key"),
        (("add", "store", "ada", "KEY"), 2, "ada has another key already"),
        (("add", "store", "me", "OWN"), 2, "ada has that key already"),
        (("add", "store", "ben", "PRIVATE"), 2, "a private key"),
        (("remove", "store", "bob"), 2, "bob has no key to store"),
        (("remove", "store", "ada"), 6, "nobody removes themselves"),
        (("list", "stor"), 2, "did you mean store?"),
    ],
)
def test_mistakes_are_told(ada: Person, ben: Person, words: tuple[str, ...], code: int, said: str) -> None:
    private = ada.key_file.read_text().splitlines()[-1]
    own = ada.dvcx("remote", "keys", "generate", "--show").out.strip()
    real = {"KEY": ben.public_key(), "OWN": own, "PRIVATE": private}
    run = ada.dvcx("remote", "keys", *(real.get(word, word) for word in words))
    assert run.code == code and said in run.err and private not in run.err


def test_the_first_key_of_a_remote_is_ones_own(project: Project, store: Path, tmp_path: Path) -> None:
    ada = Person("ada", project, tmp_path / "ada-home")
    run = ada.dvcx("remote", "keys", "add", "store", "ada")
    assert run.code == 2 and "dvcx remote keys generate" in run.err
    assert ada.dvcx("remote", "keys", "list", "store").code == 2
    ada.public_key()
    other = Person("ben", project, tmp_path / "ben-home").public_key()
    run = ada.dvcx("remote", "keys", "add", "store", "ben", other)
    assert run.code == 2 and "has to be your own" in run.err and not store.exists()


def test_a_remote_with_data_in_the_clear_does_not_become_encrypted(
    project: Project, store: Path, tmp_path: Path
) -> None:
    project.save(FILES)
    project.dvcx("push").ok()
    before = sorted(store.rglob("*"))
    ada = Person("ada", project, tmp_path / "ada-home")
    ada.public_key()
    run = ada.dvcx("remote", "keys", "add", "store", "ada")
    assert run.code == 6 and "what is there already is not" in run.err
    assert sorted(store.rglob("*")) == before
    assert "encrypt" not in (project.path / ".dvcx/config.toml").read_text()


def test_what_is_told_to_type_brings_all_history_to_an_encrypted_remote(
    project: Project, store: Path, tmp_path: Path
) -> None:
    for number in range(3):
        project.save({"data/a": f"one {number}", f"data/{number}": "x" * number})
        project.dvcx("push").ok()
    ada = Person("ada", project.clone(tmp_path / "ada"), tmp_path / "ada-home")  # whose cache has nothing
    ada.public_key()
    run = ada.dvcx("remote", "keys", "add", "store", "ada")
    typed = re.findall(r"`dvcx ([^`]*)`", run.err)
    assert run.code == 6 and len(typed) == 6 and typed[0] == "remote modify store encrypt none"
    for line in typed[1:]:
        ada.dvcx(*line.replace("YOU", "ada").split()).ok()
    ada.project.commit(message="an encrypted remote")
    shutil.rmtree(store)
    assert b"one" not in b"".join(path.read_bytes() for path in Path(f"{store}-encrypted").rglob("*") if path.is_file())
    other = ada.project.clone(tmp_path / "other")
    for back in range(3):
        other.git("checkout", "-q", f"HEAD~{back}" if back else "HEAD")
        other.git("checkout", "-q", ada.project.git("rev-parse", "HEAD").strip(), "--", ".dvcx")
        other.dvcx("pull", environment=ada.environment).ok()


def test_with_the_setting_taken_away_nothing_is_pushed_in_the_clear(ada: Person, store: Path) -> None:
    ada.dvcx("remote", "modify", "store", "encrypt", "none").ok()
    ada.project.save({"more": "x"})
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    run = ada.dvcx("push")
    assert run.code == 6 and "encrypt sodium" in run.err
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before


def test_an_emptied_store_is_not_filled_in_the_clear_nor_with_other_keys(ada: Person, ben: Person, store: Path) -> None:
    store.rename(store.with_name("gone"))
    store.mkdir()
    run = ada.dvcx("push")
    assert run.code == 5 and "should have a key ring" in run.err
    ben.public_key()
    assert ben.dvcx("push").code == 5, "the configuration of the clone names the ring"
    assert list(store.iterdir()) == []


def test_a_start_that_was_killed_before_the_configuration_was_written_is_finished(ada: Person) -> None:
    config = ada.project.path / ".dvcx/config.toml"
    lines = [line for line in config.read_text().splitlines() if not line.startswith(("encrypt", "keyring"))]
    whole = config.read_text()
    config.write_text("\n".join(lines) + "\n")
    ada.dvcx("remote", "keys", "add", "store", "ada").ok()
    assert config.read_text() == whole
    ada.dvcx("fsck", "--remote", "store").ok()


def test_a_renamed_remote_keeps_what_is_known_of_its_keys(ada: Person) -> None:
    memory = ada.project.own_folder / "keyrings"
    assert [path.name for path in memory.iterdir()] == ["store.json"]
    ada.dvcx("remote", "rename", "store", "main").ok()
    assert [path.name for path in memory.iterdir()] == ["main.json"]
    ada.dvcx("fsck", "--remote", "main").ok()
    ada.dvcx("remote", "remove", "main").ok()
    assert list(memory.iterdir()) == []


def test_without_the_library_the_command_to_install_it_is_told(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from dvcx.base import sodium

    monkeypatch.setattr(sodium, "_nacl", None)
    monkeypatch.setitem(sys.modules, "nacl", None)
    run = ada.dvcx("push")
    assert run.code == 5 and "pip install 'git-dvcx[encrypt]'" in run.err
