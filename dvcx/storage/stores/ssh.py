"""SSH: files over SFTP on sshfs's connections (asyncssh), which are made only to hosts whose key is known."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from dvcx.base.files import temporary_name
from dvcx.storage.bucket import BucketFile
from dvcx.storage.moved import Listener, listener
from dvcx.storage.stores.kinds import check_place
from dvcx.storage.stores.options import TIMEOUT, Option, Takes
from dvcx.storage.stores.problems import Outcome, Problem, causes, class_names
from dvcx.storage.stores.store import ANY_SIZE, LoopStore, for_each, patience_of

OPTIONS = (
    Option("user", Takes.TEXT, "the name to log in with; else from the URL, ~/.ssh/config, or one's own"),
    Option("port", Takes.NUMBER, "the port; else from the URL, ~/.ssh/config, or 22"),
    Option("key_file", Takes.FILE, "the private key; else those of ~/.ssh and the agent"),
    Option("passphrase", Takes.TEXT, "what unlocks the key (secret)"),
    Option("password", Takes.TEXT, "the password, where keys are not taken (secret)"),
    Option("known_hosts", Takes.FILE, "the file with the keys of hosts; else ~/.ssh/known_hosts"),
    Option("ssh_config", Takes.FILE, "the SSH configuration, in files of your own only; else ~/.ssh/config"),
    Option("proxy_jump", Takes.TEXT, "a host to go through, as USER@HOST:PORT; several with commas between them"),
    Option("agent", Takes.FLAG, "false: do not ask the SSH agent for keys"),
    TIMEOUT,
)
_Result = TypeVar("_Result")
_PIECE = 2 << 20
_TEMPORARY = "tmp"
_SENT_AT_ONCE = 4 << 20
_BLOCK = 240 << 10
_DEAD = frozenset({"ConnectionLost", "SFTPConnectionLost", "SFTPNoConnection", "DisconnectError", "ChannelOpenError"})


def open_store(url: str, options: Mapping[str, object]) -> SshStore:
    """Gives the store at `ssh://USER@HOST:PORT/FOLDER`; `/~/FOLDER` is below the home there. It connects when asked."""
    host, root, arguments = _place(url, options)
    return SshStore(host, root, arguments, options)


def open_filesystem(url: str, options: Mapping[str, object]) -> tuple[Any, str]:
    """Gives fsspec's file system for a URL, and the path there. Connects, to a host whose key is known."""
    host, root, arguments = _place(url, options)
    return _connected(host, arguments), root


class SshStore(LoopStore):
    """The files below a folder of a host. See `Store`.

    What is written gets its name by renaming, when it is whole and the host has confirmed its size.
    """

    def __init__(self, host: str, root: str, arguments: Mapping[str, Any], options: Mapping[str, object]) -> None:
        from fsspec.asyn import get_loop

        self._host = host
        self._arguments = dict(arguments)
        self._root = root
        self._made: set[str] = set()
        self._lock = threading.Lock()
        self._fs: Any = None
        super().__init__(get_loop(), patience_of(options))

    def list(self, prefix: str) -> Iterator[BucketFile]:
        """Gives every file whose name starts with `prefix`."""
        found: list[BucketFile] = []

        async def collect(folder: str) -> None:
            below = f"{self._root}/{folder}".rstrip("/")
            try:
                entries = await self._fs._ls(below, detail=True)
            except FileNotFoundError:
                return
            folders = []
            for each in entries:
                name = folder + each["name"].rpartition("/")[2]
                if each["type"] == "directory":
                    folders.append(f"{name}/")
                elif each["type"] == "file":
                    found.append(BucketFile(name, int(each["size"] or 0), _seconds(each)))
            await for_each(folders, collect)

        self._alive(lambda: collect(prefix), ANY_SIZE)
        return iter(found)

    def stat(self, name: str) -> BucketFile | None:
        """Gives what is known of one file; raises `FileNotFoundError`."""
        info = self._alive(lambda: self._fs._info(self._path(name)))
        return None if info["type"] != "file" else BucketFile(name, int(info["size"] or 0), _seconds(info))

    def read(self, name: str) -> bytes:
        """Gives the whole content."""
        return self._alive(lambda: self._got(name, 0, -1), ANY_SIZE)

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """Gives the bytes from `start` up to `end`."""
        return self._alive(lambda: self._got(name, start, end - start), end - start)

    def write(self, name: str, data: bytes, *, exclusive: bool) -> bool:
        """Makes `data` the content: SSH guards it on its way, and the host tells its size."""
        temporary = self._path(f"{_TEMPORARY}/{temporary_name('push')}")
        listens = listener()
        self._alive(lambda: self._put(temporary, self._path(name), data, listens, exclusive=exclusive), len(data))
        return True

    def write_file(self, name: str, source: Path, size: int) -> None:
        """Sends a file: SSH guards it on its way, and the host tells its size."""
        temporary = self._path(f"{_TEMPORARY}/{temporary_name('push')}")
        self._alive(lambda: self._put(temporary, self._path(name), source, None, exclusive=False), size)

    def delete(self, names: Sequence[str]) -> None:
        """Removes files."""

        async def remove(name: str) -> None:
            try:
                await self._fs._rm_file(self._path(name))
            except FileNotFoundError:
                return

        self._alive(lambda: for_each(names, remove))

    async def _got(self, name: str, start: int, size: int) -> bytes:
        async with self._fs._pool.get() as channel, channel.open(self._path(name), "rb", encoding=None) as file:
            return bytes(await file.read(size, start))

    async def _put(
        self, temporary: str, path: str, data: bytes | Path, listens: Listener | None, *, exclusive: bool
    ) -> None:
        for folder in (path.rpartition("/")[0], temporary.rpartition("/")[0]):
            if folder not in self._made:
                await self._fs._makedirs(folder, exist_ok=True)
                self._made.add(folder)
        async with self._fs._pool.get() as channel:
            try:
                async with channel.open(temporary, "xb", encoding=None, block_size=_BLOCK) as file:
                    sent = 0
                    for block in _pieces(data, listens) if isinstance(data, bytes) else _blocks(data):
                        await file.write(block)
                        sent += len(block)
                        if listens is not None:
                            listens(sent)
                    await _flush(file)
                    size = (await file.stat()).size
                if size != sent:
                    raise ConnectionError(f"{size} of {sent} bytes arrived")
                await _rename(channel, temporary, path, exclusive=exclusive)
            except BaseException:
                if await _is_there(channel, temporary):
                    await channel.unlink(temporary)
                raise

    def _alive(self, ask: Callable[[], Awaitable[_Result]], size: int = 0) -> _Result:
        """Gives the result of a request; connects before the first, and before the next when the connection died."""

        async def asked() -> _Result:
            return await ask()

        with self._lock:
            if self._fs is None:
                self._fs = _connected(self._host, self._arguments, skip_instance_cache=True)
        try:
            return self.ask(asked(), size)
        except Exception as error:
            if any(class_names(each) & _DEAD or isinstance(each, TimeoutError) for each in causes(error)):
                with self._lock:
                    self._fs = None
            raise

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"


