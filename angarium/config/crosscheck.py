"""Checks what types cannot say: references, addresses, combinations that cannot work. Pure; finds all at once."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from ipaddress import ip_address

from angarium.config.address import (
    LABEL_RULE,
    HostPort,
    a_labels,
    is_fqdn,
    is_host_name,
    is_ip,
    is_label,
    is_network,
    parse_host_port,
    parse_proxy,
    parse_smart_host,
)
from angarium.config.alarms_check import alarms_problems
from angarium.config.analytics_check import analytics_problems
from angarium.config.bucket import upload_bucket_problems
from angarium.config.day import find_day
from angarium.config.error import KeyPath, Problem
from angarium.config.issuance_check import issuance_problems
from angarium.config.lake_check import lake_problems
from angarium.config.quantity import find_rate
from angarium.config.receiver_reports_check import receiver_report_problems
from angarium.config.reply_texts import PatternError, expanded
from angarium.config.schema import Config, Listener, Pool, Route, Rule, Source, Stream
from angarium.config.ses import ses_problems
from angarium.config.standing_check import standing_problems
from angarium.config.streams import titles_of
from angarium.config.summaries_check import summary_problems
from angarium.config.titles import find_language_fault, find_title_fault
from angarium.config.tracing_check import tracing_problems
from angarium.config.tracking_check import tracking_problems
from angarium.config.warmup_plan import DEFAULT_PLAN, PlanError, check_plan

# Of a feedback address: what header fields show without quoting
_ADDRESS = re.compile(r"[A-Za-z0-9!#$&'*+/=?^_`{|}~.-]{1,64}@[^@]+")
# As browsers write one: no path, lower case
_ORIGIN = re.compile(
    r"(https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?|http://localhost)(:[1-9][0-9]{0,4})?"
)
_BASE_URL = re.compile(
    r"https?://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9][A-Za-z0-9.-]*)(:[1-9][0-9]{0,4})?/?"
)
_KEY_SET_URL = re.compile(
    r"https://[^\s/?#]+(/\S*)?|http://(127\.\d+\.\d+\.\d+|\[::1\]|localhost)(:\d+)?(/\S*)?"
)
_PATH_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
_SCANNER_URL = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")
_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
FITS_EVERYTHING = "fits every reply; give match, codes or enhanced, or a sweep"
DEFAULT_POOL = "default"  # exists without being written: the system's choice of address


def find_problems(config: Config) -> list[Problem]:
    found: list[Problem] = []
    for check in _CHECKS:
        found += check(config)
    return found


def _server(config: Config) -> Iterator[Problem]:
    if not is_fqdn(config.server.hostname):
        yield Problem(
            ("server", "hostname"),
            f"{config.server.hostname!r} is not a full host name; write one like mx1.example.com"
            " (ASCII; an international name in its xn-- form)",
        )
    if not config.server.data_dir:
        yield Problem(("server", "data_dir"), "must name a directory")
    if config.server.group and not config.server.user:
        yield Problem(("server", "group"), "does nothing without user; set user too")
    if config.server.delivery_processes > config.queue.partitions:
        yield Problem(
            ("server", "delivery_processes"),
            f"more processes than queue.partitions ({config.queue.partitions}):"
            " some would have nothing to do; lower it",
        )


def _databases(config: Config) -> Iterator[Problem]:
    urls = {"tenancy": config.tenancy.database}
    if config.history.database:
        urls["history"] = config.history.database
    for table, url in urls.items():
        if not url.startswith(("sqlite:///", "postgresql://")) or url == "sqlite:///":
            yield Problem(
                (table, "database"),
                "must be sqlite:///FILE, or postgresql://[user[:password]@]host[:port]/name",
            )
    if config.tenancy.origin and _ORIGIN.fullmatch(config.tenancy.origin) is None:
        text = "must be https://host or https://host:port, as browsers have it: lower case, no path"
        yield Problem(("tenancy", "origin"), text)
    if urls.get("history") == config.tenancy.database and config.tenancy.database[:6] == "sqlite":
        text = "is tenancy.database: name another file, so that commands never wait for it"
        yield Problem(("history", "database"), text)


def _webhook(config: Config) -> Iterator[Problem]:
    for index, network in enumerate(config.webhook.allow_networks):
        if not is_network(network):
            text = f"{network!r} is no network; write one like 10.1.0.0/16"
            yield Problem(("webhook", "allow_networks", index), text)


def _uploads(config: Config) -> Iterator[Problem]:
    uploads = config.uploads
    if uploads.url and _BASE_URL.fullmatch(uploads.url) is None:
        text = "must be https://host or https://host:port (or http://), without a path"
        yield Problem(("uploads", "url"), text)
    if uploads.file_octets > uploads.tenant_octets:
        text = "is less than uploads.file_octets: the largest file would have no room; raise it"
        yield Problem(("uploads", "tenant_octets"), text)
    yield from upload_bucket_problems(uploads)


def _check(config: Config) -> Iterator[Problem]:
    check = config.check
    if check.rspamd_url and _SCANNER_URL.fullmatch(check.rspamd_url) is None:
        yield Problem(("check", "rspamd_url"), "must be http://host:port, or https://")
    if check.clamd.startswith("unix:"):
        if not check.clamd.startswith("unix:/"):
            yield Problem(("check", "clamd"), "needs a whole path: unix:/run/clamav/clamd.ctl")
    elif check.clamd:
        try:
            parse_host_port(check.clamd)
        except ValueError as error:
            yield Problem(("check", "clamd"), f"{error}; or unix:/path of its socket")
    given = {"clamd": check.clamd, "rspamd": check.rspamd_url}
    for each in check.at_sending:
        if not given[each]:
            key = "rspamd_url" if each == "rspamd" else each
            yield Problem(("check", "at_sending"), f"names {each}: give check.{key}, too")


def _token_issuers(config: Config) -> Iterator[Problem]:
    at = ("api", "issuer")
    for index, each in enumerate(config.api.issuer):
        if _KEY_SET_URL.fullmatch(each.jwks_url) is None:
            text = "must be https://host/path, or http:// on 127.0.0.1, ::1 or localhost"
            yield Problem((*at, index, "jwks_url"), text)
    names = [each.issuer for each in config.api.issuer]
    yield from _duplicates(names, at, "issuer", "its tokens have one meaning")


def _oidc(config: Config) -> Iterator[Problem]:
    at = ("tenancy", "oidc")
    for index, each in enumerate(config.tenancy.oidc):
        if _PATH_NAME.fullmatch(each.name) is None:
            text = "has 1 to 32 lower-case letters, digits and hyphens: it is in paths"
            yield Problem((*at, index, "name"), text)
        for key, url in (("issuer", each.issuer), ("redirect_url", each.redirect_url)):
            if _KEY_SET_URL.fullmatch(url) is None:
                text = "must be https://host/path, or http:// on 127.0.0.1, ::1 or localhost"
                yield Problem((*at, index, key), text)
        path = f"/v1/login/oidc/{each.name}/callback"
        if not each.redirect_url.endswith(path):
            yield Problem((*at, index, "redirect_url"), f"must end in {path}")
        for number, domain in enumerate(each.email_domains):
            if domain != a_labels(domain) or not is_fqdn(domain):
                text = f"{domain!r} is no domain; write one like example.com"
                yield Problem((*at, index, "email_domains", number), text)
        if each.roles and each.role_claim is None:
            text = "does nothing without role_claim; name the claim"
            yield Problem((*at, index, "roles"), text)
    names = [each.name for each in config.tenancy.oidc]
    yield from _duplicates(names, at, "name", "a path leads to one")
    issuers = [each.issuer for each in config.tenancy.oidc]
    yield from _duplicates(issuers, at, "issuer", "whom it vouches for is known by it")


def _postmasters(config: Config) -> Iterator[Problem]:
    for key in ("snds_link", "jmrp_link"):
        text = getattr(config.postmasters, key)
        if text and find_day(text) is None:
            yield Problem(("postmasters", key), f"{text!r} is no day; write one like 2026-11-29")


def _listeners(config: Config) -> Iterator[Problem]:
    for index, listener in enumerate(config.listener):
        at: KeyPath = ("listener", index)
        try:
            parse_host_port(listener.address)
        except ValueError as error:
            yield Problem((*at, "address"), str(error))
        yield from _networks(at, listener)
        yield from _tls(at, listener)
        yield from _client_certificates(at, listener)
        yield from _OF_KIND[listener.kind](at, listener)
        if listener.limits.bytes_in_flight < listener.limits.message_octets:
            yield Problem(
                (*at, "limits", "bytes_in_flight"),
                "smaller than message_octets: the largest message could never be accepted",
            )
    addresses = [each.address for each in config.listener if not each.address.endswith(":0")]
    yield from _duplicates(addresses, ("listener",), "address", "two listeners cannot share one")
    yield from _covered(config.listener)


def _covered(listeners: Sequence[Listener]) -> Iterator[Problem]:
    """0.0.0.0 takes its port at every address of IPv4, [::] at every one of IPv6: no other listener can have it."""
    addresses: list[HostPort | None] = []
    for listener in listeners:
        try:
            addresses.append(parse_host_port(listener.address))
        except ValueError:
            addresses.append(None)  # reported above
    for index, address in enumerate(addresses):
        if address is None or address.port == 0:
            continue
        wildcard = HostPort("::" if ":" in address.host else "0.0.0.0", address.port)
        if address != wildcard and wildcard in addresses:
            text = f"{str(address)!r} is taken by the listener at {wildcard}; remove one of them"
            yield Problem(("listener", index, "address"), text)


def _networks(at: KeyPath, listener: Listener) -> Iterator[Problem]:
    for key in ("trusted_networks", "auth_without_tls", "proxy_peers"):
        for network in getattr(listener, key):
            if not is_network(network):
                yield Problem(
                    (*at, key),
                    f"{network!r} is not a network; write one like 192.0.2.0/24 or 2001:db8::/32"
                    " (no bits set behind the prefix)",
                )


def _client_certificates(at: KeyPath, listener: Listener) -> Iterator[Problem]:
    if listener.client_ca is None:
        for key in ("client_crl", "client_certificate"):
            if getattr(listener, key) not in (None, "optional"):
                yield Problem((*at, key), "does nothing without client_ca (a PEM file); set it")
    elif listener.kind != "http":
        yield Problem((*at, "client_ca"), 'is for listeners of kind "http"; remove it')
    elif listener.tls == "none":
        yield Problem((*at, "client_ca"), 'does nothing while tls = "none"; set tls or remove it')


def _tls(at: KeyPath, listener: Listener) -> Iterator[Problem]:
    if listener.tls == "none":
        for key in ("certificate", "private_key"):
            if getattr(listener, key):
                yield Problem((*at, key), 'does nothing while tls = "none"; set tls or remove it')
        return
    for key in ("certificate", "private_key"):
        if not getattr(listener, key):
            yield Problem(
                (*at, "tls"), f'tls = "{listener.tls}" needs {key} (a PEM file) in this table'
            )


def _auth(at: KeyPath, listener: Listener) -> Iterator[Problem]:
    if listener.auth == "trusted" and not listener.trusted_networks:
        yield Problem(
            (*at, "auth"),
            'auth = "trusted" trusts nobody without trusted_networks; list them'
            ' (for example ["127.0.0.0/8"]) or use auth = "required"',
        )
    if listener.auth == "required" and listener.tls == "none" and not listener.auth_without_tls:
        yield Problem(
            (*at, "auth"),
            "nobody could log in: passwords are taken only over TLS. Set tls and its certificate,"
            " or list in auth_without_tls the networks that may log in without",
        )


def _http(at: KeyPath, listener: Listener) -> Iterator[Problem]:
    if listener.tls == "starttls":
        yield Problem((*at, "tls"), 'HTTP has no STARTTLS; use tls = "implicit" or "none"')
    for key in ("auth_without_tls", "proxy_peers"):
        if getattr(listener, key):
            yield Problem((*at, key), "is for SMTP listeners; remove it")
    if listener.repair is not None:
        yield Problem((*at, "repair"), "is for SMTP listeners; remove it")
    if not listener.serves:
        yield Problem((*at, "serves"), "is empty: name api, health or metrics")


def _inbound(at: KeyPath, listener: Listener) -> Iterator[Problem]:
    """Nobody logs in there, and nobody is trusted: it takes what [feedback] issues or names."""
    if listener.auth != "required":
        yield Problem((*at, "auth"), "is for submission: nobody logs in here; remove it")
    for key in ("trusted_networks", "auth_without_tls"):
        if getattr(listener, key):
            yield Problem((*at, key), "is for submission: all clients are alike here; remove it")
    if listener.repair is not None:
        yield Problem((*at, "repair"), "is for submission; remove it")


_OF_KIND = {"submission": _auth, "http": _http, "inbound": _inbound}


def _feedback(config: Config) -> Iterator[Problem]:
    feedback = config.feedback
    domain = feedback.return_path_domain
    if domain is not None and not is_fqdn(domain):
        text = f"{domain!r} is no domain name; write one like bounces.example.com (ASCII)"
        yield Problem(("feedback", "return_path_domain"), text)
    for address in feedback.feedback_addresses:
        if not _ADDRESS.fullmatch(address) or not is_fqdn(address.partition("@")[2]):
            text = f"{address!r} is no address; write one like fbl@example.com (ASCII)"
            yield Problem(("feedback", "feedback_addresses"), text)
    if not feedback.return_path_domain and not feedback.feedback_addresses:
        for index, listener in enumerate(config.listener):
            if listener.kind == "inbound":
                text = "would take no mail at all: give [feedback] return_path_domain or feedback_addresses"
                yield Problem(("listener", index, "kind"), text)


def _sources(config: Config) -> Iterator[Problem]:
    for index, source in enumerate(config.source):
        if source.address is not None and not is_ip(source.address):
            yield Problem(
                ("source", index, "address"),
                f"{source.address!r} is not an IP address of this machine (without a port)",
            )
        if source.ehlo is not None and not is_fqdn(source.ehlo):
            yield Problem(
                ("source", index, "ehlo"),
                f"{source.ehlo!r} is not a full host name; write the name that the address's PTR has",
            )
        yield from _proxy(("source", index), source)
    yield from _duplicates([each.name for each in config.source], ("source",), "name")


def _proxy(at: KeyPath, source: Source) -> Iterator[Problem]:
    has_password = bool(source.password_file or source.password_env)
    user = ""
    if source.proxy is not None:
        try:
            user = parse_proxy(source.proxy).user
        except ValueError as error:
            yield Problem((*at, "proxy"), str(error))
            return
        if source.address is not None:
            text = "does nothing beside proxy, whose own address hosts see; remove one of them"
            yield Problem((*at, "address"), text)
        if user and not has_password:
            yield Problem((*at, "proxy"), "names a user; give password_file or password_env too")
    if has_password and not user:
        key = "password_file" if source.password_file else "password_env"
        yield Problem((*at, key), "is for a user of proxy; write socks5://user@host:port there")
    if source.password_file and source.password_env:
        yield Problem((*at, "password_env"), "password_file is given as well; keep one of them")


def _pools(config: Config) -> Iterator[Problem]:
    sources = {each.name for each in config.source}
    for index, pool in enumerate(config.pool):
        at: KeyPath = ("pool", index, "sources")
        if not pool.sources:
            yield Problem(at, "is empty; name at least one source")
        for member in pool.sources:
            if member.name not in sources:
                yield Problem(at, _unknown("source", member.name, sources))
        for name, count in Counter(each.name for each in pool.sources).items():
            if count > 1:
                yield Problem(at, f"names {name!r} twice; give it one larger weight")
        yield from _overflow(("pool", index), pool, config)
        for domain in pool.sender_domains:
            if not _is_route_pattern(domain) or domain == "*":
                yield Problem(
                    ("pool", index, "sender_domains"),
                    f"{domain!r} is not a pattern; write example.com or *.example.com",
                )
    yield from _duplicates([each.name for each in config.pool], ("pool",), "name")
    yield from _shared(config.pool, "tenants")
    yield from _shared(config.pool, "sender_domains")


def _overflow(at: KeyPath, pool: Pool, config: Config) -> Iterator[Problem]:
    if pool.overflow == "smart-host" and pool.smart_host is None:
        text = '"smart-host" needs smart_host in this table: ses, or smtp://host:port'
        yield Problem((*at, "overflow"), text)
    if pool.rescue_after_s is not None and pool.smart_host is None:
        text = "needs smart_host in this table: ses, or smtp://host:port"
        yield Problem((*at, "rescue_after_s"), text)
    ways = () if pool.smart_host is None else (pool.smart_host,)
    yield from _ways((*at, "smart_host"), ways, pool, config)


def _shared(pools: Sequence[Pool], key: str) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for index, pool in enumerate(pools):
        for name in getattr(pool, key):
            if (owner := owners.setdefault(a_labels(name), pool.name)) != pool.name:
                text = f"{name!r} has pool {owner!r} already; keep it in one of them"
                yield Problem(("pool", index, key), text)


def _streams(config: Config) -> Iterator[Problem]:
    pools = {each.name for each in config.pool} | {DEFAULT_POOL}
    for index, stream in enumerate(config.stream):
        at: KeyPath = ("stream", index)
        if not is_label(stream.name):
            yield Problem(
                (*at, "name"), f"{stream.name!r} is no name of a stream: it has {LABEL_RULE}"
            )
        if stream.pool is not None and stream.pool not in pools:
            yield Problem((*at, "pool"), _unknown("pool", stream.pool, pools))
        yield from _times(at, stream, config)
        yield from _titles((*at, "title"), stream)
    yield from _duplicates([each.name for each in config.stream], ("stream",), "name")


def _times(at: KeyPath, stream: Stream, config: Config) -> Iterator[Problem]:
    expire_s = config.delivery.expire_s if stream.expire_s is None else stream.expire_s
    if stream.retry_s and stream.retry_s[0] >= expire_s:
        text = "the first delay is not before expire_s: nothing would be tried again"
        yield Problem((*at, "retry_s"), text)


def _titles(at: KeyPath, stream: Stream) -> Iterator[Problem]:
    """One title is kept under no language."""
    for language, title in titles_of(stream).items():
        faults = (
            find_language_fault(language) if language else None,
            find_title_fault(title.strip()),
        )
        yield from (Problem(at, each) for each in faults if each is not None)


def _warmups(config: Config) -> Iterator[Problem]:
    sources = {each.name for each in config.source}
    for index, warmup in enumerate(config.warmup):
        at: KeyPath = ("warmup", index)
        if warmup.source not in sources:
            yield Problem((*at, "source"), _unknown("source", warmup.source, sources))
        if not warmup.plan:
            yield Problem((*at, "plan"), f'must be "{DEFAULT_PLAN}" or name a file')
        if not warmup.messages_per_hour:
            continue
        if warmup.plan != DEFAULT_PLAN:
            yield Problem((*at, "messages_per_hour"), "plan is given as well; keep one of them")
        try:
            check_plan(warmup.messages_per_hour)
        except PlanError as error:
            yield Problem((*at, "messages_per_hour"), str(error))
    yield from _duplicates([each.source for each in config.warmup], ("warmup",), "source")


def _routes(config: Config) -> Iterator[Problem]:
    pools = {each.name for each in config.pool} | {DEFAULT_POOL}
    for index, route in enumerate(config.route):
        at: KeyPath = ("route", index)
        if not _is_route_pattern(route.domain):
            yield Problem(
                (*at, "domain"),
                f"{route.domain!r} is not a pattern; write example.com, *.example.com or *",
            )
        if route.pool not in pools:
            yield Problem((*at, "pool"), _unknown("pool", route.pool, pools))
        yield from _vias(at, route, config)
        for earlier in config.route[:index]:
            if _covers(earlier.domain, route.domain):
                yield Problem(
                    (*at, "domain"),
                    f"is never reached: the earlier route {earlier.domain!r} matches first;"
                    " put this one before it",
                )
                break


def _vias(at: KeyPath, route: Route, config: Config) -> Iterator[Problem]:
    at = (*at, "via")
    if not route.vias:
        yield Problem(at, 'is empty; name at least one smart host, or write "mx"')
    if len(route.vias) > 1 and "mx" in route.vias:
        yield Problem(at, '"mx" stands alone; a list has smart hosts only')
    for via, times in Counter(route.vias).items():
        if times > 1:
            yield Problem(at, f"names {via!r} twice")
    yield from _ways(at, [each for each in route.vias if each != "mx"], route, config)


def _ways(
    at: KeyPath, ways: Sequence[str], login: Route | Pool, config: Config
) -> Iterator[Problem]:
    """What is wrong with smart hosts, and with the log-in that is given beside them."""
    found = [problem for each in ways for problem in _way(at, each, config)]
    yield from found
    if found:
        return
    has_password = bool(login.password_file or login.password_env)
    named = {each.url for each in config.smart_host}
    users = [each for each in ways if each not in named and _user_of(each)]
    if users and not has_password:
        yield Problem(at, "names a user; give password_file or password_env too")
    if len(users) > 1:
        yield Problem(at, "names two users, and there is one password; give each a [[smart_host]]")
    if has_password and not users:
        yield Problem(at, "has a password but no user; write smtp://user@host:port")
    if login.password_file and login.password_env:
        yield Problem(
            (*at[:-1], "password_env"), "password_file is given as well; keep one of them"
        )


def _way(at: KeyPath, via: str, config: Config) -> Iterator[Problem]:
    """What is wrong with one smart host."""
    names = [each.name for each in config.smart_host]
    if via in names:
        return
    if via == "ses":
        if config.ses is None:
            yield Problem(at, '"ses" needs the table [ses]: give it its region')
        return
    try:
        parse_smart_host(via)
    except ValueError as error:
        known = f"; of [[smart_host]] there are: {', '.join(names)}" if names else ""
        yield Problem(at, f"{error}{known}")
        return
    yield from _loop(at, via, config.listener)


def _user_of(via: str) -> str:
    try:
        return parse_smart_host(via).user
    except ValueError:
        return ""


def _loop(at: KeyPath, via: str, listeners: Sequence[Listener]) -> Iterator[Problem]:
    """A smart host that is a listener of ours. By name it is found only when the name is resolved."""
    try:
        to = parse_smart_host(via)
        listening = [parse_host_port(each.address) for each in listeners if each.kind != "http"]
    except ValueError:  # reported elsewhere
        return
    names = {to.host}
    if to.host == "localhost":
        names |= {"127.0.0.1", "::1", "0.0.0.0", "::"}
    elif is_ip(to.host) and ip_address(to.host).is_loopback:
        names |= {"localhost", "::" if ":" in to.host else "0.0.0.0"}
    for each in listening:
        if each.host in names and each.port == to.port:
            yield Problem(at, f"is the listener {each} of this server: a mail loop")


def _smart_hosts(config: Config) -> Iterator[Problem]:
    for index, each in enumerate(config.smart_host):
        at: KeyPath = ("smart_host", index)
        if each.name in ("mx", "ses", "default") or not is_label(each.name):
            text = f"{each.name!r} cannot name one; write {LABEL_RULE}, and not mx, ses or default"
            yield Problem((*at, "name"), text)
        try:
            user = parse_smart_host(each.url).user
        except ValueError as error:
            yield Problem((*at, "url"), str(error))
            continue
        yield from _loop((*at, "url"), each.url, config.listener)
        has_password = bool(each.password_file or each.password_env)
        if bool(user) != has_password:
            text = "a user and a password belong together: smtp://user@host, and password_file"
            yield Problem((*at, "url"), text)
        if each.password_file and each.password_env:
            yield Problem((*at, "password_env"), "password_file is given as well; keep one")
    yield from _duplicates([each.name for each in config.smart_host], ("smart_host",), "name")
    yield from _duplicates([each.url for each in config.smart_host], ("smart_host",), "url")


def _ses(config: Config) -> Iterator[Problem]:
    if config.ses is not None:
        yield from ses_problems(config.ses)


def _providers(config: Config) -> Iterator[Problem]:
    for index, provider in enumerate(config.provider):
        for key in ("mx_suffixes", "domains"):
            for name in getattr(provider, key):
                if not is_host_name(a_labels(name.removeprefix("."))):
                    yield Problem(("provider", index, key), f"{name!r} is not a domain name")
        if provider.retry_s and provider.retry_s[0] >= config.delivery.expire_s:
            text = "the first delay is not before delivery.expire_s: nothing would be tried again"
            yield Problem(("provider", index, "retry_s"), text)
    yield from _duplicates([each.name for each in config.provider], ("provider",), "name")


def _delivery(config: Config) -> Iterator[Problem]:
    delivery = config.delivery
    if not delivery.retry_s:
        yield Problem(("delivery", "retry_s"), "is empty; give at least one delay")
    if delivery.lane_limit > delivery.ready_limit:
        yield Problem(("delivery", "lane_limit"), "larger than ready_limit, which bounds it")
    if delivery.delay_dsn_after_s >= delivery.expire_s and delivery.delay_dsn_after_s:
        yield Problem(
            ("delivery", "delay_dsn_after_s"), "not before expire_s: never sent; write 0 for that"
        )


def _dns(config: Config) -> Iterator[Problem]:
    for nameserver in config.dns.nameservers:
        try:
            parsed = parse_host_port(nameserver, default_port=53)
        except ValueError as error:
            yield Problem(("dns", "nameservers"), str(error))
            continue
        if not is_ip(parsed.host) or parsed.port == 0:
            yield Problem(
                ("dns", "nameservers"), f"{nameserver!r} must be an IP address, host:port"
            )
    if config.dns.min_ttl_s > config.dns.max_ttl_s:
        yield Problem(("dns", "min_ttl_s"), "larger than max_ttl_s")
    if config.dns.timeout_s > config.dns.lifetime_s:
        yield Problem(
            ("dns", "timeout_s"), "larger than lifetime_s, which bounds the whole look-up"
        )


def _dkim(config: Config) -> Iterator[Problem]:
    seen: set[tuple[str, str]] = set()
    for index, key in enumerate(config.dkim.keys):
        at: KeyPath = ("dkim", "keys", index)
        if not is_fqdn(key.domain):
            yield Problem((*at, "domain"), f"{key.domain!r} is not a domain name")
        if not is_host_name(key.selector) and not key.selector.isdigit():
            text = f"{key.selector!r} is not a DNS label; write one like s1"
            yield Problem((*at, "selector"), text)
        if not key.file:
            yield Problem((*at, "file"), "must name the private key's PEM file")
        if (name := (key.domain.lower(), key.selector.lower())) in seen:
            text = f"{key.selector!r} of {key.domain!r} is given twice: keep one key of them"
            yield Problem((*at, "selector"), text)
        seen.add(name)
    own = config.server.hostname.lower()
    if config.dkim.required and not any(f".{own}".endswith(f".{domain}") for domain, _ in seen):
        text = f"no key signs for {own}, from which notices to senders (DSNs) come: add one, or for a domain above it"
        yield Problem(("dkim", "required"), text)


def _rules(config: Config) -> Iterator[Problem]:
    pools = {each.name for each in config.pool} | {DEFAULT_POOL}
    for index, rule in enumerate(config.rule):
        at: KeyPath = ("rule", index)
        for pattern in rule.match:
            try:
                expanded(pattern)
            except PatternError as error:
                yield Problem((*at, "match"), str(error))
        for status in rule.enhanced:
            if not _STATUS.fullmatch(status):
                yield Problem((*at, "enhanced"), f"{status!r} is no status; write one like 4.7.28")
        # With a file of rules it may change one of that: what they come to together is looked at then
        if not config.rules.file and fits_everything(rule):
            yield Problem(at, FITS_EVERYTHING)
        if rule.sweep is not None and (rule.match or rule.codes or rule.enhanced):
            yield Problem((*at, "sweep"), "is asked of no reply: give match or sweep, not both")
        yield from _rule_actions(rule, at, pools)
    yield from _duplicates([each.name for each in config.rule], ("rule",), "name")


def fits_everything(rule: Rule) -> bool:
    return rule.sweep is None and not (rule.match or rule.codes or rule.enhanced)


def _rule_actions(rule: Rule, at: KeyPath, pools: Set[str]) -> Iterator[Problem]:
    if not rule.actions:
        yield Problem(
            (*at, "actions"), "is empty; write enabled = false for a rule that does nothing"
        )
    if rule.scope != "source":
        for action in ("connections", "messages_per_connection"):
            if action in rule.actions:
                text = f'connections are a source\'s: {action} needs scope = "source"'
                yield Problem((*at, "scope"), text)
        if rule.sweep is not None:
            yield Problem((*at, "scope"), 'shares are a source\'s: a sweep needs scope = "source"')
    if rule.sweep is not None and "retry" in rule.actions:
        yield Problem((*at, "actions"), "retry is about one reply; a sweep has none")
    if "reroute" in rule.actions and rule.pool not in pools:
        yield Problem((*at, "pool"), _unknown("pool", rule.pool, pools))
    if find_rate(rule.rate) is None:
        yield Problem((*at, "rate"), "unlimited slows down nothing; write 1/min or 500/h")


def _is_route_pattern(pattern: str) -> bool:
    return pattern == "*" or is_host_name(a_labels(pattern.removeprefix("*.")))


def _covers(earlier: str, later: str) -> bool:
    earlier, later = a_labels(earlier), a_labels(later)
    if earlier in ("*", later):
        return True
    return earlier.startswith("*.") and later.endswith(earlier[1:])


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    listed = ", ".join(sorted(known)) or "none"
    return f"no {what} is named {name!r}; there are: {listed}"


def _duplicates(
    names: Sequence[str], at: KeyPath, key: str, why: str = "names must differ"
) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            yield Problem((*at, index, key), f"{name!r} is used twice; {why}")
        seen.add(name)


_CHECKS: Sequence[Callable[[Config], Iterator[Problem]]] = (
    _server,
    _listeners,
    _sources,
    _pools,
    _warmups,
    _streams,
    _routes,
    _smart_hosts,
    _ses,
    _providers,
    _delivery,
    _dns,
    _dkim,
    _postmasters,
    _feedback,
    tracking_problems,
    issuance_problems,
    _databases,
    _token_issuers,
    _oidc,
    _check,
    _webhook,
    _uploads,
    lake_problems,
    receiver_report_problems,
    _rules,
    standing_problems,
    alarms_problems,
    summary_problems,
    tracing_problems,
    analytics_problems,
)
