"""Telling secrets and commands from harmless options, and where a secret may be sent.

The tracked configuration travels to everybody who clones the project. So it holds no password, and nothing that names a
program to run. A secret in an untracked file is tied to the address it was given for: a commit that changes
the address of a remote does not get the password sent to another host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from dvcx.config.settings import ConfigValue

_SECRET_WORDS = frozenset(
    {
        *("password", "passwd", "passphrase", "pwd", "pass", "secret", "secrets", "token", "tokens", "credential"),
        *("credentials", "authorization", "auth", "cookie", "cookies", "apikey", "signature", "sas", "pem"),
    }
)
_SECRET_NAMES = frozenset(
    {"key", "access_key", "account_key", "private_key", "api_key", "connection_string", "identity"}
)
# Where a secret is, what it is called, how long it lives: not the secret itself.
_HARMLESS_ENDS = frozenset(
    {"file", "filename", "path", "id", "name", "uri", "url", "endpoint", "expiry", "method", "type"}
)
PRIVATE_KEY = "dvcxkey1"
"""What a private key for encrypted remotes begins with: no tracked file has one, under whatever name."""
_HARMLESS_VALUES = frozenset(
    {"", "anon", "anonymous", "cloud", "google_default", "cache", "browser", "none", "default"}
)
_COMMAND_WORDS = frozenset({"command", "cmd", "exec", "executable", "process", "program", "shell", "script", "askpass"})
_COMMAND_NAMES = frozenset({"config", "ssh_config"})
"""Files of SSH's configuration can name a program to connect with."""
_ADDRESS_WORDS = frozenset(
    {
        *("host", "hostname", "endpoint", "url", "uri", "port", "proxy", "proxies", "server", "domain", "account"),
        *("hosts", "verify"),  # who may pretend to be that address
    }
)


def is_secret(name: str, value: ConfigValue | None = None) -> bool:
    """Tells whether the option `name` holds a secret; known harmless values of it (`token = "anon"`) do not count."""
    if isinstance(value, bool | int | float) or (isinstance(value, str) and value.lower() in _HARMLESS_VALUES):
        return False
    if isinstance(value, str) and PRIVATE_KEY in value:
        return True
    words = _words(name)
    if words[-1] in _HARMLESS_ENDS and words[-2:] != ("secret", "id"):
        return False
    return bool(_SECRET_WORDS.intersection(words)) or "_".join(words) in _SECRET_NAMES or _ends_as_key(words)


def is_command(name: str) -> bool:
    """Tells whether the option `name` could hold a program to run."""
    return name in _COMMAND_NAMES or bool(_COMMAND_WORDS.intersection(_words(name)))


def has_password(text: str) -> bool:
    """Tells whether `text` is a URL with a password in it."""
    return bool(re.match(r"[^:/?#\s]+://[^/?#\s]*:[^/?#\s]*@", text))


def secret_names(name: str, value: ConfigValue) -> list[str]:
    """Gives the dotted names of all secrets in the option `name`, also those inside of tables and URLs."""
    return [
        path
        for path, part in _leaves(name, value)
        if is_secret(path.rsplit(".", 1)[-1], part) or (isinstance(part, str) and has_password(part))
    ]


def command_names(name: str, value: ConfigValue) -> list[str]:
    """Gives the dotted names of all commands in the option `name`, also inside of tables."""
    return [path for path, _ in _leaves(name, value) if any(is_command(part) for part in path.split("."))]


def without_password(url: str) -> str:
    """Gives a URL to show: a password in it becomes stars."""
    return re.sub(r"^([^:/?#\s]+://[^/?#\s:]*):[^/?#\s]*@", r"\1:***@", url)


def destination(url: str, options: Mapping[str, ConfigValue]) -> str:
    """Gives, in one line, everything that decides to which host the requests to a remote go."""
    parts = urlsplit(url)
    host = parts.netloc.rsplit("@", 1)[-1]
    places = [f"{parts.scheme}://{host}" if "://" in url else "folder"]
    for name, value in sorted(options.items()):
        for path, part in sorted(_leaves(name, value)):
            is_flag = isinstance(part, bool) and "verify" not in _words(path)
            if is_flag or is_secret(path.rsplit(".", 1)[-1], part):
                continue
            if _ADDRESS_WORDS.intersection(_words(path)) or "://" in str(part):
                places.append(f"{path}={without_password(str(part))}")
    return " ".join(places)


def _ends_as_key(words: tuple[str, ...]) -> bool:
    return words[-1] == "key" and bool(
        {"access", "account", "private", "api", "secret", "ssh", "host"}.intersection(words)
    )


def _words(name: str) -> tuple[str, ...]:
    """Gives the words of `awsSecretKey`, `aws_secret_key` or `aws-secret-key`, in lower case."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return tuple(re.split(r"[\s_.-]+", spaced.lower().strip("_-. "))) or ("",)


def _leaves(name: str, value: ConfigValue) -> Iterator[tuple[str, ConfigValue]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _leaves(f"{name}.{key}", part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _leaves(name, part)
    else:
        yield name, value
