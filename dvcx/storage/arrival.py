"""What comes from a remote and is not right: it is asked for again, and then told as a failure of the remote."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from dvcx.base.errors import ArrivedDamaged, DamagedData

_Result = TypeVar("_Result")
TRIES = 3
"""How often something small is read before it is believed that it cannot be had right."""


def until_right(ask: Callable[[], _Result], hint: str | None) -> _Result:
    """Gives what `ask` gives, which is asked again while that raises `DamagedData`.

    Raises `ArrivedDamaged` with `hint` (None: that of the error) when it was wrong each time; what is of a newer format
    stays `DamagedData`.
    """
    for left in reversed(range(TRIES)):
        try:
            return ask()
        except ArrivedDamaged:
            raise
        except DamagedData as error:
            if left:
                continue
            if error.hint == "upgrade dvcx":
                raise
            raise ArrivedDamaged(error.message, hint or error.hint) from error
    raise AssertionError("the last attempt returns or raises")


def how_to_tell(remote: str) -> str:
    """Gives the hint of every `ArrivedDamaged`: how to find out whether the remote or the way to it is at fault."""
    return (
        f"`dvcx fsck --remote {remote}` tells whether the remote itself holds damaged bytes, and mends them with "
        "--repair where good copies are; if it does not, a proxy, the network or a share on the way changes them"
    )
