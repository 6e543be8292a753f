"""An API of uploads over a directory, with two tenants."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from angarium.api import Served
from angarium.api.native.dialect import NativeDialect
from angarium.api.native.premises import Premises
from angarium.api.native.upload_bringing import UploadBringing
from angarium.api.native.upload_content import UploadContent
from angarium.api.native.uploads import UploadResource
from angarium.api.reading import ReadingLimits
from angarium.config.schema import Config, Queue, Server, Uploads
from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.uploads import UploadStore
from angarium.uploads.signed_url import UrlSigner
from tests.api.serving import Client, serving
from tests.uploads.stores import Clock

KEY = {"X-API-Key": "shop"}


class Snapshots:
    """Two tenants, and no keys."""

    @property
    def current(self) -> "Snapshots":
        return self

    tenants = frozenset({"shop", "other"})


class House:
    """All that an API of uploads works with. A key is called like its tenant; ``-read`` behind it may only read."""

    def __init__(self, directory: Path, **uploads: Any) -> None:
        self.clock = Clock()
        self.store = UploadStore(directory / "uploads", self.clock)
        self.notes: list[tuple[str, str]] = []
        self.config = Config(
            server=Server(hostname="mx.example.com", data_dir=str(directory)),
            uploads=Uploads(file_octets=1 << 20, tenant_octets=1 << 21, tenant_files=3, **uploads),
            queue=Queue(min_free_octets=0),
        )

    def admit(self, request: web.Request, resource: str, action: str) -> Caller:
        tenant, _, only = request.headers.get("X-API-Key", "").partition("-")
        if not tenant:
            raise FaultError(Fault(kind=FaultKind.NO_KEY, message="no key"))
        scopes = ("campaigns:read",) if only else ("campaigns",)
        if resource != "campaigns" or (only and action != "read"):
            raise FaultError(Fault(kind=FaultKind.NO_SCOPE, message=f"{resource}:{action}"))
        return Caller(tenant=tenant, key_id="k", domains=(), address="", listener="", scopes=scopes)

    def run(self, work: Any, *, by: Caller) -> Any:
        async def noted() -> None:
            work(self)

        return noted()

    @property
    def audit(self) -> "House":
        return self

    def note(self, action: str, tenant: str, subject: str, **_: str) -> None:
        self.notes.append((action, tenant))

    @contextlib.asynccontextmanager
    async def client(self, body_s: float = 60.0) -> AsyncIterator[Client]:
        premises = Premises(
            admit=self.admit,
            platform=cast("Any", self),
            snapshots=cast("Any", Snapshots()),
            suppressions=cast("Any", None),
            config=lambda: self.config,
            clock=self.clock,
            renderer=cast("Any", None),
            quota_use=lambda _: (),
        )
        signer = UrlSigner([b"k" * 32])
        bringing = UploadBringing(premises, self.store)
        resources = (
            UploadResource(premises, self.store, signer, bringing),
            UploadContent(premises, self.store, signer),
        )
        limits = ReadingLimits(body_s=body_s)
        try:
            served = Served(dialects=(NativeDialect(resources),), limits=limits)
            async with serving(served) as client:
                yield client
        finally:
            await bringing.close()
