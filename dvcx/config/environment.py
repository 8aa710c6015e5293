"""Settings in the environment: `DVCX_CORE_REMOTE=store`, `DVCX_REMOTE_STORE_URL=...`. The variables are passed in."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from dvcx.base.errors import UsageError
from dvcx.config.secrets import is_secret
from dvcx.config.settings import REMOTE_SETTINGS, SETTINGS, BadSetting, ConfigValue, parse_option

_PREFIX = "DVCX_"
_KEY_BY_VARIABLE = {_PREFIX + key.upper().replace(".", "_"): key for key in SETTINGS}
_SECTIONS = ("DVCX_CORE_", "DVCX_CACHE_", "DVCX_TRASH_", "DVCX_REPRO_")
_REMOTE = "DVCX_REMOTE_"


def variable_of(key: str) -> str:
    """Gives the name of the variable that overrides the setting `key`."""
    return _PREFIX + re.sub(r"[^A-Z0-9]", "_", key.upper())


def read_environment(
    environ: Mapping[str, str], remotes: Collection[str], warnings: list[str]
) -> Iterator[tuple[tuple[str, ...], ConfigValue, str]]:
    """Gives the parts of the key, the value and the variable of each setting in `environ`, sorted by variable.

    `remotes` are the names that the files have; `DVCX_REMOTE_X_URL` adds the remote `x`. Empty variables do not
    count, unknown ones below a known section are named in `warnings`. Raises `UsageError` for bad values and for a
    variable that could mean two remotes.
    """
    names = _remote_names(environ, remotes)
    for variable in sorted(environ):
        text = environ[variable]
        if not text or not variable.startswith(_PREFIX):
            continue
        try:
            if variable in _KEY_BY_VARIABLE:
                key = _KEY_BY_VARIABLE[variable]
                yield tuple(key.split(".")), SETTINGS[key].parsed(text), variable
            elif variable.startswith(_REMOTE):
                parts = _remote_setting(variable, names)
                yield parts, _remote_value(parts, text), variable
            elif variable.startswith(_SECTIONS):
                warnings.append(f"the variable {variable} is not used: dvcx has no such setting")
        except BadSetting as problem:
            raise UsageError(f"the variable {variable}: {problem.problem}", problem.hint) from problem


def _remote_names(environ: Mapping[str, str], remotes: Collection[str]) -> dict[str, list[str]]:
    """Gives the names of remotes by the form that they have in variables."""
    names: dict[str, list[str]] = {}
    for name in sorted(remotes):
        names.setdefault(_in_variables(name), []).append(name)
    # Shortest first: CI_ENDPOINT_URL is an option of the remote that CI_URL adds, not the url of `ci_endpoint`.
    for variable in sorted(environ, key=len):
        added = re.fullmatch(rf"{_REMOTE}([A-Z0-9][A-Z0-9_]*)_URL", variable)
        if added and environ[variable] and not any(added.group(1).startswith(f"{form}_") for form in names):
            names.setdefault(added.group(1), [added.group(1).lower()])
    return names


def _remote_setting(variable: str, names: Mapping[str, list[str]]) -> tuple[str, str, str]:
    rest = variable.removeprefix(_REMOTE)
    # The longest name wins: with remotes `a` and `a_b`, A_B_URL is the url of `a_b`.
    for form in sorted(names, key=len, reverse=True):
        option = rest.removeprefix(form + "_")
        if rest.startswith(form + "_") and option:
            if len(names[form]) > 1:
                raise UsageError(
                    f"the variable {variable} could mean the remote {' or '.join(names[form])}", "rename one of the two"
                )
            return "remote", names[form][0], option.lower()
    known = ", ".join(sorted(name for each in names.values() for name in each))
    raise UsageError(
        f"the variable {variable} belongs to no remote",
        f"the remotes are {known}" if known else "there are no remotes; DVCX_REMOTE_NAME_URL adds one",
    )


def _remote_value(parts: tuple[str, str, str], text: str) -> ConfigValue:
    option = parts[2]
    if option in REMOTE_SETTINGS:
        return REMOTE_SETTINGS[option].parsed(text)
    return parse_option(".".join(parts), text, is_text=is_secret(option))


def _in_variables(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())
