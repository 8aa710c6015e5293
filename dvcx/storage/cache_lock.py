"""The lock of a cache: shared by all who add objects, held alone by who takes objects away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dvcx.base.locks import FileLock


class CacheLock:
    """Held shared by any number of processes, or alone by one.

    Who waits for it alone keeps new sharers out meanwhile, at a turnstile: else a stream of short writers, each seeing
    it shared by another, would starve a garbage collection. It may be taken again by who holds it through the same
    object, which then passes by the turnstile.
    """

    def __init__(self, root: Path) -> None:
        what = f"the cache {root}"
        self._lock = FileLock(root / "lock", what)
        self._turnstile = FileLock(root / "turn.lock", what)
        self._shared = 0
        self._alone = 0

    @contextmanager
    def shared(self, wait: float = 30.0) -> Iterator[None]:
        """Keeps everybody from taking objects away; waits at most `wait` seconds, then raises `Busy`."""
        with ExitStack() as stack:
            if not self._shared and not self._alone:
                with self._turnstile.shared(wait):
                    stack.enter_context(self._lock.shared(wait))
            self._shared += 1
            try:
                yield
            finally:
                self._shared -= 1

    @contextmanager
    def exclusive(self, wait: float = 30.0) -> Iterator[None]:
        """Keeps everybody else from adding and taking away; waits at most `wait` seconds, then raises `Busy`.

        Raises `RuntimeError` when this very object holds it shared: that would wait for itself.
        """
        if self._shared and not self._alone:
            raise RuntimeError("the cache is held shared by who wants it alone")
        with ExitStack() as stack:
            if not self._alone:
                stack.enter_context(self._turnstile.exclusive(wait))
                stack.enter_context(self._lock.exclusive(wait))
            self._alone += 1
            try:
                yield
            finally:
                self._alone -= 1
