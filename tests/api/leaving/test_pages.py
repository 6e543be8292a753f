"""Mirrors angarium/api/leaving/pages.py, by requests to a small application."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from angarium.api.leaving.pages import BODY_OCTETS
from angarium.api.leaving.words import LANGUAGES, all_words
from angarium.config.schema import Queue
from angarium.queue import LmdbSpool, QueueFullError, Resubscribed, UnixMs, Unsubscribed
from angarium.queue.memory.spool import MemorySpool
from angarium.tracking.tokens import TrackingKeys
from tests.api.leaving.leaving_site import KEYS, Answer, Site, leaver
from tests.queue.samples import START, FakeClock

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
OFFERS, TRIPS, BULK = (
    *("tenant:acme/topic:offers", "tenant:acme/topic:trips"),
    "tenant:acme/stream:bulk",
)
DAY = 86_400_000


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    clock = FakeClock()
    async with Site(MemorySpool(clock, 2), clock) as site:
        yield site


class _Balanced(HTMLParser):
    """Fails where an element is not closed, or closed in another one."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "input", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(answer: Answer) -> _Balanced:
    parser = _Balanced()
    parser.feed(answer.text)
    parser.close()
    assert parser.open == []
    return parser


def boxes(answer: Answer) -> dict[str, bool]:
    """Which may be ticked, and whether they are."""
    return {
        str(attrs["value"]): "checked" in attrs
        for tag, attrs in read(answer).seen
        if tag == "input" and attrs.get("name") == "keep"
    }


