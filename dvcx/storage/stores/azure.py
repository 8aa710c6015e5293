"""Azure Blob Storage and Data Lake: single requests of Azure's own library on adlfs's client, checked by MD5."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dvcx.base.errors import UsageError
from dvcx.storage.bucket import BucketFile
from dvcx.storage.stores.kinds import check_place
from dvcx.storage.stores.options import TIMEOUT, Option, Takes
from dvcx.storage.stores.problems import CLOCK_HINT, LOOK, NOT_A_STORE, Outcome, Problem, causes, class_names, status_of
from dvcx.storage.stores.store import ANY_SIZE, LoopStore, below, for_each, patience_of

OPTIONS = (
    Option("account_name", Takes.TEXT, "the storage account"),
    Option("account_key", Takes.TEXT, "a key of the account (secret)"),
    Option("connection_string", Takes.TEXT, "account, key and address in one (secret)"),
    Option("sas_token", Takes.TEXT, "a shared access signature (secret)"),
    Option("tenant_id", Takes.TEXT, "the directory of a service principal"),
    Option("client_id", Takes.TEXT, "the id of a service principal"),
    Option("client_secret", Takes.TEXT, "the secret of a service principal (secret)"),
    Option("anon", Takes.FLAG, "ask without credentials, for public containers"),
    Option("account_host", Takes.TEXT, "the host of the account in other clouds than the public one"),
    Option("endpoint_url", Takes.TEXT, "the address of the account at another server, such as Azurite; with its key"),
    TIMEOUT,
)
_ADLFS = (
    *("account_name", "account_key", "connection_string", "sas_token", "tenant_id", "client_id", "client_secret"),
    *("anon", "account_host"),
)


def open_store(url: str, options: Mapping[str, object]) -> AzureStore:
    """Gives the store at `az://CONTAINER/FOLDER` or `abfs://CONTAINER@ACCOUNT.dfs.core.windows.net/FOLDER`."""
    container, folder, chosen = _place(url, options)
    return AzureStore(container, folder, chosen)


def open_filesystem(url: str, options: Mapping[str, object]) -> tuple[Any, str]:
    """Gives fsspec's file system for a URL, and the path there."""
    from adlfs import AzureBlobFileSystem

    container, folder, chosen = _place(url, options)
    return AzureBlobFileSystem(**_arguments(chosen)), f"{container}/{folder}"


class AzureStore(LoopStore):
    """The files below `folder` of a container. See `Store`."""

    def __init__(self, container: str, folder: str, options: Mapping[str, object]) -> None:
        from adlfs import AzureBlobFileSystem

        patience = patience_of(options)
        self._fs = AzureBlobFileSystem(**_arguments(options), use_listings_cache=False)
        super().__init__(self._fs.loop, patience)
        self._container = self._fs.service_client.get_container_client(container)
        self._root = folder
        # Trying again is RetryingBucket's work; the library would wait for a quarter of a minute the first time.
        self._once: dict[str, Any] = {
            "retry_total": 0,
            "connection_timeout": min(patience, 10.0),
            "read_timeout": patience,
        }

    def list(self, prefix: str) -> Iterator[BucketFile]:
        """Gives every file whose name starts with `prefix`, thousands with each request."""
        start = len(self._root) + 1 if self._root else 0

        async def collect() -> list[BucketFile]:
            blobs = self._container.list_blobs(name_starts_with=below(self._root, prefix), **self._once)
            return [
                BucketFile(each.name[start:], int(each.size), each.last_modified.timestamp())
                async for each in blobs
                if not (each.metadata or {}).get("hdi_isfolder") and each.name[start:]
            ]

        return iter(self.ask(collect(), ANY_SIZE))

    def stat(self, name: str) -> BucketFile | None:
        """Gives what is known of one file."""
        found = self.ask(self._blob(name).get_blob_properties(**self._once))
        if (found.metadata or {}).get("hdi_isfolder"):
            return None
        return BucketFile(name, int(found.size), found.last_modified.timestamp())

    def read(self, name: str) -> bytes:
        """Gives the whole content."""
        return self.ask(self._got(name), ANY_SIZE)

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """Gives the bytes from `start` up to `end`."""
        try:
            return self.ask(self._got(name, offset=start, length=end - start), end - start)
        except Exception as error:
            if any(status_of(each) == 416 for each in causes(error)):
                return b""  # the file ends before
            raise

    def write(self, name: str, data: bytes, *, exclusive: bool) -> bool:
        """Makes `data` the content; the store refuses it when other bytes arrive than were sent."""
        self.ask(
            self._blob(name).upload_blob(
                data, overwrite=not exclusive, validate_content=True, max_concurrency=4, **self._once
            ),
            len(data),
        )
        return False

    def write_file(self, name: str, source: Path, size: int) -> None:
        """Sends a file, in blocks when it is large; the store refuses it when other bytes arrive than were sent."""
        with open(source, "rb") as file:
            self.ask(
                self._blob(name).upload_blob(
                    file, length=size, overwrite=True, validate_content=True, max_concurrency=4, **self._once
                ),
                size,
            )

    def delete(self, names: Sequence[str]) -> None:
        """Removes files."""
        from azure.core.exceptions import ResourceNotFoundError

        async def remove(name: str) -> None:
            try:
                await self._blob(name).delete_blob(**self._once)
            except ResourceNotFoundError as error:
                if getattr(error, "error_code", None) == "ContainerNotFound":
                    raise

        self.ask(for_each(names, remove))

    async def _got(self, name: str, **range_: int) -> bytes:
        stream = await self._blob(name).download_blob(max_concurrency=4, **range_, **self._once)
        return bytes(await stream.readall())

    def _blob(self, name: str) -> Any:
        return self._container.get_blob_client(below(self._root, name))


