"""What a transfer to or from a large cloud costs about, by a small table of list prices or the configuration's own."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from dvcx.config.schema import RemoteConfig

AS_OF = "2026-11"
"""When the prices were looked up: year and month."""
_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Prices:
    """USD for 1,000 writes or listings, for 1,000 reads, for a GiB that leaves the cloud, for a GiB kept a month."""

    write: float
    read: float
    out: float
    month: float


# List prices of the standard class in the cheapest region of the United States, first tier, without free amounts:
# S3 Standard in us-east-1, Google Cloud Storage Standard in us-central1, Azure Blob hot LRS in East US, R2, B2,
# and Wasabi pay as you go. docs/guides/transfers.md has the page that each was read on.
_LIST = {
    "s3": Prices(write=0.005, read=0.0004, out=0.09, month=0.023),
    "gs": Prices(write=0.005, read=0.0004, out=0.12, month=0.020),
    "az": Prices(write=0.005, read=0.0004, out=0.087, month=0.018),
    "r2": Prices(write=0.0045, read=0.00036, out=0.0, month=0.015),
    "b2": Prices(write=0.004, read=0.0004, out=0.0107, month=0.0064),  # of 10^9 bytes: $0.01 and $0.006
    "wasabi": Prices(write=0.0, read=0.0, out=0.0, month=0.0078),
}
_HOSTS = {"r2.cloudflarestorage.com": "r2", "backblazeb2.com": "b2", "wasabisys.com": "wasabi"}
"""Who is at an address that an S3 remote has of its own."""
_KINDS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "az": "az", "abfs": "az", "abfss": "az", "adl": "az"}


@dataclass(frozen=True, slots=True)
class Cost:
    """What a transfer costs in USD: its requests, the bytes that leave the store, and keeping what is new each month.

    `prices` says whose: `list prices of 2026-11`, or `prices of the configuration`.
    """

    requests: float
    out: float
    month: float
    prices: str

    @property
    def once(self) -> float:
        """What is paid for the transfer itself."""
        return self.requests + self.out


def prices_of(remote: RemoteConfig) -> tuple[Prices, str] | None:
    """Gives the prices of a remote and whose they are; None where nobody knows any, as for a folder.

    A store with an address of its own (`endpoint_url`) is not the cloud itself, whatever language it speaks; of some
    such addresses it is known whose they are.
    """
    own = (remote.price_write, remote.price_read, remote.price_out, remote.price_month)
    listed = _LIST.get(_seller(remote))
    if listed is None and all(price is None for price in own):
        return None
    base = listed or Prices(0.0, 0.0, 0.0, 0.0)
    write, read, out, month = (
        mine if mine is not None else its
        for mine, its in zip(own, (base.write, base.read, base.out, base.month), strict=True)
    )
    all_own = listed is None or all(price is not None for price in own)
    changed = any(price is not None for price in own)
    whose = f"list prices of {AS_OF}" + (" and of the configuration" if changed else "")
    return Prices(write, read, out, month), "prices of the configuration" if all_own else whose


def _seller(remote: RemoteConfig) -> str:
    addresses = [str(value) for name, value in remote.options.items() if "endpoint" in name]
    if not addresses:
        return _KINDS.get(remote.url.partition("://")[0].lower(), "")
    host = f".{urlsplit(addresses[0]).hostname or ''}"
    return next((seller for end, seller in _HOSTS.items() if host.endswith(f".{end}")), "")


def cost_of(remote: RemoteConfig, *, writes: int, reads: int, size_in: int = 0, size_out: int = 0) -> Cost | None:
    """Gives what so many requests, and bytes into and out of a remote, cost; None where no prices are known."""
    found = prices_of(remote)
    if found is None:
        return None
    prices, whose = found
    requests = (writes * prices.write + reads * prices.read) / 1000
    return Cost(requests, size_out / _GIB * prices.out, size_in / _GIB * prices.month, whose)
