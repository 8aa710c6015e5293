"""Every error dvcx raises on purpose: one family an exit code, each with what happened and what to type next."""

from __future__ import annotations

from collections.abc import Sequence


class DvcxError(Exception):
    """An error with a cause that a person can act on.

    `message` is lower-case and says what happened to which thing; `hint` says what to type next.
    The family (subclass) decides the exit code, in `dvcx/cli/exits.py`. For those who call dvcx from Python `result` is
    what was done all the same.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.result: object | None = None

    def __str__(self) -> str:
        return self.message


class UsageError(DvcxError):
    """The command was typed in a way that cannot work (exit code 2)."""


class DamagedData(DvcxError):
    """Stored bytes are not what their name says, or a file of dvcx cannot be parsed (exit code 3)."""


class MissingData(DvcxError):
    """Data is in neither place where it could be, or only a part of the work could be done (exit code 4)."""

    def __init__(self, message: str, hint: str | None = None, names: Sequence[str] = ()) -> None:
        super().__init__(message, hint)
        self.names = tuple(names)


class RemoteError(DvcxError):
    """A remote or the network did not do what was asked (exit code 5)."""


class ArrivedDamaged(RemoteError, DamagedData):
    """What a remote gave is not what it should be, also when asked again (exit code 5, as of any remote that fails).

    It is damaged there or on the way here; only `dvcx fsck --remote` tells which.
    """


class Refused(DvcxError):
    """Doing it would be unsafe: data would be lost, or bytes would land where they must not (exit code 6)."""

    def __init__(self, message: str, hint: str | None = None, names: Sequence[str] = ()) -> None:
        super().__init__(message, hint)
        self.names = tuple(names)


class StageFailed(DvcxError):
    """A pipeline stage's command failed (exit code 7)."""


class Busy(DvcxError):
    """Another process holds the lock (exit code 75)."""


def shown(names: Sequence[str], most: int = 10) -> str:
    """Gives a comma-separated list of at most `most` names, and how many more there are."""
    head = ", ".join(names[:most])
    return head if len(names) <= most else f"{head} and {len(names) - most} more"