def explain(error: BaseException) -> Problem | None:
    """Gives what Azure's error codes mean."""
    for each in causes(error):
        raw = getattr(each, "error_code", "")
        code = str(getattr(raw, "value", raw) or "")  # an enumeration, or a text when the library does not know it
        names = class_names(each)
        text = str(each)
        if code in ("ContainerNotFound", "ContainerBeingDeleted", "FilesystemNotFound"):
            return Problem(
                Outcome.FAILED, "there is no container of that name there", "check the name and account, or make it"
            )
        if code == "BlobAlreadyExists" or "ResourceExistsError" in names:
            return Problem(Outcome.ALREADY_THERE, "it is there already")
        if code == "Md5Mismatch" or "contentMD5 doesn't match" in text:
            return Problem(Outcome.TRY_AGAIN, "what was sent did not arrive whole")
        if "ResourceNotFoundError" in names:
            return Problem(Outcome.NOT_THERE, "it is not there")
        if ("date header" in text and "too old" in text) or "Signature not valid in the specified time frame" in text:
            return Problem(
                Outcome.FAILED, "the credentials have expired, or the clock of this computer is wrong", CLOCK_HINT
            )
        refused = code in ("AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation")
        if refused or "failed to authenticate" in text:
            return Problem(
                Outcome.FAILED,
                "the store does not take the credentials",
                "set it again: `dvcx remote modify --local NAME account_key -` (or sas_token, connection_string)",
            )
        if code.startswith("Authorization") or code == "InsufficientAccountPermissions":
            return Problem(
                Outcome.FAILED,
                f"no right to do this ({code})",
                "the account needs the role Storage Blob Data Contributor",
            )
        if names & {"ClientAuthenticationError", "CredentialUnavailableError"} and not code:
            return Problem(
                Outcome.FAILED,
                "there are no credentials for it, or they have expired",
                "`az login`, or set account_key, sas_token or connection_string",
            )
        if isinstance(each, ValueError) and "response header is missing" in text:
            return Problem(Outcome.FAILED, NOT_A_STORE, LOOK)
        if isinstance(each, ValueError) and "Must provide either a connection_string" in text:
            return Problem(
                Outcome.FAILED,
                "it is not said which storage account it is on",
                "`dvcx remote modify NAME account_name ACCOUNT`; with `az login` that is all",
            )
        if isinstance(each, ValueError) and ("connection string" in text.lower() or "account_name" in text):
            return Problem(Outcome.FAILED, text, "set account_name, or connection_string")
    return None


def _place(url: str, options: Mapping[str, object]) -> tuple[str, str, dict[str, object]]:
    """Gives container and folder of a URL, and the options with what the URL says of the account."""
    parts = urlsplit(url)
    container, at, host = parts.netloc.rpartition("@")
    container = container if at else host
    check_place(url, container, "container")
    chosen = dict(options)
    if at:
        chosen.setdefault("account_name", host.partition(".")[0])
        if not host.endswith(("dfs.core.windows.net", "blob.core.windows.net")):
            chosen.setdefault("account_host", host.replace(".dfs.", ".blob."))
    return container, parts.path.strip("/"), chosen


def _arguments(options: Mapping[str, object]) -> dict[str, Any]:
    """Gives the arguments of the file system that the options mean."""
    arguments = {name: value for name, value in options.items() if name in _ADLFS}
    if "endpoint_url" in options:
        if "account_name" not in options or "account_key" not in options:
            raise UsageError(
                "the option endpoint_url of an Azure remote needs account_name and account_key beside it",
                "set both; the key with `dvcx remote modify --local NAME account_key -`",
            )
        address = str(options["endpoint_url"])
        arguments["connection_string"] = (
            f"DefaultEndpointsProtocol={urlsplit(address).scheme};AccountName={options['account_name']};"
            f"AccountKey={options['account_key']};BlobEndpoint={address};"
        )
    return arguments
