"""Reads a node from Python, for scripts and notebooks. It needs only the base install (httpx, msgspec).

    from assetlog.catalog.client import Client

    with Client() as client:                        # ASSETLOG_URL, else the node of this machine
        for asset in client.each_asset(state="failed"):
            print(asset.key, asset.state_reason)
        then = client.asset("s3://lake/orders.parquet", as_of="2026-11-21T12:00:00Z")
        frame = client.assets().to_pandas()         # every asset; also to_polars() and to_arrow()

`AsyncClient` has the same methods as coroutines and asynchronous iterators.
"""

from __future__ import annotations

from assetlog.catalog.client.asking import Moment
from assetlog.catalog.client.asynchronous import AsyncClient
from assetlog.catalog.client.frames import Frame
from assetlog.catalog.client.listings import AsyncListing, Listing
from assetlog.catalog.client.synchronous import Client

__all__ = ["AsyncClient", "AsyncListing", "Client", "Frame", "Listing", "Moment"]