class _StrangeHost(Exception):
    """A host showed a key that is not known, or another one than is known."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def _connected(host: str, arguments: Mapping[str, Any], **how: bool) -> Any:
    """Gives a file system on a new connection; raises `_StrangeHost` when the key of the host is not the known one."""
    from sshfs import SSHFileSystem

    if "tunnel" in arguments:
        arguments = {**arguments, "tunnel": _tunnel(str(arguments["tunnel"]), arguments)}
    with _known(host, arguments):
        return SSHFileSystem(host, **arguments, **how)


def _tunnel(jumps: str, arguments: Mapping[str, Any]) -> Any:
    """Gives a connection through hosts, `USER@HOST:PORT` with commas between them, with the keys for the last one.

    asyncssh's own way there takes neither the file of known hosts nor the private key along.
    """
    import asyncssh
    from fsspec.asyn import get_loop, sync

    connection: Any = ()
    for jump in jumps.split(","):
        user, _, place = jump.strip().rpartition("@")
        host, _, port = place.rpartition(":") if place.rpartition(":")[2].isdigit() else (place, "", "")
        own = {name: value for name, value in arguments.items() if name not in ("username", "port", "tunnel")}
        own |= {"username": user} if user else {}
        own |= {"port": int(port)} if port else {}
        with _known(host, own):
            connection = sync(get_loop(), asyncssh.connect, host, tunnel=connection, **own)
    return connection


@contextmanager
def _known(host: str, arguments: Mapping[str, Any]) -> Iterator[None]:
    """Raises `_StrangeHost` when the host that is connected to is not known."""
    from asyncssh import HostKeyNotVerifiable

    try:
        yield
    except HostKeyNotVerifiable as error:
        raise _StrangeHost(_strange_host(host, arguments)) from error


def _strange_host(host: str, arguments: Mapping[str, Any]) -> Problem:
    """Gives what to say of a host whose key is not trusted: never seen, or another than it was."""
    port = int(arguments.get("port", 22))
    file = str(arguments["known_hosts"] or Path("~/.ssh/known_hosts").expanduser())
    scan = f"`ssh-keyscan -p {port} {host} >> {file}`"
    if not _is_known(file, host, port):
        return Problem(
            Outcome.FAILED,
            f"the key of the host {host} is not known",
            f"{scan} takes it in: compare its fingerprint (`ssh-keygen -lf {file}`) with what the host's owner says",
        )
    entry = host if port == 22 else f"[{host}]:{port}"
    return Problem(
        Outcome.FAILED,
        f"the key of the host {host} is another than the one in {file}: was it set up anew, or is somebody in between?",
        f"ask its owner. If it is right: `ssh-keygen -R '{entry}' -f {file}`, then {scan}",
    )


def _is_known(file: str, host: str, port: int) -> bool:
    """Tells whether a file of known hosts has a key of a host under that name."""
    from asyncssh import match_known_hosts

    try:
        return bool(match_known_hosts(file, host, "", port)[0])
    except (OSError, ValueError):
        return False


def explain(error: BaseException) -> Problem | None:
    """Gives what SSH's errors mean."""
    for each in causes(error):
        names = class_names(each)
        text = str(each) or type(each).__name__
        if isinstance(each, _StrangeHost):
            return each.problem
        if names & {"PermissionDenied", "KeyEncryptionError", "KeyImportError"}:
            return Problem(
                Outcome.FAILED,
                f"the login was refused ({text})",
                "try `ssh USER@HOST`; set `user` and `key_file`, or load the key into the agent with `ssh-add`",
            )
        if isinstance(each, FileExistsError) or "SFTPFileAlreadyExists" in names:
            return Problem(Outcome.ALREADY_THERE, "it is there already")
        if names & {"SFTPNoSuchFile", "SFTPNoSuchPath"}:
            return Problem(Outcome.NOT_THERE, "it is not there")
        if names & {"SFTPPermissionDenied", "SFTPWriteProtect"}:
            return Problem(Outcome.FAILED, "no right to do this there", "check the owner and mode of the folder")
        if names & {"SFTPNoSpaceOnFilesystem", "SFTPQuotaExceeded"}:
            return Problem(Outcome.FAILED, "there is no space left", "make room there and run the command again")
        if "SFTPFailure" in names:
            return Problem(
                Outcome.FAILED, f"the host could not do it ({text})", "is the disk there full, or the folder a file?"
            )
    return None


