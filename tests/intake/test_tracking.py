"""Mirrors angarium/intake/tracking.py."""

import msgspec
import pytest

from angarium.config.schema import Stream, Tracking
from angarium.intake.tracking import LACKING, MailTracking, TenantTracking, Wanted
from angarium.queue.model import Submission
from angarium.smtp.refusal import Refusal
from angarium.tracking.slots import LEAVE_SLOT, TRACK_SLOT
from angarium.tracking.tokens import TrackingKeys
from tests.queue.samples import FakeClock, make_ids, submission

KEYS = TrackingKeys({1: bytes(32)})
HEADER = (
    b"From: <a@shop.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
)
LINK = b'<a href="https://shop.example/">here</a>\r\n'
USUAL = Stream(name="default")
BULK = Stream(name="bulk")
new_id = make_ids(FakeClock())


class Tenants:
    def __init__(self, **said: str) -> None:
        self._said = TenantTracking(**said)  # type: ignore[arg-type]

    def find_tracking(self, tenant: str) -> TenantTracking:
        assert tenant == "acme"
        return self._said


def mail(html: bytes, *recipients: str) -> Submission:
    to = recipients or ("bob@example.net",)
    found = submission(new_id(), list(to), content=HEADER + html)
    return msgspec.structs.replace(found, header_octets=len(HEADER), tenant="acme")


def tracking(*, host: str | None = "t.example.com", **more: object) -> MailTracking:
    said = {key: more.pop(key) for key in ("policy", "postal_address") if key in more}
    own_host = more.pop("own_host", "")
    config = Tracking(host=host, **more)  # type: ignore[arg-type]
    return MailTracking(config, KEYS, Tenants(host=own_host, **said))  # type: ignore[arg-type]


def built(found: Submission | Refusal) -> Submission:
    assert isinstance(found, Submission), found
    return found


def test_what_nobody_wants_tracked_stays_as_it_is() -> None:
    given = mail(LINK)
    assert tracking().personal(given, USUAL, Wanted()) is given


@pytest.mark.parametrize(
    ("configured", "stream", "wanted", "is_tracked"),
    [
        (True, None, None, True),
        (True, False, None, False),
        (False, True, None, True),
        (False, True, False, False),
        (True, False, True, True),
    ],
)
def test_the_message_wins_over_its_stream_and_that_over_the_configuration(
    configured: bool, stream: bool | None, wanted: bool | None, is_tracked: bool
) -> None:
    of = Stream(name="default", opens=stream)
    found = built(tracking(opens=configured).personal(mail(LINK), of, Wanted(opens=wanted)))
    assert (TRACK_SLOT.encode() in found.content) is is_tracked
    assert (found.personal is not None) is is_tracked


def test_the_tenants_policy_wins_over_all() -> None:
    wanted = Wanted(opens=True, clicks=True)
    none = built(tracking(policy="none").personal(mail(LINK), USUAL, wanted))
    assert none.personal is None
    counted = built(tracking(policy="aggregate").personal(mail(LINK), USUAL, wanted))
    assert counted.personal is not None
    assert counted.personal.anonymous


def test_who_is_not_tracked_is_named_by_index() -> None:
    given = mail(LINK, "ann@example.net", "bob@example.net")
    wanted = Wanted(opens=True, untracked=frozenset({"bob@example.net"}))
    found = built(tracking().personal(given, USUAL, wanted))
    assert found.personal is not None
    assert found.personal.untracked == (1,)


def test_links_lead_to_the_tenants_own_host() -> None:
    found = built(
        tracking(own_host="go.shop.example").personal(mail(LINK), USUAL, Wanted(clicks=True))
    )
    assert b"https://go.shop.example/" in found.content.replace(b"=\r\n", b"")


def test_what_was_changed_is_described_as_it_is_now() -> None:
    given = mail(LINK + "ü".encode() + b"\r\n")
    given = msgspec.structs.replace(
        given, has_dot_lines=False, envelope=msgspec.structs.replace(given.envelope, body_8bit=True)
    )
    found = built(tracking().personal(given, USUAL, Wanted(opens=True)))
    assert found.content.isascii()
    assert not found.envelope.body_8bit
    assert found.has_dot_lines is False
    assert b"\r\n." not in found.content
    assert found.content[found.header_octets - 4 : found.header_octets] == b"\r\n\r\n"


def test_without_a_host_only_what_is_asked_for_is_refused() -> None:
    none = tracking(host=None)
    given = mail(LINK)
    assert none.personal(given, Stream(name="default", opens=True), Wanted()) is given
    refused = none.personal(given, USUAL, Wanted(opens=True))
    assert isinstance(refused, Refusal)
    assert refused.enhanced == LACKING
    assert none.find_fault("acme", is_wanted=True) is not None
    assert none.find_fault("acme", is_wanted=False) is None
    assert tracking().find_fault("acme", is_wanted=True) is None
    assert MailTracking(Tracking(host="t.example.com")).find_fault("acme", is_wanted=True)


def test_codes_become_ways_to_leave_whatever_is_tracked() -> None:
    given = mail(b'<a href="{{unsubscribe_url}}">off</a>\r\n')
    found = built(tracking(policy="none").personal(given, USUAL, Wanted()))
    assert LEAVE_SLOT.encode() in found.content
    assert TRACK_SLOT.encode() not in found.content
    assert found.personal is not None


ADDRESS = "1 Main Street\n12345 Springfield"


@pytest.mark.parametrize(
    ("html", "lack"),
    [
        ("<p>Hi</p>", "how to leave"),
        ('<a href="{{unsubscribe_url}}">off</a>', "postal address"),
        ('<a href="https://x.example/unsubscribe">off</a>{{postal_address}}', None),
        ('<a href="{{unsubscribe_url}}">off</a>{{postal_address}}', None),
        ('<a href="{{unsubscribe_url}}">off</a><p>1 Main Street<br>12345 Springfield</p>', None),
        ('<a href="{{unsubscribe_url}}">off</a>20 Rue de Rivoli, 75001 Paris', None),
    ],
)
def test_advertising_says_how_to_leave_and_who_sends_it(html: str, lack: str | None) -> None:
    found = tracking(postal_address=ADDRESS).personal(mail(html.encode()), BULK, Wanted())
    if lack is None:
        built(found)
        return
    assert isinstance(found, Refusal)
    assert lack in found.text


def test_a_stream_says_whether_it_is_advertising() -> None:
    given = mail(b"<p>Hi</p>")
    spared = Stream(name="bulk", commercial=False)
    assert tracking().personal(given, spared, Wanted()) is given
    held = Stream(name="news", commercial=True)
    assert isinstance(tracking().personal(given, held, Wanted()), Refusal)
    assert tracking(host=None).personal(given, BULK, Wanted()) is given
