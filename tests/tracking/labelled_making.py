"""Writes tests/data/tracking/copies.jsonl anew: what programs and people fetch of one copy of a mail, with labels.

    python -m tests.tracking.labelled_making

Made by hand of what vendors and those who watch them have written of each program, not recorded: no request in it is
anybody's. People are in networks of the documentation (RFC 5737, RFC 3849), machines in the published networks of their
owners. Behaviours of the part "held-out" are of other programs than those that the rules were adjusted by.
"""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).parents[1] / "data" / "tracking" / "copies.jsonl"
EACH: Final = 8  # copies of each behaviour
Fetch = dict[str, Any]
Behaviour = Callable[[random.Random], list[Fetch]]
HUMAN, MACHINE = "human", "machine"
TUNING: list[Behaviour] = []
HELD_OUT: list[Behaviour] = []
HTML: Final = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
IMAGE: Final = "image/avif,image/webp,image/apng,*/*;q=0.8"
CHROME: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}"
    " Safari/537.36"
)
EDGE: Final = f"{CHROME} Edg/126.0.0.0"
ANDROID: Final = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0"
    " Mobile Safari/537.36"
)
FIREFOX: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
SAFARI: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5"
    " Mobile/15E148 Safari/604.1"
)
APPLE_MAIL: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Mobile/15E148"
)
GMAIL: Final = (
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
)
GMAIL_PREFETCH: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135"
    " Safari/537.36 Edge/12.246 Mozilla/5.0"
)
YAHOO: Final = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"
OUTLOOK: Final = (
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Win64; x64; Trident/7.0; .NET4.0C; .NET4.0E; Microsoft"
    " Outlook 16.0.17328; ms-office; MSOffice 16)"
)
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def tuning(behaviour: Behaviour) -> Behaviour:
    TUNING.append(behaviour)
    return behaviour


def held_out(behaviour: Behaviour) -> Behaviour:
    HELD_OUT.append(behaviour)
    return behaviour


def person(draw: random.Random) -> str:
    network = draw.choice(("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:"))
    if network.endswith("."):
        return f"{network}{draw.randrange(1, 255)}"
    return f"{network}{draw.randrange(1, 65536):x}::{draw.randrange(1, 65536):x}"


def within(draw: random.Random, *networks: str) -> str:
    """Return an address below one of these beginnings of IPv4 addresses."""
    parts = draw.choice(networks).split(".")
    return ".".join([*parts, *(str(draw.randrange(1, 255)) for _ in range(4 - len(parts)))])


def opened(after_ms: int, address: str, agent: str, by: str, **more: Any) -> Fetch:
    return {
        "after_ms": after_ms,
        "what": "picture",
        "address": address,
        "agent": agent,
        "by": by,
    } | more


def followed(after_ms: int, link: int, address: str, agent: str, by: str, **more: Any) -> Fetch:
    return {"after_ms": after_ms, "what": link, "address": address, "agent": agent, "by": by} | more


def trap(after_ms: int, address: str, agent: str, **more: Any) -> Fetch:
    return {
        "after_ms": after_ms,
        "what": "honeypot",
        "address": address,
        "agent": agent,
        "by": MACHINE,
    } | more


def browser(language: str = "en-US,en;q=0.9") -> dict[str, str]:
    return {"accept": HTML, "language": language, "fetch_mode": "navigate"}


def later(draw: random.Random) -> int:
    """Return when somebody reads: minutes after, or days."""
    return int(
        draw.choice(
            (draw.uniform(2, 30) * MINUTE, draw.uniform(1, 20) * HOUR, draw.uniform(1, 6) * DAY)
        )
    )


def visit(
    draw: random.Random,
    at: int,
    picture: Fetch | None,
    address: str,
    agent: str,
    headers: dict[str, str],
) -> list[Fetch]:
    """A person opens it, and follows none to three links, some twice."""
    found = [] if picture is None else [picture]
    for _ in range(draw.choice((0, 1, 1, 1, 2, 3))):
        at += int(draw.uniform(4, 90) * 1000)
        found.append(followed(at, draw.randrange(8), address, agent, HUMAN, **headers))
    return found