def _pieces(data: bytes, listens: Listener | None) -> Iterator[bytes]:
    """Gives all bytes at once, or, when somebody listens, a few MiB at a time."""
    step = _PIECE if listens is not None else max(1, len(data))
    for start in range(0, len(data), step):
        yield data[start : start + step]


def _blocks(source: Path) -> Iterator[bytes]:
    with open(source, "rb") as file:
        while block := file.read(_SENT_AT_ONCE):
            yield block


async def _flush(file: Any) -> None:
    """Has the host put the file on its disk, where it can."""
    from asyncssh.sftp import SFTPOpUnsupported

    try:
        await file.fsync()
    except SFTPOpUnsupported:
        return


async def _rename(channel: Any, temporary: str, path: str, *, exclusive: bool) -> None:
    """Gives a file its name. The old `rename` of SFTP replaces nothing; OpenSSH's own replaces at one stroke."""
    from asyncssh.sftp import SFTPError, SFTPOpUnsupported

    if exclusive:
        try:
            await channel.rename(temporary, path)
        except SFTPError:
            if await _is_there(channel, path):
                raise FileExistsError(path) from None
            raise
        return
    try:
        await channel.posix_rename(temporary, path)
    except SFTPOpUnsupported:
        if await _is_there(channel, path):
            await channel.unlink(path)
        await channel.rename(temporary, path)


async def _is_there(channel: Any, path: str) -> bool:
    return bool(await channel.exists(path))


def _place(url: str, options: Mapping[str, object]) -> tuple[str, str, dict[str, Any]]:
    """Gives host and folder of a URL, and the arguments of `asyncssh.connect`."""
    parts = urlsplit(url)
    check_place(url, parts.hostname or "", "host")
    check_place(url, parts.path, "host/folder")
    path = unquote(parts.path)
    root = path.removeprefix("/~/") if path.startswith("/~/") else path
    return str(parts.hostname), root.rstrip("/"), _arguments(parts.username, parts.port, options)


def _arguments(user: str | None, port: int | None, options: Mapping[str, object]) -> dict[str, Any]:
    """Gives the arguments of `asyncssh.connect` that URL and options mean."""
    patience = patience_of(options)
    arguments: dict[str, Any] = {
        # Left out, sshfs would take any key of any host; () is what ssh itself does.
        "known_hosts": options.get("known_hosts", ()),
        "connect_timeout": min(patience, 20.0),
        "login_timeout": patience,
        "keepalive_interval": 15,
        "keepalive_count_max": 3,
    }
    names = {"user": "username", "port": "port", "key_file": "client_keys", "passphrase": "passphrase"}
    names |= {"password": "password", "ssh_config": "config", "proxy_jump": "tunnel"}
    if user is not None:
        arguments["username"] = unquote(user)
    if port is not None:
        arguments["port"] = port
    arguments.update({names[name]: value for name, value in options.items() if name in names})
    if options.get("agent") is False:
        arguments["agent_path"] = None
    if "key_file" in options:
        arguments["client_keys"] = [options["key_file"]]
    return arguments


def _seconds(info: Mapping[str, Any]) -> float | None:
    when = info.get("mtime")
    return when.timestamp() if when is not None else None
