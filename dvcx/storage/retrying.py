"""Trying again what failed in passing."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from dvcx.storage.bucket import Unavailable

_Result = TypeVar("_Result")
_LONGEST = 30.0
_LONG_ENOUGH = 120.0
_AT_LEAST = 3
"""A store that stays silent for a minute each time is asked so often, and no more once it has taken so many seconds."""


def retried(call: Callable[[], _Result], attempts: int, sleep: Callable[[float], None] = time.sleep) -> _Result:
    """Gives what `call` gives, which is called again while it raises `Unavailable`, at most `attempts` times in all.

    The waits double from half a second, each by chance between half and all of it, and are never shorter than the
    store asked for. Raises what the last call raises.
    """
    pause = 0.5
    began = time.monotonic()
    for attempt in range(1, attempts + 1):
        try:
            return call()
        except Unavailable as error:
            took = time.monotonic() - began
            if attempt == attempts or (attempt >= _AT_LEAST and took > _LONG_ENOUGH):
                raise
            sleep(max(error.retry_after or 0.0, pause * random.uniform(0.5, 1.0)))
            pause = min(2 * pause, _LONGEST)
    raise AssertionError("the last attempt returns or raises")
