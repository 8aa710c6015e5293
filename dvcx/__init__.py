"""dvcx: data and model version control over Git.

From Python: `dvcx.open`, `dvcx.read`, `dvcx.ls`, `dvcx.get_url` read any version of tracked data, `dvcx.Repo` does what
the commands do. Importing dvcx loads nothing else; what is used is loaded when it is used.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it; `typing` itself would take most of the time of this import
if TYPE_CHECKING:
    from dvcx.api.files import DataFile as DataFile
    from dvcx.api.files import NoSuchFile as NoSuchFile
    from dvcx.api.reading import get_url as get_url
    from dvcx.api.reading import ls as ls
    from dvcx.api.reading import open as open
    from dvcx.api.reading import read as read
    from dvcx.api.repo import Repo as Repo
    from dvcx.base.errors import Busy as Busy
    from dvcx.base.errors import DamagedData as DamagedData
    from dvcx.base.errors import DvcxError as DvcxError
    from dvcx.base.errors import MissingData as MissingData
    from dvcx.base.errors import Refused as Refused
    from dvcx.base.errors import RemoteError as RemoteError
    from dvcx.base.errors import UsageError as UsageError

__version__ = "0.1.0"

_MODULES = {
    "dvcx.api.files": ("DataFile", "NoSuchFile"),
    "dvcx.api.reading": ("get_url", "ls", "open", "read"),
    "dvcx.api.repo": ("Repo",),
    "dvcx.base.errors": (*("Busy", "DamagedData", "DvcxError", "MissingData", "Refused", "RemoteError", "UsageError"),),
}
_MODULE_BY_NAME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [  # noqa: RUF022 - by what they are; the module loads them late
    "DataFile",
    "open",
    "read",
    "ls",
    "get_url",
    "Repo",
    "DvcxError",
    "Busy",
    "DamagedData",
    "MissingData",
    "NoSuchFile",
    "Refused",
    "RemoteError",
    "UsageError",
    "__version__",
]


def __getattr__(name: str) -> object:
    module = _MODULE_BY_NAME.get(name)
    if module is None:
        raise AttributeError(f"module 'dvcx' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(module), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