def scan(
    draw: random.Random,
    begin_ms: int,
    address: Callable[[], str],
    agent: str,
    *,
    pause_ms: int = 250,
    has_trap: bool = True,
    has_picture: bool = False,
    links: int = 6,
    **more: Any,
) -> list[Fetch]:
    """A program follows all links there are."""
    found: list[Fetch] = []
    at = begin_ms
    if has_picture:
        found.append(opened(at, address(), agent, MACHINE, **more))
    for link in range(links):
        at += draw.randrange(pause_ms // 2, pause_ms * 2)
        found.append(followed(at, link, address(), agent, MACHINE, **more))
    if has_trap:
        found.append(trap(at + pause_ms, address(), agent, **more))
    return found


# --- people, tuning ---


@tuning
def chrome_on_windows(draw: random.Random) -> list[Fetch]:
    at, address, agent = later(draw), person(draw), CHROME.format("126.0.0.0")
    picture = opened(at, address, agent, HUMAN, accept=IMAGE, language="en-US,en;q=0.9")
    return visit(draw, at, picture, address, agent, browser())


@tuning
def iphone_without_privacy(draw: random.Random) -> list[Fetch]:
    at, address = later(draw), person(draw)
    picture = opened(at, address, APPLE_MAIL, HUMAN, accept="image/*", language="de-DE,de;q=0.9")
    return visit(draw, at, picture, address, SAFARI, browser("de-DE,de;q=0.9"))


@tuning
def gmail_in_a_browser(draw: random.Random) -> list[Fetch]:
    at = later(draw)
    picture = opened(at, within(draw, "66.249.84", "66.102.6", "74.125.210"), GMAIL, HUMAN)
    return visit(draw, at, picture, person(draw), CHROME.format("125.0.0.0"), browser())


@tuning
def gmail_on_android(draw: random.Random) -> list[Fetch]:
    at = later(draw)
    picture = opened(at, within(draw, "66.249.93", "74.125.215"), GMAIL, HUMAN)
    return visit(draw, at, picture, person(draw), ANDROID, browser("pt-BR,pt;q=0.9"))


@tuning
def outlook_on_windows(draw: random.Random) -> list[Fetch]:
    """Office asks for a link by itself before it hands it to the browser."""
    at, address = later(draw), person(draw)
    found = [opened(at, address, OUTLOOK, HUMAN, accept="*/*")]
    for _ in range(draw.randrange(3)):
        at += int(draw.uniform(5, 60) * 1000)
        link = draw.randrange(8)
        if draw.random() < 0.5:
            office = "Microsoft Office Existence Discovery"
            found.append(followed(at - 400, link, address, office, MACHINE, method="HEAD"))
        found.append(followed(at, link, address, EDGE.format("126.0.0.0"), HUMAN, **browser()))
    return found


@tuning
def thunderbird(draw: random.Random) -> list[Fetch]:
    at, address = later(draw), person(draw)
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Thunderbird/115.12.0"
    picture = opened(at, address, agent, HUMAN, accept=IMAGE, language="fr,en;q=0.5")
    return visit(draw, at, picture, address, FIREFOX, browser("fr,en;q=0.5"))


@tuning
def samsung_mail(draw: random.Random) -> list[Fetch]:
    at, address = later(draw), person(draw)
    agent = "Dalvik/2.1.0 (Linux; U; Android 13; SM-A536B Build/TP1A.220624.014)"
    browser_agent = (
        "Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-A536B) AppleWebKit/537.36 (KHTML, like Gecko)"
        " SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36"
    )
    return visit(
        draw, at, opened(at, address, agent, HUMAN), address, browser_agent, browser("pl-PL")
    )


@tuning
def apple_with_privacy(draw: random.Random) -> list[Fetch]:
    """The picture is fetched by Apple, whenever the phone is charged; the click is a person's."""
    proxy = within(draw, "104.28.40", "172.225.120", "146.75.166", "172.232.4", "17.58.97")
    at = int(draw.uniform(0.2, 300) * MINUTE)
    found = [opened(at, proxy, "Mozilla/5.0", MACHINE, accept="*/*")]
    if draw.random() < 0.6:
        address = draw.choice((person(draw), within(draw, "104.28.55", "172.226.40")))
        read = at + later(draw)
        found.append(followed(read, draw.randrange(8), address, SAFARI, HUMAN, **browser("en-GB")))
    return found


@tuning
def yahoo(draw: random.Random) -> list[Fetch]:
    at = later(draw)
    picture = opened(at, within(draw, "69.147.93", "98.136.4", "74.6.131"), YAHOO, HUMAN)
    return visit(draw, at, picture, person(draw), FIREFOX, browser())


@tuning
def waiting_for_a_code(draw: random.Random) -> list[Fetch]:
    at, address = int(draw.uniform(6, 14) * 1000), person(draw)
    agent = CHROME.format("126.0.0.0")
    found = [opened(at, address, agent, HUMAN, accept=IMAGE, language="en-US")]
    at += int(draw.uniform(2, 9) * 1000)
    return [*found, followed(at, 0, address, agent, HUMAN, **browser())]


@tuning
def clicking_twice(draw: random.Random) -> list[Fetch]:
    at, address, agent = later(draw), person(draw), EDGE.format("125.0.0.0")
    second = at + draw.randrange(250, 900)
    return [followed(each, 3, address, agent, HUMAN, **browser()) for each in (at, second)]


@tuning
def two_tabs(draw: random.Random) -> list[Fetch]:
    at, address = later(draw), person(draw)
    return [
        followed(at, 1, address, FIREFOX, HUMAN, **browser()),
        followed(at + draw.randrange(500, 1900), 4, address, FIREFOX, HUMAN, **browser()),
    ]


@tuning
def four_tabs(draw: random.Random) -> list[Fetch]:
    """Nobody can tell these from a program, unless they are slow."""
    at, address, agent = later(draw), person(draw), CHROME.format("126.0.0.0")
    pause = draw.randrange(300, 1500)
    return [
        followed(at + number * pause, number, address, agent, HUMAN, **browser())
        for number in range(4)
    ]


@tuning
def desktop_in_a_cloud(draw: random.Random) -> list[Fetch]:
    at, address = later(draw), within(draw, "20.61.4", "52.166.90", "3.120.44")
    picture = opened(at, address, EDGE.format("126.0.0.0"), HUMAN, accept=IMAGE, language="nl-NL")
    return visit(draw, at, picture, address, EDGE.format("126.0.0.0"), browser("nl-NL"))


# --- machines, tuning ---


@tuning
def barracuda(draw: random.Random) -> list[Fetch]:
    """It does not say who it is."""
    agent = CHROME.format("65.0.3325.181")
    network = draw.choice(("209.222.82", "64.235.150"))
    headers = {"accept": "*/*"}
    return scan(draw, draw.randrange(1500, 9000), lambda: within(draw, network), agent, **headers)


@tuning
def barracuda_from_a_cloud(draw: random.Random) -> list[Fetch]:
    agent = CHROME.format("77.0.3865.120")
    begin = draw.randrange(3000, 60_000)
    return scan(
        draw,
        begin,
        lambda: within(draw, "3.208", "18.210", "54.160"),
        agent,
        pause_ms=600,
        accept=HTML,
    )


@tuning
def mimecast(draw: random.Random) -> list[Fetch]:
    network = draw.choice(("205.139.110", "207.211.31", "91.220.42", "170.10.128"))
    begin = draw.randrange(2000, 40_000)
    return scan(
        draw, begin, lambda: within(draw, network), CHROME.format("109.0.0.0"), links=3, **browser()
    )


@tuning
def proofpoint(draw: random.Random) -> list[Fetch]:
    network = draw.choice(("67.231.156", "148.163.150", "205.220.180"))
    agent = "Mozilla/5.0 (Windows NT 6.1; WOW64; rv:40.0) Gecko/20100101 Firefox/40.1"
    begin = draw.randrange(1000, 20_000)
    return scan(draw, begin, lambda: within(draw, network), agent, links=4, accept=HTML)


@tuning
def proofpoint_sandbox(draw: random.Random) -> list[Fetch]:
    """One link, looked at with a real browser in a cloud, some minutes later."""
    agent = CHROME.format("120.0.0.0")
    at = draw.randrange(MINUTE, 8 * MINUTE)
    address = within(draw, "52.41", "35.165", "34.216")
    more = {"accept": HTML} if draw.random() < 0.5 else {"accept": HTML, "language": "en-US"}
    return [followed(at, draw.randrange(6), address, agent, MACHINE, **more)]


@tuning
def safe_links(draw: random.Random) -> list[Fetch]:
    """A browser with all its headers, from many addresses of Azure at once."""
    agent = EDGE.format("126.0.0.0")
    begin = draw.randrange(2000, 45_000)
    return scan(
        draw,
        begin,
        lambda: within(draw, "40.94.20", "52.167.144", "20.171.206", "104.47.55"),
        agent,
        has_picture=True,
        **browser(),
    )


@tuning
def cisco(draw: random.Random) -> list[Fetch]:
    network = draw.choice(("68.232.140", "139.138.40", "216.71.150"))
    agent = draw.choice(("", "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)"))
    begin = draw.randrange(500, 10_000)
    return scan(draw, begin, lambda: within(draw, network), agent, links=2, method="HEAD")


@tuning
def symantec(draw: random.Random) -> list[Fetch]:
    network = draw.choice(("85.158.139", "67.219.246", "46.226.52"))
    begin = draw.randrange(800, 6000)
    return scan(draw, begin, lambda: within(draw, network), "", links=3, has_trap=False)


@tuning
def trend_micro(draw: random.Random) -> list[Fetch]:
    agent = "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.0; Trident/4.0)"
    at = draw.randrange(5000, 5 * MINUTE)
    address = within(draw, "150.70.173", "150.70.97", "216.104.15")
    return [followed(at, draw.randrange(6), address, agent, MACHINE, accept="*/*")]


@tuning
def area_1(draw: random.Random) -> list[Fetch]:
    begin = draw.randrange(1000, 15_000)
    return scan(
        draw, begin, lambda: within(draw, "104.30.40"), CHROME.format("119.0.0.0"), **browser()
    )


@tuning
def gmail_looks_before(draw: random.Random) -> list[Fetch]:
    at = draw.randrange(3000, 2 * HOUR)
    return [opened(at, within(draw, "66.249.90", "74.125.208"), GMAIL_PREFETCH, MACHINE)]


@tuning
def script_in_a_cloud(draw: random.Random) -> list[Fetch]:
    agent = draw.choice(
        ("python-requests/2.31.0", "curl/8.5.0", "Go-http-client/1.1", "okhttp/4.12.0")
    )
    address = within(draw, "159.65", "167.99", "134.209")
    begin = draw.randrange(2000, 30 * MINUTE)
    return scan(draw, begin, lambda: address, agent, accept="*/*", links=5)


@tuning
def chat_preview(draw: random.Random) -> list[Fetch]:
    """A person passes a link on; the chat looks at it."""
    at, address = later(draw), person(draw)
    agent = draw.choice(
        (
            "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
            "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
            "WhatsApp/2.23.20.0",
            "TelegramBot (like TwitterBot)",
        )
    )
    click = followed(at, 2, address, CHROME.format("126.0.0.0"), HUMAN, **browser())
    preview = followed(at + 40_000, 2, within(draw, "54.174", "3.90"), agent, MACHINE, accept="*/*")
    return [click, preview]


@tuning
def unknown_scanner_that_follows_the_trap(draw: random.Random) -> list[Fetch]:
    """A browser with all headers from a network that nobody lists."""
    address = person(draw)
    begin = draw.randrange(10_000, 4 * MINUTE)
    return scan(
        draw, begin, lambda: address, CHROME.format("124.0.0.0"), links=2, pause_ms=800, **browser()
    )


@tuning
def gateway_then_person(draw: random.Random) -> list[Fetch]:
    """A scanner at delivery; its company reads an hour later, through the same way out."""
    network = f"203.0.113.{draw.randrange(1, 255)}"
    begin = draw.randrange(1000, 8000)
    found = scan(draw, begin, lambda: network, CHROME.format("100.0.0.0"), **browser())
    read = begin + HOUR + later(draw)
    return [*found, followed(read, 2, network, EDGE.format("126.0.0.0"), HUMAN, **browser())]


@tuning
def slow_scanner_in_a_cloud(draw: random.Random) -> list[Fetch]:
    """A real browser, a link every twenty seconds: nothing but its network gives it away."""
    address = within(draw, "34.210", "44.230")
    begin = draw.randrange(MINUTE, 20 * MINUTE)
    return [
        followed(
            begin + number * 20_000,
            number,
            address,
            CHROME.format("126.0.0.0"),
            MACHINE,
            **browser(),
        )
        for number in range(3)
    ]


# --- people, held out ---


@held_out
def opera_on_windows(draw: random.Random) -> list[Fetch]:
    at, address = later(draw), person(draw)
    agent = CHROME.format("124.0.0.0") + " OPR/110.0.0.0"
    picture = opened(at, address, agent, HUMAN, accept=IMAGE, language="it-IT,it;q=0.9")
    return visit(draw, at, picture, address, agent, browser("it-IT,it;q=0.9"))


@held_out
def old_iphone(draw: random.Random) -> list[Fetch]:
    """It knows nothing of Sec-Fetch-Mode yet."""
    at, address = later(draw), person(draw)
    mail = (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 12_5_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
        " Mobile/15E148"
    )
    agent = mail.replace(" Mobile", " Version/12.1.2 Mobile") + " Safari/604.1"
    headers = {"accept": HTML, "language": "en-us"}
    picture = opened(at, address, mail, HUMAN, accept="image/*", language="en-us")
    return visit(draw, at, picture, address, agent, headers)


@held_out
def outlook_for_ios(draw: random.Random) -> list[Fetch]:
    at, address = later(draw), person(draw)
    agent = APPLE_MAIL + " Outlook-iOS/2.0"
    picture = opened(at, address, agent, HUMAN, accept="image/*", language="es-ES")
    return visit(draw, at, picture, address, SAFARI, browser("es-ES"))


@held_out
def outlook_for_mac(draw: random.Random) -> list[Fetch]:
    at, address = later(draw), person(draw)
    agent = (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    )
    mac = agent + " Version/17.4.1 Safari/605.1.15"
    picture = opened(at, address, agent, HUMAN, accept="image/*", language="en-US")
    return visit(draw, at, picture, address, mac, browser())


@held_out
def small_mail_program_on_android(draw: random.Random) -> list[Fetch]:
    at, address = later(draw), person(draw)
    return visit(
        draw, at, opened(at, address, "okhttp/4.9.3", HUMAN), address, ANDROID, browser("tr-TR")
    )


@held_out
def seznam(draw: random.Random) -> list[Fetch]:
    at = later(draw)
    picture = opened(at, within(draw, "77.75.76"), "SeznamEmailProxy/2.0.110", HUMAN)
    return visit(draw, at, picture, person(draw), FIREFOX, browser("cs-CZ"))


@held_out
def mail_ru(draw: random.Random) -> list[Fetch]:
    at = later(draw)
    agent = "Mozilla/5.0 (compatible; Linux x86_64; Mail.RU_Bot/Img/2.0; +http://go.mail.ru/help/robots)"
    picture = opened(at, within(draw, "217.69.133", "95.163.255"), agent, HUMAN)
    return visit(draw, at, picture, person(draw), CHROME.format("122.0.0.0"), browser("ru-RU"))


@held_out
def internet_explorer_in_an_office(draw: random.Random) -> list[Fetch]:
    at, address = later(draw), person(draw)
    agent = "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko"
    headers = {"accept": "text/html, application/xhtml+xml, */*", "language": "ja-JP"}
    picture = opened(at, address, OUTLOOK, HUMAN, accept="*/*")
    return visit(draw, at, picture, address, agent, headers)


@held_out
def remote_desktop_in_another_cloud(draw: random.Random) -> list[Fetch]:
    at, address = later(draw), within(draw, "34.89", "132.145")
    return visit(draw, at, None, address, CHROME.format("126.0.0.0"), browser()) or [
        followed(at, 0, address, CHROME.format("126.0.0.0"), HUMAN, **browser())
    ]


@held_out
def reader_with_a_terminal(draw: random.Random) -> list[Fetch]:
    """Few read so, and they look like programs."""
    at, address = later(draw), person(draw)
    agent = draw.choice(("Lynx/2.9.0dev.12 libwww-FM/2.14FM", "w3m/0.5.3+git20230121"))
    return [
        followed(
            at,
            draw.randrange(5),
            address,
            agent,
            HUMAN,
            accept="text/html, text/plain",
            language="en",
        )
    ]


@held_out
def android_in_a_hurry(draw: random.Random) -> list[Fetch]:
    at = int(draw.uniform(4, 13) * 1000)
    picture = opened(at, within(draw, "66.249.82"), GMAIL, HUMAN)
    click = followed(at + 3500, 0, person(draw), ANDROID, HUMAN, **browser("hi-IN"))
    return [picture, click]


# --- machines, held out ---


@held_out
def sophos(draw: random.Random) -> list[Fetch]:
    begin = draw.randrange(1500, 20_000)
    agent = "Mozilla/5.0 (compatible; SophosEmail/1.0)"
    return scan(draw, begin, lambda: within(draw, "18.203", "52.214"), agent, links=3, accept="*/*")


@held_out
def fortimail(draw: random.Random) -> list[Fetch]:
    begin = draw.randrange(500, 5000)
    address = person(draw)
    return scan(draw, begin, lambda: address, "FortiSandbox/4.2", links=2, has_trap=False)


@held_out
def hornet(draw: random.Random) -> list[Fetch]:
    """An old browser's name, from a hosted server."""
    begin = draw.randrange(1000, 30_000)
    agent = "Mozilla/5.0 (Windows NT 6.3; Win64; x64; rv:56.0) Gecko/20100101 Firefox/56.0"
    address = within(draw, "94.100.132")
    return scan(draw, begin, lambda: address, agent, links=4, accept=HTML, pause_ms=900)


@held_out
def check_point(draw: random.Random) -> list[Fetch]:
    agent = CHROME.format("126.0.0.0").replace("Chrome", "HeadlessChrome")
    begin = draw.randrange(3000, 90_000)
    return scan(draw, begin, lambda: within(draw, "35.174", "3.101"), agent, links=3, **browser())


@held_out
def trellix(draw: random.Random) -> list[Fetch]:
    """Windows in a sandbox, the whole mail opened in it."""
    begin = draw.randrange(20_000, 6 * MINUTE)
    agent = "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko"
    headers = {"accept": "text/html, application/xhtml+xml, */*", "language": "en-US"}
    address = within(draw, "34.192", "44.210")
    return scan(
        draw, begin, lambda: address, agent, links=2, has_picture=True, pause_ms=1500, **headers
    )


@held_out
def vade(draw: random.Random) -> list[Fetch]:
    begin = draw.randrange(700, 9000)
    address = within(draw, "163.172.240", "51.68.12")
    return scan(
        draw,
        begin,
        lambda: address,
        CHROME.format("108.0.0.0"),
        links=5,
        has_trap=False,
        accept=HTML,
    )


@held_out
def plug_in_on_the_readers_machine(draw: random.Random) -> list[Fetch]:
    """A virus scanner asks for all links when the mail is shown; then the person follows one."""
    at, address = later(draw), person(draw)
    agent = EDGE.format("126.0.0.0")
    found = [opened(at, address, OUTLOOK, HUMAN, accept="*/*")]
    found += [
        followed(at + 700 + number * 60, number, address, "", MACHINE, method="HEAD")
        for number in range(5)
    ]
    click = at + draw.randrange(70_000, 400_000)
    return [*found, followed(click, 1, address, agent, HUMAN, **browser())]


@held_out
def crawler_of_an_archive(draw: random.Random) -> list[Fetch]:
    """The mail is on a list with a public archive."""
    at = later(draw)
    agent = draw.choice(
        (
            "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
            "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
            "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
        )
    )
    address = within(draw, "40.77.167", "51.222.253")
    return [followed(at, draw.randrange(6), address, agent, MACHINE, accept="*/*")]


@held_out
def scanner_of_a_hosted_company(draw: random.Random) -> list[Fetch]:
    begin = draw.randrange(900, 12_000)
    address = within(draw, "88.198", "95.216")
    agent = draw.choice(("Java/17.0.9", "Apache-HttpClient/4.5.13 (Java/11.0.21)", "Wget/1.21.4"))
    return scan(draw, begin, lambda: address, agent, links=4)


@held_out
def browser_behind_homes(draw: random.Random) -> list[Fetch]:
    """A phishing hunter's browser that comes through people's connections: one link, minutes later."""
    at = draw.randrange(2 * MINUTE, 40 * MINUTE)
    agent = CHROME.format("125.0.0.0")
    return [followed(at, draw.randrange(6), person(draw), agent, MACHINE, **browser())]


@held_out
def apple_prefetch_of_a_new_relay(draw: random.Random) -> list[Fetch]:
    """From a network that the shipped list does not have."""
    at = int(draw.uniform(0.5, 500) * MINUTE)
    return [
        opened(at, within(draw, "203.0.113", "198.51.100"), "Mozilla/5.0", MACHINE, accept="*/*")
    ]


@held_out
def script_that_waits(draw: random.Random) -> list[Fetch]:
    """A browser's name and no more, from a cloud, hours later."""
    at = int(draw.uniform(1, 20) * HOUR)
    address = within(draw, "172.105", "45.79")
    return [
        followed(at, draw.randrange(6), address, CHROME.format("117.0.0.0"), MACHINE, accept="*/*")
    ]


def copies() -> Iterator[dict[str, Any]]:
    for part, behaviours in (("tuning", TUNING), ("held-out", HELD_OUT)):
        for behaviour in behaviours:
            for number in range(EACH):
                draw = random.Random(f"{behaviour.__name__} {number}")
                fetches = sorted(behaviour(draw), key=lambda each: int(each["after_ms"]))
                if fetches:
                    yield {"part": part, "client": behaviour.__name__, "fetches": fetches}


if __name__ == "__main__":
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text("".join(json.dumps(each, separators=(",", ":")) + "\n" for each in copies()))
