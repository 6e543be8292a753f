"""What one request shows of who made it. Pure. The full address and headers are looked at here and then forgotten.

A sign is in the log and in reasons for ever; docs/tracking.md says what each means.
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

import msgspec

from angarium.tracking.networks import MachineNetworks, NetworkOwner

# --- what is a machine's for certain ---
HEAD: Final = "head"
NO_AGENT: Final = "no_agent"
PROGRAM: Final = "program"  # its user agent is a program's that is no browser
BARE_AGENT: Final = "bare_agent"  # "Mozilla/5.0", and nothing else
PREFETCH: Final = "prefetch"  # it says so
OFFICE: Final = "office_discovery"  # Office looks at a link before the browser gets it
APPLE_MPP: Final = "apple_mpp"
GMAIL_PREFETCH: Final = "gmail_prefetch"
GATEWAY: Final = "gateway"  # with whose: gateway:mimecast
# --- what people do seldom ---
DATA_CENTRE: Final = "data_centre"
NO_LANGUAGE: Final = "no_language"
NO_ACCEPT: Final = "no_accept"
NO_FETCH_METADATA: Final = "no_fetch_metadata"  # browsers of these years say why they ask
OLD_HTTP: Final = "old_http"
OLD_BROWSER: Final = "old_browser"
# --- a person, through somebody else's hands ---
VIA: Final = "via"  # with whose: via:gmail

# A Cubot is a telephone
_PROGRAMS: Final = re.compile(
    r"(?<!cu)bot\b|crawl|spider|scan|preview|prerender|\bcurl/|wget|python|aiohttp|httpx|\bjava/|go-http-client|libwww|perl/"
    r"|ruby|php/|guzzle|axios|node-fetch|undici|headless|phantomjs|puppeteer|playwright|selenium|facebookexternalhit"
    r"|whatsapp/|scrapy|httpclient|winhttp|urlcheck|linkcheck|monitor|nmap|zgrab|okhttp|postman|powershell",
    re.I,
)
# Mail programs for Android and others fetch pictures by such libraries
_FETCHES_PICTURES: Final = re.compile(r"okhttp|dalvik|cfnetwork", re.I)
_GATEWAYS: Final = tuple(
    (name, re.compile(pattern, re.I))
    for name, pattern in (
        ("barracuda", r"barracuda"),
        ("mimecast", r"mimecast"),
        ("proofpoint", r"proofpoint|urldefense"),
        ("cisco", r"ironport|ciscosecureemail|cisco-?talos"),
        ("broadcom", r"symantec|messagelabs|bluecoat"),
        ("trend-micro", r"trend ?micro|\btmes\b|tmufe"),
        ("area-1", r"area ?1 ?security|area1"),
        ("microsoft", r"safelinks|bingpreview|skypeuripreview|microsoft-?defender"),
        ("fortinet", r"forti(?:mail|guard|sandbox)"),
        ("sophos", r"sophos"),
        ("trellix", r"fireeye|trellix"),
        ("check-point", r"check ?point|avanan"),
        ("vade", r"vade ?secure|vadesecure"),
        ("hornet", r"hornetsecurity"),
    )
)
_PROXIES: Final = tuple(
    (name, re.compile(pattern, re.I))
    for name, pattern in (
        ("gmail", r"googleimageproxy"),
        ("yahoo", r"yahoomailproxy"),
        ("outlook", r"outlook-?image-?proxy|outlookimageproxy"),
        ("seznam", r"seznamemailproxy"),
        ("mail-ru", r"mail\.ru_bot/img"),
        ("yandex", r"yandeximageresizer"),
        ("duckduckgo", r"duckduckgo(?:-email|emailprotection)"),
    )
)
_HEADLESS: Final = "HeadlessChrome/"
_OFFICE: Final = re.compile(r"ms-office|msoffice|microsoft office", re.I)
# What Google's own hosts say that fetch pictures before anybody reads
_GMAIL_PREFETCH: Final = "Edge/12.246"
_BARE: Final = "Mozilla/5.0"
_MODERN: Final = re.compile(
    r"(?:Chrome/(?:8\d|9\d|[1-9]\d\d)|Firefox/(?:9\d|[1-9]\d\d)"
    r"|Version/(?:1[7-9]|[2-9]\d)[\d.]* (?:Mobile/\S+ )?Safari)"
)
# Of 2018 and before; programs that look through mail name such for years
_OLD: Final = re.compile(
    r"Chrome/(?:[1-6]?\d)\.|Firefox/(?:[1-5]?\d)\.|MSIE (?:[5-9]|10)\.|Windows NT 5\.|Trident/[4-6]"
)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A request, as far as it is looked at."""

    is_picture: bool  # else a link
    address: str
    agent: str
    method: str = "GET"
    is_old_http: bool = False  # before 1.1
    accept: str = ""
    language: str = ""
    fetch_mode: str = ""  # Sec-Fetch-Mode
    purpose: str = ""  # Sec-Purpose, Purpose, X-Purpose, X-Moz
    is_secure: bool = True  # our addresses are https://: browsers say more there