@pytest.mark.parametrize("kind", ["u", "p"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_to_look_changes_nothing(site: Site, kind: str, method: str) -> None:
    """LVP1: mail scanners follow each link."""
    async with site.client.request(method, f"/{kind}/{site.token}?do=leave") as answer:
        assert answer.status == 200
        assert bool(await answer.text()) == (method == "GET")
    assert site.events() == []
    assert site.scopes() == set()


@pytest.mark.parametrize(
    "body",
    [ONE_CLICK, "List-Unsubscribe=One-Click", None, "multipart"],
    ids=["urlencoded", "plain", "nothing", "form-data"],
)
async def test_one_click_leaves_at_once_and_once(site: Site, body: Any) -> None:
    """RFC 8058 section 3.1: no cookie, no redirect, no question."""
    for _ in range(3):
        if body == "multipart":
            data = aiohttp.FormData(default_to_multipart=True)
            data.add_field("List-Unsubscribe", "One-Click")
        answer = await site.post(data if body == "multipart" else body)
        assert answer.status == 200
        assert "Set-Cookie" not in answer.headers
    assert [each.name for each in site.events()] == ["unsubscribed", "suppression_added"]
    event = site.events()[0]
    assert isinstance(event, Unsubscribed)
    assert (event.how, event.recipient, event.campaign, event.index) == (
        *("one-click", "ann@example.net", "spring"),
        2,
    )
    assert (event.scope, event.sender_domain) == (OFFERS, "acme.example")
    assert site.scopes() == {OFFERS}


async def test_what_the_answer_says_is_on_disk(tmp_path: Path) -> None:
    """LVP2"""
    clock, config = FakeClock(), Queue(partitions=2, map_octets=1 << 17, min_free_octets=0)
    spool = LmdbSpool.open(tmp_path, config, clock)
    async with Site(spool, clock) as site:
        seen: list[bool] = []
        apply = spool.suppressions.apply

        async def watched(changes: Any) -> list[bool]:
            done = await apply(changes)
            found = spool.suppressions.find("ann@example.net", "acme", "bulk", "offers")
            seen.append(found is not None)
            return done

        spool.suppressions.apply = watched  # type: ignore[method-assign, assignment]
        assert (await site.post(ONE_CLICK)).status == 200
        assert seen == [True]
    spool.close()
    again = LmdbSpool.open(tmp_path, config, clock)
    assert again.suppressions.find("ann@example.net", "acme", "bulk", "offers") is not None
    again.close()


async def test_who_confirms_on_the_page_leaves_and_may_come_back(site: Site) -> None:
    asked = await site.get()
    assert all_words()["en"].ask_title in asked.text
    assert "a***@example.net" in asked.text
    assert "ann@" not in asked.text
    left = await site.post({"do": "leave"})
    assert (left.status, site.scopes()) == (200, {OFFERS})
    assert all_words()["en"].undo_button in left.text
    assert f"/p/{site.token}" in left.text
    assert all_words()["en"].left_title in (await site.get()).text
    back = await site.post({"do": "rejoin"})
    assert (back.status, site.scopes()) == (200, set())
    assert all_words()["en"].back_title in back.text
    told = site.events()
    assert [each.name for each in told] == [
        *("unsubscribed", "suppression_added", "resubscribed", "suppression_removed")
    ]
    assert isinstance(told[2], Resubscribed)
    assert (told[0].how, told[2].scope) == ("page", OFFERS)
    await site.post({"do": "rejoin"})
    assert len(site.events()) == 4


@pytest.mark.parametrize("reason", ["complaint", "manual", "user_unknown"])
async def test_who_comes_back_takes_no_other_suppression_away(site: Site, reason: str) -> None:
    """LVP4"""
    await site.suppress("tenant:acme", reason)
    await site.post(ONE_CLICK)
    answer = await site.post({"do": "rejoin"})
    assert (answer.status, site.scopes()) == (200, {"tenant:acme"})
    assert all_words()["en"].kept_title in answer.text
    assert all_words()["en"].kept_title in (await site.get()).text
    page = await site.get("p")
    assert boxes(page) == {}
    await site.post({"do": "save", "shown": [OFFERS], "keep": [OFFERS]}, "p")
    await site.post({"do": "leave-all", "shown": [OFFERS, BULK]}, "p")
    assert site.scopes() == {"tenant:acme"}


async def test_mail_without_a_topic_is_left_by_its_stream(site: Site) -> None:
    token = KEYS.leave(leaver(topic=""))
    assert "Offers" not in (await site.get(token=token)).text
    assert (await site.post(ONE_CLICK, token=token)).status == 200
    assert site.scopes() == {BULK}


async def test_the_preferences_show_topics_and_streams_and_keep_what_is_chosen(site: Site) -> None:
    await site.suppress(OFFERS)
    page = await site.get("p")
    assert boxes(page) == {OFFERS: False, TRIPS: True, BULK: True}
    assert "Trips &amp; &lt;tours&gt;" in page.text
    form = {"do": "save", "shown": [OFFERS, TRIPS, BULK], "keep": [OFFERS, BULK]}
    saved = await site.post(form, "p")
    assert (saved.status, boxes(saved)) == (200, {OFFERS: True, TRIPS: False, BULK: True})
    assert all_words()["en"].saved in saved.text
    assert site.scopes() == {TRIPS}
    before = len(site.events())
    await site.post(form, "p")
    assert len(site.events()) == before
    await site.post({"do": "leave-all", "shown": [OFFERS, TRIPS, BULK]}, "p")
    assert boxes(await site.get("p")) == dict.fromkeys((OFFERS, TRIPS, BULK), False)


async def test_a_topic_that_came_since_the_page_was_shown_is_not_left(site: Site) -> None:
    await site.post({"do": "save", "shown": [OFFERS], "keep": []}, "p")
    assert site.scopes() == {OFFERS}


@pytest.mark.parametrize(
    "scope", ["all", "tenant:acme", "tenant:other/topic:offers", "tenant:acme/topic:none", "x"]
)
async def test_a_form_may_name_only_what_is_offered(site: Site, scope: str) -> None:
    """LVP3"""
    answer = await site.post({"do": "save", "shown": [scope], "keep": []}, "p")
    assert (answer.status, site.events()) == (200, [])


async def test_who_had_left_everything_comes_back_to_one_thing_alone(site: Site) -> None:
    await site.suppress("tenant:acme")
    await site.post({"do": "rejoin"})
    assert boxes(await site.get("p")) == {OFFERS: True, TRIPS: False, BULK: False}


async def test_an_unreadable_form_changes_nothing(site: Site) -> None:
    for kind in ("u", "p"):
        answer = await site.post({"do": "what"}, kind)
        assert (answer.status, site.events()) == (400, [])
        read(answer)


async def test_a_body_is_bounded(site: Site) -> None:
    assert (await site.post(b"x" * BODY_OCTETS)).status == 200
    answer = await site.post(b"x" * (BODY_OCTETS + 1), token=KEYS.leave(leaver(address="a@b.c")))
    assert answer.status == 413
    assert len(site.events()) == 2


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_other_methods_are_refused(site: Site, method: str) -> None:
    async with site.client.request(method, f"/u/{site.token}") as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET, HEAD, POST"
    assert site.events() == []


FOREIGN = TrackingKeys({1: b"x" * 32})


@pytest.mark.parametrize(
    ("token", "status", "title"),
    [
        ("nonsense", 404, "unknown_title"),
        ("A" * 5000, 404, "unknown_title"),
        (FOREIGN.leave(leaver()), 404, "unknown_title"),
        (KEYS.leave(leaver(tenant="other")), 404, "unknown_title"),
        (KEYS.leave(leaver(day=20_000)), 410, "expired_title"),
    ],
    ids=["malformed", "long", "forged", "anothers-host", "expired"],
)
@pytest.mark.parametrize("kind", ["u", "p"])
async def test_what_is_not_valid_is_said_in_words(
    site: Site, kind: str, token: str, status: int, title: str
) -> None:
    """P3"""
    for answer in (
        await site.get(kind, token, "?lang=de"),
        await site.post(ONE_CLICK, kind, token, "?lang=de"),
    ):
        assert answer.status == status
        assert getattr(all_words()["de"], title) in answer.text
        read(answer)
    assert site.events() == []


@pytest.mark.parametrize("host", ["t.acme.example", "T.ACME.example:8443"])
async def test_a_tenants_own_host_is_for_its_mail_alone(site: Site, host: str) -> None:
    """P3"""
    site.facts.owners["t.acme.example"] = "other"
    site.host = host
    assert (await site.get()).status == 404
    site.facts.owners["t.acme.example"] = "acme"
    assert (await site.get()).status == 200


async def test_a_token_is_good_on_the_installations_host_for_each_tenant(site: Site) -> None:
    site.facts.owners.clear()
    token = KEYS.leave(leaver(tenant="other", topic="", stream="news"))
    answer = await site.get(token=token)
    assert answer.status == 200
    assert "acme.example" in answer.text  # its sender's domain, where no name is known


async def test_a_full_disk_is_no_unsubscription(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LVP2"""

    async def full(*_: Any) -> list[bool]:
        raise QueueFullError("the disk is full")

    monkeypatch.setattr(site.spool.suppressions, "apply", full)
    answer = await site.post(ONE_CLICK)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "60")
    assert all_words()["en"].failed_title in answer.text


async def test_no_page_runs_a_script_loads_anything_or_is_kept(site: Site) -> None:
    answers = [
        await site.get(),
        await site.get("p"),
        await site.post(ONE_CLICK),
        await site.get("u", "nonsense"),
    ]
    for answer in answers:
        (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert answer.headers["Content-Security-Policy"] == (
            f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self';"
            " frame-ancestors 'none'; base-uri 'none'"
        )
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        for tag, attrs in read(answer).seen:
            assert tag not in ("script", "img", "link", "iframe")
            assert not any(name.startswith("on") or name in ("src", "style") for name in attrs)
            assert str(attrs.get("href", "/")).startswith("/")
            assert str(attrs.get("action", "/")).startswith("/")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_page_is_in_one_language_and_leads_to_the_others(site: Site, language: str) -> None:
    answer = await site.get(query=f"?lang={language}", headers={"Accept-Language": "ja"})
    seen = read(answer).seen
    assert seen[0] == ("html", {"lang": language, "dir": "ltr"})
    assert answer.headers["Content-Language"] == language
    assert all_words()[language].ask_title in answer.text
    others = {attrs["hreflang"] for tag, attrs in seen if "hreflang" in attrs}
    assert others == {*LANGUAGES} - {language}
    (form,) = [attrs for tag, attrs in seen if tag == "form"]
    assert form["action"] == f"/u/{site.token}?lang={language}"


async def test_a_topic_has_its_title_in_the_pages_language(site: Site) -> None:
    assert "Angebote" in (await site.get(headers={"Accept-Language": "de-AT"})).text
    assert "Offers" in (await site.get(headers={"Accept-Language": "fr"})).text
    own = KEYS.leave(leaver(language="de"))
    assert "Angebote" in (await site.get(token=own, headers={"Accept-Language": "fr"})).text


async def test_a_stream_has_its_title_in_the_pages_language(site: Site) -> None:
    site.facts.stream_titles = {"bulk": {"en": "News & <more>", "de": "Neues"}}
    german = await site.get("p", headers={"Accept-Language": "de"})
    assert "<bdi>Neues</bdi>" in german.text
    assert "<bdi>News &amp; &lt;more&gt;</bdi>" in (await site.get("p")).text
    assert 'value="tenant:acme/stream:bulk"' in german.text


async def test_who_sends_is_named_with_where_they_live(site: Site) -> None:
    answer = await site.get()
    assert "<bdi>Acme Travel</bdi>" in answer.text
    assert "<address>\nAcme Travel<br>\n1 Example Street<br>\n12345 Exampletown\n" in answer.text


async def test_names_are_escaped(site: Site) -> None:
    site.facts.address = ("<b>\"Acme'</b> & {address}",)
    token = KEYS.leave(leaver(address='"<i>"@example.net', topic="<u>"))
    for kind in ("u", "p"):
        answer = await site.get(kind, token)
        read(answer)
        assert "<b>" not in answer.text
        assert "<i>" not in answer.text
        assert "<u>" not in answer.text


async def test_a_token_is_good_until_its_day_is_over(site: Site) -> None:
    site.clock.now = START + 400 * DAY
    assert (await site.get()).status == 200
    site.clock.now = UnixMs(START + 402 * DAY)
    assert (await site.get()).status == 410
