"""docs/webhooks.md: its snippet verifies what is sent, and its words are those of the code."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from angarium.queue.model import UnixMs
from angarium.tenancy.webhook import FORMATS, TYPES
from angarium.webhooks.formats import FORMS, Sealing
from angarium.webhooks.retry import SCHEDULE_S
from angarium.webhooks.signing import signature_headers
from tests.webhooks.samples import Sample

TEXT = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
OTHER = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4"


@pytest.fixture(scope="module")
def verify() -> Any:
    """The function that the document has for its readers."""
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    return names["verify"]


def test_the_snippet_verifies_a_request_and_nothing_else(verify: Any) -> None:
    now = UnixMs(int(time.time() * 1000))
    told = Sample().happen("delivered")
    body = FORMS["native"].write(told, Sealing(secret=SECRET, now=now)).body
    headers = signature_headers(told.id, body, [OTHER, SECRET], now)
    assert verify(SECRET, headers, body)
    assert verify(OTHER, headers, body)
    assert not verify(SECRET, headers, body + b" ")
    assert not verify(SECRET, {**headers, "webhook-id": "other"}, body)
    assert not verify("whsec_" + "A" * 32, headers, body)
    old = signature_headers(told.id, body, [SECRET], UnixMs(now - 600_000))
    assert not verify(SECRET, old, body)


def test_the_payload_that_is_shown_has_the_fields_that_are_sent() -> None:
    (shown,) = re.findall(r"^    (\{\"id\".*?\}\})$", TEXT, re.DOTALL | re.MULTILINE)
    written = FORMS["native"].write(
        Sample().happen("delivered", 1), Sealing(secret=SECRET, now=UnixMs(0))
    )
    sent = json.loads(written.body)
    found = json.loads(shown)
    assert set(found) == set(sent) - {"campaign"}
    assert set(found["details"]) <= set(sent["details"])


def test_every_type_and_format_is_explained() -> None:
    missing = [each for each in TYPES if f"`{each}`" not in TEXT and not each.startswith("domain.")]
    assert missing == []
    assert [each for each in FORMATS[1:] if f"| `{each}` |" not in TEXT] == []


def test_the_schedule_is_the_one_that_is_written() -> None:
    assert "1, 2, 4, 8 and 16 s, 1, 5 and 30 min, 2, 5 and 10 h" in TEXT
    assert SCHEDULE_S == (1, 2, 4, 8, 16, 60, 300, 1800, 7200, 18_000, 36_000)
