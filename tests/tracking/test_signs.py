"""Mirrors angarium/tracking/signs.py."""

from typing import Any

import pytest

from angarium.tracking import signs
from angarium.tracking.networks import MachineNetworks, NetworkOwner
from angarium.tracking.signs import Seen, seen_purpose, signs_of
from tests.tracking.labelled_making import CHROME, GMAIL, GMAIL_PREFETCH, HTML, OUTLOOK, YAHOO

NETWORKS = MachineNetworks(
    (
        (NetworkOwner(name="cloud", kind="data_centre"), "198.18.0.0/16"),
        (NetworkOwner(name="mimecast", kind="gateway"), "198.18.7.0/24"),
        (NetworkOwner(name="apple", kind="apple"), "17.0.0.0/8"),
        (NetworkOwner(name="relay", kind="relay"), "104.28.0.0/16"),
        (NetworkOwner(name="google", kind="google"), "66.249.64.0/19"),
    )
)
BROWSER = CHROME.format("126.0.0.0")


def found(**changes: Any) -> tuple[str, ...]:
    """Of a browser that follows a link, but for the changes."""
    fields: dict[str, Any] = {
        "is_picture": False,
        "address": "192.0.2.1",
        "agent": BROWSER,
        "accept": HTML,
        "language": "en",
        "fetch_mode": "navigate",
    }
    return signs_of(Seen(**(fields | changes)), NETWORKS)


def test_a_persons_browser_shows_nothing() -> None:
    assert found() == ()
    assert found(is_picture=True) == ()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"method": "HEAD"}, (signs.HEAD,)),
        ({"agent": ""}, (signs.NO_AGENT,)),
        ({"agent": "python-requests/2.31.0"}, (signs.PROGRAM,)),
        ({"agent": "Mozilla/5.0"}, (signs.BARE_AGENT,)),
        ({"agent": OUTLOOK}, (signs.OFFICE, signs.OLD_BROWSER)),
        ({"purpose": "prefetch"}, (signs.PREFETCH,)),
        ({"agent": "BarracudaCentral/1.0"}, ("gateway:barracuda",)),
        ({"address": "198.18.7.9"}, ("gateway:mimecast",)),
        ({"address": "198.18.8.9"}, (signs.DATA_CENTRE,)),
        ({"address": "17.1.1.1"}, (signs.DATA_CENTRE,)),
        ({"address": "104.28.1.1"}, ()),
        ({"language": ""}, (signs.NO_LANGUAGE,)),
        ({"accept": "*/*"}, (signs.NO_ACCEPT,)),
        ({"fetch_mode": ""}, (signs.NO_FETCH_METADATA,)),
        ({"fetch_mode": "", "is_secure": False}, ()),
        ({"is_old_http": True}, (signs.OLD_HTTP,)),
        ({"agent": CHROME.format("41.0.2272.96"), "fetch_mode": ""}, (signs.OLD_BROWSER,)),
    ],
    ids=lambda each: ",".join(map(str, each)),
)
def test_each_sign_of_who_follows_a_link(
    changes: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert found(**changes) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"agent": GMAIL, "address": "66.249.84.1", "language": ""}, ("via:gmail",)),
        ({"agent": YAHOO, "address": "198.18.8.1"}, ("via:yahoo",)),
        ({"agent": GMAIL, "method": "HEAD"}, (signs.HEAD,)),
        ({"agent": GMAIL_PREFETCH, "address": "66.249.84.1"}, (signs.GMAIL_PREFETCH,)),
        ({"agent": "Mozilla/5.0", "address": "17.2.3.4"}, (signs.APPLE_MPP,)),
        ({"agent": "Mozilla/5.0", "address": "104.28.3.4"}, (signs.APPLE_MPP,)),
        ({"agent": "Mozilla/5.0", "address": "198.18.8.1"}, (signs.BARE_AGENT, signs.DATA_CENTRE)),
        ({"agent": OUTLOOK, "accept": "*/*", "language": ""}, ()),
        ({"agent": "okhttp/4.9.3", "accept": "", "language": ""}, ()),
    ],
    ids=lambda each: ",".join(map(str, each)),
)
def test_each_sign_of_who_fetches_a_picture(
    changes: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert found(is_picture=True, **changes) == expected


def test_a_telephone_by_the_name_of_cubot_is_no_program() -> None:
    agent = "Mozilla/5.0 (Linux; Android 11; CUBOT NOTE 20) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0"
    assert found(agent=agent) == ()
    assert found(agent=agent.replace("CUBOT NOTE 20", "somebot/1")) == (signs.PROGRAM,)


def test_a_browser_says_that_it_looks_ahead() -> None:
    assert seen_purpose({"Sec-Purpose": "prefetch;prerender"})
    assert seen_purpose({"X-Moz": "prefetch"})
    assert not seen_purpose({"Accept": "*/*"})


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", ()),
        ("10.1.2.3", ()),
        ("::1", ()),
        ("8.8.8.8", (signs.PROGRAM,)),
        ("x", (signs.PROGRAM,)),
    ],
)
def test_a_browser_without_a_window_is_a_person_at_home(
    address: str, expected: tuple[str, ...]
) -> None:
    headless = BROWSER.replace("Chrome/", "HeadlessChrome/")
    assert found(agent=headless, address=address) == expected
