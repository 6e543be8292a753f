"""A bucket of the simulator's, and what [uploads] says of it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from angarium.config.schema import Uploads
from angarium.simulator.s3 import S3Stub


@pytest_asyncio.fixture
async def s3_stub(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[S3Stub]:
    """The environment has its keys."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASTUB")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    found = S3Stub()
    await found.start()
    yield found
    await found.close()


def settings_of(stub: S3Stub, **more: Any) -> Uploads:
    usual = {
        "bucket": stub.bucket,
        "region": stub.region,
        "endpoint_url": stub.url,
        "prefix": "angarium/",
    }
    return Uploads(**{**usual, **more})
