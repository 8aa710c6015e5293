"""Projects whose remote is a place on a real store, set up with the commands that a user types."""

from __future__ import annotations

from tests.project import Project
from tests.servers.stores import Place

SECRETS = frozenset({"access_key_id", "secret_access_key", "account_key", "password"})


def use_place(project: Project, place: Place, name: str = "store", *more: str) -> None:
    """Makes the place a remote of the project, its default: what is secret locally, the rest for everybody."""
    project.dvcx("remote", "add", "--force", "-d", name, place.url, *more).ok()
    # The secrets last: they are meant for the address that the remote has when they are set.
    for option, value in sorted(place.options.items(), key=lambda each: each[0] in SECRETS):
        level = ("--local",) if option in SECRETS else ()
        project.dvcx("remote", "modify", *level, name, option, _text(value)).ok()
    project.commit(message=f"remote {name}")


def give_secrets(project: Project, place: Place, name: str = "store") -> None:
    """Gives a clone the secrets of the remote that its commits name."""
    for option, value in place.options.items():
        if option in SECRETS:
            project.dvcx("remote", "modify", "--local", name, option, _text(value)).ok()


def behind(place: Place) -> Place:
    """Gives the place to write to where one can only be read: the folder that its server shows."""
    if not place.url.startswith("http"):
        return place
    assert place.folder is not None
    place.folder.mkdir(parents=True, exist_ok=True)
    return Place(str(place.folder))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
