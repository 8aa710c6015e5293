"""List the projects that use the cache: `dvcx gc` keeps what any of them needs.

A project that shares a cache with others is noted in it by its first command that uses it.

Examples:
    dvcx cache users
"""

from __future__ import annotations

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation
from dvcx.cli.text import yellow
from dvcx.operations.cache_users import CacheUsers, list_cache_users


def command(call: Invocation) -> CacheUsers:
    return list_cache_users(call.repo())


def render(result: CacheUsers, console: Console) -> None:
    for user in result.users:
        console.line(user.root, yellow("" if user.is_there else "  (not there)"))
    if any(not user.is_there for user in result.users):
        console.next_step("dvcx cache forget PATH: if one is gone for good")
