"""Mirrors angarium/service/platform/mail_log_query.py, where tests/cli/test_log.py does not."""

from typing import Any

import msgspec
import pytest

from angarium.insight.admin.log_reads import LogQuery
from angarium.service.platform.mail_log_query import LogFilter
from angarium.service.platform.mail_record import MailRecord

DEFERRED = MailRecord(
    sequence=1, ts="2026-01-01T00:00:00.000Z", event="deferred", message="m", provider="gmail"
)


@pytest.mark.parametrize(
    ("query", "is_meant"),
    [
        ({"providers": ("gmail",)}, True),
        ({"providers": ("yahoo", "Gmail")}, True),
        ({"providers": ("mail",)}, False),
        ({"events": ("deferred",)}, True),
        ({"events": ("bounced", "deferred"), "providers": ("gmail",)}, True),
        ({"events": ("bounced",), "providers": ("gmail",)}, False),
    ],
)
def test_lines_are_meant_by_provider_and_event(query: dict[str, Any], is_meant: bool) -> None:
    found = LogFilter(LogQuery(**query))
    line = msgspec.json.encode(DEFERRED)
    assert found.matches(DEFERRED) is is_meant
    assert found.may_match(line) or not is_meant