def signs_of(seen: Seen, networks: MachineNetworks) -> tuple[str, ...]:
    """Return what speaks for a machine, or for a person whose hands were not the last; the surest first."""
    owner = networks.find(seen.address)
    seen = _as_a_person(seen)
    agent = _agent_of(seen.agent)
    if seen.is_picture and (proxy := _proxy_of(seen, agent, owner)):
        return (proxy,)
    return (*_certain(seen, agent, owner), *_doubtful(seen, agent, owner))


def _as_a_person(seen: Seen) -> Seen:
    """A browser without a window on a network of one's own is how one tries out what a reader does."""
    if _HEADLESS not in seen.agent:
        return seen
    try:
        is_own = ipaddress.ip_address(seen.address).is_private
    except ValueError:
        is_own = False
    agent = seen.agent.replace(_HEADLESS, "Chrome/")
    return msgspec.structs.replace(seen, agent=agent) if is_own else seen


def _proxy_of(seen: Seen, agent: "_Agent", owner: NetworkOwner | None) -> str:
    if seen.method != "GET":
        return ""
    if agent.proxy:
        return f"{VIA}:{agent.proxy}"
    is_prefetch = owner is not None and owner.kind == "google" and agent.is_gmails
    return GMAIL_PREFETCH if is_prefetch else ""


def _certain(seen: Seen, agent: "_Agent", owner: NetworkOwner | None) -> Iterator[str]:
    if seen.method == "HEAD":
        yield HEAD
    if seen.purpose:
        yield PREFETCH
    gateway = owner.name if owner is not None and owner.kind == "gateway" else agent.gateway
    if gateway:
        yield f"{GATEWAY}:{gateway}"
    if seen.is_picture and _is_apple_proxy(seen, owner):
        yield APPLE_MPP
    elif not seen.agent:
        yield NO_AGENT
    elif seen.agent == _BARE:
        yield BARE_AGENT
    elif agent.is_program and not (seen.is_picture and agent.fetches_pictures):
        yield PROGRAM
    elif agent.is_office and not seen.is_picture:
        yield OFFICE


def _is_apple_proxy(seen: Seen, owner: NetworkOwner | None) -> bool:
    """Mail's proxy says only the word that all browsers begin with; its relays change too often to know all of them."""
    kind = "" if owner is None else owner.kind
    return kind == "apple" or (seen.agent == _BARE and kind in ("", "relay"))


def _doubtful(seen: Seen, agent: "_Agent", owner: NetworkOwner | None) -> Iterator[str]:
    kind = "" if owner is None else owner.kind
    if kind in ("data_centre", "google") or (kind == "apple" and not seen.is_picture):
        yield DATA_CENTRE
    if seen.is_old_http:
        yield OLD_HTTP
    if seen.is_picture:
        # Programs that show mail leave such headers out when they fetch a picture; browsers never do
        return
    if not seen.language:
        yield NO_LANGUAGE
    if seen.accept in ("", "*/*"):
        yield NO_ACCEPT
    if seen.is_secure and not seen.fetch_mode and agent.is_modern:
        yield NO_FETCH_METADATA
    if agent.is_old:
        yield OLD_BROWSER


class _Agent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a user agent says."""

    proxy: str  # whose; ""
    gateway: str  # likewise
    is_gmails: bool  # of what Google fetches by before anybody reads
    is_program: bool
    fetches_pictures: bool  # though a program, for somebody who reads
    is_office: bool
    is_modern: bool
    is_old: bool


@lru_cache(maxsize=8192)  # of pure values: most visitors come with one of a few hundred
def _agent_of(agent: str) -> _Agent:
    return _Agent(
        proxy=next((name for name, each in _PROXIES if each.search(agent)), ""),
        gateway=next((name for name, each in _GATEWAYS if each.search(agent)), ""),
        is_gmails=_GMAIL_PREFETCH in agent,
        is_program=_PROGRAMS.search(agent) is not None,
        fetches_pictures=_FETCHES_PICTURES.search(agent) is not None,
        is_office=_OFFICE.search(agent) is not None,
        is_modern=_MODERN.search(agent) is not None,
        is_old=_OLD.search(agent) is not None,
    )


def seen_purpose(headers: Mapping[str, str]) -> str:
    """Return what a browser says that fetches what nobody has asked for yet."""
    for name in ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"):
        if found := headers.get(name):
            return found
    return ""
