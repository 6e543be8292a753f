"""Campaigns with a template in each form that a server has: one process or several, SQLite or PostgreSQL."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.campaign_server import CampaignServer, list_of
from tests.e2e.recording_sink import RecordingSink
from tests.postgres import Postgres
from tests.service.running_server import TOP
from tests.webhooks.receiver import Receiver

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]
ROWS = 900
CODE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
FORMS = {
    "single-postgresql": (True, True),
    "processes-sqlite": (False, False),
    "processes-postgresql": (False, True),
}


def verifier(document: str, name: str) -> Callable[..., bool]:
    """Return what a document tells its readers to write."""
    text = (TOP / "docs" / document).read_text()
    (code,) = [each for each in CODE.findall(text) if f"def {name}(" in each]
    found: dict[str, Any] = {}
    exec(code, found)
    verify: Callable[..., bool] = found[name]
    return verify


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as started:
        yield started


@pytest.mark.parametrize("form", FORMS)
async def test_a_campaign_with_a_template_comes_to_its_end_though_the_server_is_killed(
    form: str, tmp_path: Path, receiver: Receiver, request: pytest.FixtureRequest
) -> None:
    single, is_elsewhere = FORMS[form]
    more = ""
    if is_elsewhere:
        postgres: Postgres = request.getfixturevalue("postgres")
        more = f'\n[tenancy]\ndatabase = "{postgres.new_database()}"\n'
    with RecordingSink() as sink:
        server = CampaignServer(tmp_path, sink, batch_rows=100, single=single, more=more)
        try:
            secret = await asyncio.to_thread(sent, server, receiver.url())
            await receiver.until(
                lambda: any(
                    json.loads(each.body)["status"] == "completed" for each in receiver.taken
                )
            )
            server.product.assert_clean()
        finally:
            server.kill()
    is_ours, verify = verifier("campaigns.md", "is_ours"), verifier("webhooks.md", "verify")
    for each in receiver.taken:
        assert is_ours(secret, each.headers["x-signature"], each.body)
        assert not is_ours(secret, each.headers["x-signature"], each.body + b" ")
        assert not is_ours(secret[:-1], each.headers["x-signature"], each.body)
        assert verify(secret, each.headers, each.body)
        later = str(int(each.headers["webhook-timestamp"]) + 1)
        assert not verify(secret, {**each.headers, "webhook-timestamp": later}, each.body)


def sent(server: CampaignServer, callback_url: str) -> str:
    """Have a campaign sent and killed on its way; returns the callback secret."""
    parts = {"subject": "For {{ name }}", "text": "Dear {{ name }}, {{ word }}"}
    version = {"parts": parts, "publish": True}
    server.api.right("POST", "/v1/templates", {"alias": "welcome", "version": version})
    made = server.create(
        list_of(ROWS),
        subject="",
        bodyText="",
        templateId="welcome",
        templateData={"word": "first"},
        callbackUrl=callback_url,
    )
    campaign = made["transactionId"]
    server.wait(campaign, lambda each: each["progress"]["rows"] > 0)
    server.kill()
    server.start_again()
    # Its version is pinned
    parts["text"] = "Dear {{ name }}, second"
    server.api.right("POST", "/v1/templates/welcome/versions", version)
    found = server.completed(campaign)
    assert (found["templateVersion"], found["summary"]["sent"]) == (1, ROWS)
    got = server.sent_to()
    assert got.keys() == {f"r{at}@example.net" for at in range(ROWS)}
    assert [to for to, ids in got.items() if len(ids) > 1] == []
    names = [re.search(rb"Dear (N\d+), first", each.content) for each in server.sink.taken]
    assert {each[1].decode() for each in names if each is not None} == {
        f"N{at}" for at in range(ROWS)
    }
    return str(made["callbackSecret"])
