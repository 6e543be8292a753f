"""What the operator writes in ``angarium.toml``. Frozen values; reads nothing, checks nothing beyond types.

Each Struct is one table of the file and its own documentation: the docs' reference is generated from the
comments here. ``loader`` reads the file and checks what types cannot say.
"""

from typing import Literal

from angarium.config.alarms import Alarms, OwnLimits
from angarium.config.lake import Lake
from angarium.config.retention import Retention
from angarium.config.shape import (
    Count,
    Days,
    Few,
    Jitter,
    Name,
    Octets,
    OctetsOrNone,
    Percent,
    Port,
    Priority,
    ProcessOctets,
    RateText,
    ReplyCode,
    Seconds,
    SecondsOrNone,
    Times,
)
from angarium.config.shape import Table as _Table
from angarium.config.summaries import MailSummary
from angarium.config.tracing import Tracing

Role = Literal["owner", "admin", "operator", "analyst", "read-only"]
Served = Literal["api", "health", "metrics", "tracking"]


class Server(_Table, frozen=True, kw_only=True):
    hostname: str  # our name: in the banner, EHLO, Received, Message-ID and DSNs
    data_dir: str = "/var/lib/angarium"  # queue/, credentials, sockets; mode 0700
    user: str | None = None  # drop to this user after binding (only when started as root)
    group: str | None = None  # default: the user's primary group
    ingress_processes: Few = 2
    delivery_processes: Few = 1
    drain_s: Seconds = 20.0  # SIGTERM: how long transfers under way may take to finish
    # SIGTERM: how long a message that was sent may wait for its last reply, if longer; then it is sent again, in doubt
    last_reply_s: Seconds = 20.0


class ListenerLimits(_Table, frozen=True, kw_only=True):
    """Limits of one listener; each is answered with the reply named."""

    # 500 5.5.2, without CRLF; RFC 5321 4.5.3.1.4 says 512 + extensions
    command_octets: Octets = 2048
    # 500 5.6.0, counted with CRLF; RFC 5321 says 1000, real mail exceeds it
    text_line_octets: Octets = 65536
    header_octets: Octets = 262_144  # 552 5.3.4
    header_fields: Count = 1000  # 552 5.3.4
    message_octets: Octets = 52_428_800  # SIZE; 552 5.3.4 during the transfer, not after it
    recipients: Count = 1000  # 452 4.5.3 per message
    messages_per_connection: Count = 10_000  # 421 4.7.0
    commands_per_message: Count = 1200  # besides RCPT that succeeds; 421 4.7.0
    errors_per_connection: Count = 10  # besides recipients of one who may send; 421 4.7.0
    received_headers: Count = 50  # 554 5.4.6 mail loop
    connections: Count = 1000  # 421 4.3.2 over the whole listener
    connections_per_client: Count = 100  # 421 4.7.0 per client address (IPv6: per /64)
    bytes_in_flight: Octets = 268_435_456  # 452 4.3.1 when message data in memory would exceed it
    command_timeout_s: Seconds = 300.0  # 421 4.4.2 idle between commands (RFC 5321 4.5.3.2.7)
    data_timeout_s: Seconds = 180.0  # 421 4.4.2 between two blocks of data
    # 421 4.4.2 for a whole connection, between transactions; one under way may go on for as long again
    total_timeout_s: Seconds = 3600.0
    tls_handshake_timeout_s: Seconds = 30.0
    accept_timeout_s: Seconds = 30.0  # 451 4.3.0 when the queue has not committed by then
    auth_failures_per_connection: Count = 3  # 421 4.7.0
    auth_failures_per_client: Count = 20  # 454 4.7.0 per client address in auth_window_s
    auth_window_s: Seconds = 600.0
    # a verified credential is remembered this long under a keyed hash
    auth_cache_s: SecondsOrNone = 300.0


class Listener(_Table, frozen=True, kw_only=True):
    kind: Literal["submission", "inbound", "http"]
    address: str  # host:port; [v6]:port
    tls: Literal["none", "starttls", "implicit"] = "none"
    auth: Literal["required", "trusted"] = "required"
    trusted_networks: tuple[str, ...] = ()
    auth_without_tls: tuple[str, ...] = ()  # networks that may AUTH in the clear; empty: none
    proxy_peers: tuple[str, ...] = ()  # networks that must speak the PROXY protocol first
    # mend what old applications get wrong in a header, and lines that end in LF (docs/submission.md); omitted: for
    # trusted_networks only. Who logs in gets no line ends mended
    repair: bool | None = None
    certificate: str | None = None  # PEM chain; read again on SIGHUP
    private_key: str | None = None  # PEM, mode 0600
    # of kind http: PEM, an authority whose certificates clients may show in place of a key, where a key has their name
    # (`postmaster key create --certificate`); read again on SIGHUP. Omitted: none is asked for
    client_ca: str | None = None
    # "required": who has none cannot connect, also with a key
    client_certificate: Literal["optional", "required"] = "optional"
    client_crl: str | None = None  # PEM: the authority's lists of certificates that were revoked
    # of kind http: what it serves. Keys are asked of who uses the API, nothing of who reads metrics and health: where
    # strangers reach the API, leave these to a listener of their own on loopback
    serves: tuple[Served, ...] = ("api", "health", "metrics", "tracking")
    limits: ListenerLimits = ListenerLimits()


class Source(_Table, frozen=True, kw_only=True):
    name: Name
    address: str | None = None  # omitted: the system's choice
    ehlo: str | None = None  # omitted: server.hostname
    proxy: str | None = None  # socks5://[user@]host[:port]: connections are made through it
    password_file: str | None = None  # for a user in the URL
    password_env: str | None = None


class PoolMember(_Table, frozen=True, kw_only=True):
    name: Name
    weight: Count = 1


class Pool(_Table, frozen=True, kw_only=True):
    """Sources that share mail by weight. A message's pool is its stream's, else its tenant's, its sender domain's, its
    route's.
    """

    name: Name
    sources: tuple[PoolMember, ...]
    # what a warm-up does not allow a source of it now: leaves by the pool's warm sources and waits if there are none
    # ("pool"), goes by smart_host if none of them may take it within a minute ("smart-host"), or waits for the source
    # ("wait")
    overflow: Literal["pool", "smart-host", "wait"] = "pool"
    # ses | smtp://[user@]host[:port] | smtps://[user@]host[:port] | the name of a [[smart_host]]
    smart_host: str | None = None
    password_file: str | None = None  # for a user in its URL
    password_env: str | None = None
    # smart_host takes the mail to a provider, too, when every source of the pool has been suspended there for so long;
    # omitted: it waits
    rescue_after_s: SecondsOrNone | None = None
    tenants: tuple[Name, ...] = ()  # whose mail leaves by it, unless its stream has a pool
    # or mail from these: example.com | *.example.com, of the envelope sender
    sender_domains: tuple[str, ...] = ()


class Stream(_Table, frozen=True, kw_only=True):
    """A kind of mail. There are "default" (priority 3), "transactional" (1) and "bulk" (5) without writing any."""

    name: Name
    # what people read in place of its name where they choose what to get: a text, or one for each language,
    # { en = "News", de = "Neues" }
    title: str | dict[str, str] = ""
    pool: str | None = None  # omitted: by tenant, sender domain or route
    priority: Priority = 3  # 1 first; 7 of 8 turns are the first one's, the others are for the rest
    retry_s: tuple[Seconds, ...] = ()  # the last one repeats; omitted: delivery.retry_s
    expire_s: Seconds | None = None  # omitted: delivery.expire_s
    # each recipient gets a transaction of its own, so that what comes back names one person; omitted: true for the
    # stream "bulk" where [feedback] is used, or tracking.host given
    one_recipient: bool | None = None
    # mail of one recipient that has no List-Unsubscribe gets one (RFC 2369): a mail to its address, of
    # feedback.return_path_domain, suppresses that person in this stream, or one click does, where there is a tracking
    # host (RFC 8058); omitted: true for the stream "bulk"
    list_unsubscribe: bool | None = None
    opens: bool | None = None  # omitted: tracking.opens
    clicks: bool | None = None  # omitted: tracking.clicks
    # advertising: refused unless it says how to leave, and has its sender's postal address (CAN-SPAM); omitted: true
    # for the stream "bulk" where tracking.host is given
    commercial: bool | None = None


class Warmup(_Table, frozen=True, kw_only=True):
    """A source that is new sends a little at first, and more each day, at each provider by itself."""

    source: Name
    # "default", or a TOML file: messages_per_hour = [20, 28, 39], the first day's first; after the last it is warm
    plan: str = "default"
    providers: tuple[Name, ...] = ()  # omitted: at every one
    messages_per_hour: tuple[Count, ...] = ()  # a plan that is written here instead


class Route(_Table, frozen=True, kw_only=True):
    """First match wins; an implicit last one is ``domain = "*"``, ``via = "mx"``."""

    domain: str  # example.com | *.example.com | *, or with a name in its own script
    # mx | ses | smtp://[user@]host[:port] | smtps://[user@]host[:port] | the name of a [[smart_host]]; or a list of
    # smart hosts: the next one takes over while one is unwell (docs/ses.md)
    via: str | tuple[str, ...] = "mx"
    password_file: str | None = None  # for a user in the URL
    password_env: str | None = None
    pool: str = "default"

    @property
    def vias(self) -> tuple[str, ...]:
        """In order; ("mx",), or smart hosts."""
        return (self.via,) if isinstance(self.via, str) else self.via


class NamedSmartHost(_Table, frozen=True, kw_only=True):
    """A smart host with a name, for routes and pools; several may have log-ins of their own."""

    name: Name
    url: str  # smtp://[user@]host[:port] | smtps://[user@]host[:port]
    password_file: str | None = None  # for a user in the URL
    password_env: str | None = None


class Ses(_Table, frozen=True, kw_only=True):
    """Amazon SES by its API: what `via = "ses"` means (docs/ses.md)."""

    region: str  # "eu-central-1"
    endpoint_url: str | None = None  # omitted: Amazon's, https://email.<region>.amazonaws.com
    access_key_id: str | None = None  # omitted: AWS_ACCESS_KEY_ID of the environment
    # mode 0600; omitted: AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN where there is one
    secret_key_file: str | None = None
    configuration_set: str | None = None  # of SES: whose event destination is the SNS topic
    connections: Count = 10  # calls at once
    timeout_s: Seconds = 60.0  # of one call, once its connection stands; then it is in doubt
    # SNS topics whose notifications are believed, at /v1/ses/notifications; empty: none, but those of endpoint_url
    topic_arns: tuple[str, ...] = ()
    # PEM: verifies notifications instead of the certificates of Amazon: for a stand-in
    sns_certificate_file: str | None = None

    @property
    def takes_notifications(self) -> bool:
        return bool(self.topic_arns or self.endpoint_url)


class ProviderTimeouts(_Table, frozen=True, kw_only=True):
    """How long its hosts are waited for, in connections opened from now on. Omitted: as [delivery.timeouts] has it."""

    connect_s: Seconds | None = None
    banner_s: Seconds | None = None
    command_s: Seconds | None = None  # also for those of the next three that are not given here
    ehlo_s: Seconds | None = None
    mail_s: Seconds | None = None
    rcpt_s: Seconds | None = None
    tls_handshake_s: Seconds | None = None
    data_s: Seconds | None = None
    block_s: Seconds | None = None
    final_dot_s: Seconds | None = None


class Provider(_Table, frozen=True, kw_only=True):
    """Limits of a mailbox provider, per source; the shipped ones are in ``config/shipped/providers.toml``."""

    name: Name  # "default": unknown sites; "smtp://host:port": that smart host
    mx_suffixes: tuple[str, ...] = ()  # matches when EVERY MX host ends in one of these
    domains: tuple[str, ...] = ()  # or when the recipient's domain is one of these
    connections: Count = 10
    messages_per_connection: Count = 100
    recipients_per_message: Count = 100
    message_rate: RateText = "unlimited"  # transactions begun, per source
    # connections begun, per source; without "burst", as many at once as ``connections`` allows
    connection_rate: RateText = "unlimited"
    # transactions begun for one tenant, over all sources
    tenant_message_rate: RateText = "unlimited"
    # in use for one tenant at once, over all sources; omitted: any number
    tenant_connections: Count | None = None
    tls: Literal["opportunistic", "required"] = "opportunistic"
    idle_s: SecondsOrNone = 5.0  # an idle connection is kept this long for the next message
    pipelining: bool = True  # false: one command at a time, also where PIPELINING is offered
    chunking: bool = True  # false: DATA, also where CHUNKING is offered
    # of what it defers, unless the stream has delays of its own; the last one repeats; omitted: delivery.retry_s
    retry_s: tuple[Seconds, ...] = ()
    timeouts: ProviderTimeouts = ProviderTimeouts()


class DeliveryTimeouts(_Table, frozen=True, kw_only=True):
    """RFC 5321 section 4.5.3.2, as peers use them."""

    connect_s: Seconds = 30.0
    banner_s: Seconds = 300.0
    command_s: Seconds = 300.0  # EHLO, STARTTLS, AUTH, MAIL, RCPT
    ehlo_s: Seconds | None = None  # omitted: command_s, as the next two
    mail_s: Seconds | None = None
    rcpt_s: Seconds | None = None
    tls_handshake_s: Seconds = 30.0
    data_s: Seconds = 120.0
    block_s: Seconds = 180.0
    final_dot_s: Seconds = 600.0
    # one transaction up to its last octet, however much of it goes on: then the connection is broken off
    transaction_s: Seconds = 3600.0
    quit_s: Seconds = 5.0


class Delivery(_Table, frozen=True, kw_only=True):
    port: Port = 25  # of MX hosts; another one for tests and the simulator
    # MX hosts on loopback, private or own addresses are refused unless true
    allow_private: bool = False
    retry_s: tuple[Seconds, ...] = (60, 300, 900, 1800, 3600, 7200, 14400)  # the last one repeats
    greylist_retry_s: tuple[Seconds, ...] = (60, 180, 300, 600)  # then retry_s
    retry_jitter: Jitter = 0.2  # each delay is drawn from +- this part of it
    expire_s: Seconds = 432_000.0  # 5 days (RFC 5321 4.5.4.1)
    delay_dsn_after_s: SecondsOrNone = 14_400.0  # 4 hours; 0: never
    dsn_per_hour: Count = 10_000  # to one sender, per delivery process; more is logged, not sent
    connections: Count = 200  # in all, per delivery process
    # Besides, those that are being opened and whose hosts are slow to answer, or silent
    opening: Count = 2_000
    ready_limit: Count = 20_000  # recipients in memory per delivery process
    lane_limit: Count = 2_000  # of these, per tenant, provider and stream
    bytes_in_flight: Octets = 268_435_456  # message octets being transferred per delivery process
    poll_s: Seconds = 1.0  # how long a lost doorbell may delay a delivery
    # off: but for providers that have "required"
    tls: Literal["opportunistic", "off"] = "opportunistic"
    tls_broken_memory_s: Seconds = 3600.0  # a host whose TLS failed gets no STARTTLS for so long
    # a host that breaks on an extension that it offers (PIPELINING, CHUNKING) is spoken to without for so long
    extension_memory_s: Seconds = 3600.0
    timeouts: DeliveryTimeouts = DeliveryTimeouts()


class Dns(_Table, frozen=True, kw_only=True):
    nameservers: tuple[str, ...] = ()  # host:port; omitted: the system's
    timeout_s: Seconds = 5.0  # one query
    lifetime_s: Seconds = 15.0  # one look-up with its repeats
    look_ups: Count = 256  # under way at once per process, and four times as many that take over a second; more wait
    cache_entries: Count = 100_000
    max_ttl_s: Seconds = 3600.0
    min_ttl_s: SecondsOrNone = 5.0
    negative_ttl_s: SecondsOrNone = 300.0  # when the answer's SOA names none; also its ceiling
    mx_hosts: Count = 20  # of one domain; the rest are ignored
    addresses_per_host: Count = 16


class DkimKey(_Table, frozen=True, kw_only=True):
    domain: str
    selector: Name
    file: str  # PEM private key, mode 0600; relative to the configuration file


class Dkim(_Table, frozen=True, kw_only=True):
    keys: tuple[DkimKey, ...] = ()  # several of one domain: all sign (rsa and ed25519 pair)
    canonicalization: Literal[
        "relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple"
    ] = "relaxed/relaxed"
    expire_s: Seconds | None = None  # x=; omitted: none
    # a message whose From domain has no key is refused with 550 5.7.1, and nothing leaves unsigned
    required: bool = False
    threads: Few = 4  # signing threads per delivery process


class Queue(_Table, frozen=True, kw_only=True):
    partitions: Few = 16  # fixed when the queue is made; processes share them out
    min_free_octets: OctetsOrNone = 268_435_456  # below it new mail is refused with 452
    map_octets: Octets = 8_589_934_592  # sparse; where the map starts; it grows by itself
    sync: bool = True  # false loses mail on power loss: for benchmarks only
    event_retention_s: Seconds = 259_200.0  # 3 days of event log, for `queue show`
    event_limit: Count = 1_000_000  # at most so many events are kept once read
    # of a tenant, 400 octets each on disk; beyond it the one whose time ends first is forgotten
    idempotency_keys: Count = 1_000_000
    missed_after_s: Seconds = 3600.0  # so late, a start that was to be at a time was missed


class Log(_Table, frozen=True, kw_only=True):
    level: Literal["debug", "info", "warning", "error"] = "info"
    # one JSON line per disposition; default <data_dir>/mail.log; "-": stdout
    mail_log: str | None = None


class Breaker(_Table, frozen=True, kw_only=True):
    """Stops a tenant, or one of its campaigns, whose mail is unwanted or whose addresses are dead: by a hold rule, with
    the figures as its reason (docs/deliverability.md).
    """

    enabled: bool = True
    window_s: Seconds = 86_400.0  # what is judged: this much, in whole hours
    # of those who got mail: from this share of complaints on it is warned of, and from that on stopped. Google asks for
    # less than 0.1 %, and refuses at 0.3 %
    complaints_warn_percent: Percent = 0.08
    complaints_percent: Percent = 0.3
    complaints_at_least: Count = 3  # fewer complaints stop nobody
    # who is warned is slowed down to this at each provider whose recipients complain; "unlimited": not
    complaints_rate: RateText = "10/min"
    # of the recipients: such that do not exist
    bounces_warn_percent: Percent = 5.0
    bounces_percent: Percent = 10.0
    bounces_at_least: Count = 200  # among fewer recipients nothing is concluded
    pause_s: Seconds = 14_400.0  # then it goes on, with nothing against it
    exempt_tenants: tuple[Name, ...] = ()  # nobody stops them


class BlocklistZone(_Table, frozen=True, kw_only=True):
    """A DNS blocklist (RFC 5782). One of a shipped name changes the keys that it gives."""

    name: Name  # zen.spamhaus.org, or <key>.zen.dq.spamhaus.net with an account there
    kind: Literal["address", "domain"] = "address"
    ipv6: bool = False  # it has IPv6 addresses, too
    weight: Times = 20  # points of 100 that a listing costs
    # what answers mean: "127.0.0.2: sends spam", or "+8: phishing" for a bit of an answer's last part
    meanings: tuple[str, ...] = ()
    # answers that are no listing: we may not ask, or not so; 127.255.255.x is one everywhere (RFC 5782 has none)
    refusals: tuple[str, ...] = ()
    remove: str = ""  # where to ask for removal


class Blocklists(_Table, frozen=True, kw_only=True):
    """Asks DNS blocklists whether they have our addresses or domains; the shipped zones are in
    `config/shipped/blocklists.toml`.
    """

    # only public addresses and domains are ever asked for: there may be none
    enabled: bool = True
    every_s: Seconds = 3600.0
    first_s: SecondsOrNone = 300.0  # after the start
    shipped: bool = True  # false: only the zones that are written here
    without: tuple[Name, ...] = ()  # shipped zones that are not asked
    # public addresses besides those of [[source]]s: before a NAT
    addresses: tuple[str, ...] = ()
    domains: tuple[Name, ...] = ()  # besides those of DKIM keys, users and return paths
    zone: tuple[BlocklistZone, ...] = ()


class Rules(_Table, frozen=True, kw_only=True):
    """Where rules come from, besides the `[[rule]]`s of this file (docs/rules.md)."""

    # more [[rule]]s, in a TOML file of their own; those of this file win, key by key
    file: str = ""
    shipped: bool = True  # false: only what is written here and in the file


RuleAction = Literal[
    "suspend", "throttle", "connections", "messages_per_connection", "hold", "retry", "reroute"
]
RuleScope = Literal["source", "tenant", "sender_domain", "stream", "campaign"]


class Rule(_Table, frozen=True, kw_only=True):
    """What to do when a provider says so; the shipped ones are in `config/shipped/rules.toml`. One of a shipped
    name changes the keys that it gives. Of several that fit a reply, the first counts: those that name the provider
    before those that name none, the operator's before the shipped ones."""

    name: Name
    enabled: bool = True
    providers: tuple[str, ...] = ()  # names of [[provider]]s; empty: any
    # texts, any of which is in the reply, without case; `*`: any characters, `{a|b}`: a or b
    match: tuple[str, ...] = ()
    codes: tuple[ReplyCode, ...] = ()  # reply codes, any of which it has; empty: any
    # enhanced status codes, "4.7.28", any of which it has; empty: any
    enhanced: tuple[str, ...] = ()
    count: Times = 1  # replies within `period_s`, before it comes into force
    period_s: Seconds = 3600.0
    # instead of a reply: the share of these among what went to the provider within `period_s`
    sweep: Literal["bounces", "complaints"] | None = None
    percent: Percent = 100.0  # of a sweep: from this share on
    at_least: Count = 2000  # of a sweep: with fewer messages nothing is concluded
    # throttle: messages at `rate`; hold: until it is undone; retry: a refusal for ever counts as one for now
    actions: tuple[RuleAction, ...] = ("suspend",)
    scope: RuleScope = "source"  # whose mail to the provider it concerns
    duration_s: Seconds = 3600.0  # of its full force, since the last such reply
    recovery_s: Seconds = 600.0  # then numbers double once in so long, up to what is configured
    rate: RateText = "1/min"  # of throttle: "10/s", "1/min", "500/h"
    connections: Count = 1  # of connections: at most so many at once
    # of messages_per_connection; omitted: half of what was allowed
    messages_per_connection: Count | None = None
    retry_s: tuple[
        Seconds, ...
    ] = ()  # of retry: when to try again; the last one repeats; empty: as usual
    # of retry: a message older than this gets the provider's word as it is
    retry_for_s: Seconds = 86_400.0
    pool: str = ""  # of reroute


class Postmasters(_Table, frozen=True, kw_only=True):
    """Links that mailbox providers' postmasters gave us, and that end by themselves: `postmaster doctor` reminds."""

    # the day, "2026-11-29", that Microsoft's SNDS link was made; it ends after 30 days
    snds_link: str = ""
    jmrp_link: str = ""  # the same of the JMRP link


class Feedback(_Table, frozen=True, kw_only=True):
    """What comes back about mail that was sent (docs/deliverability.md). Used where a return path's domain, feedback
    addresses or a Maildir are given: then mail carries signed references to itself.
    """

    # reverse paths become <token>@ this; omitted: the sender's own stays. Its MX is a listener of kind "inbound"
    return_path_domain: str | None = None
    # complaints (ARF, CFBL) come to these, besides return paths; mail signed by the domain of one names it
    feedback_addresses: tuple[str, ...] = ()
    # made at the first start, mode 0600; several keys may be in it. Omitted: feedback.key in data_dir
    key_file: str = ""
    token_days: Days = 30  # so long a reference is believed
    # a Maildir that is read too; what was read is deleted from it
    maildir: str | None = None
    # taken in by each ingress process: more of them wait their turn, and no mail waits for a storm of them
    reports_per_s: Count = 200
    waiting_reports: Count = 200_000  # taken in and not read yet; 452 4.3.1
    waiting_octets: Octets = 2_147_483_648  # 452 4.3.1
    # of each kind that is kept (for review, DMARC, TLS reports); the oldest make room
    kept_reports: Count = 10_000
    kept_octets: Octets = 268_435_456
    kept_s: Seconds = 2_592_000.0  # 30 days

    @property
    def is_used(self) -> bool:
        return bool(self.return_path_domain or self.feedback_addresses or self.maildir)


class Tracking(_Table, frozen=True, kw_only=True):
    """Who read a mail and followed its links, and pages on which one leaves (docs/tracking.md). Used where a host is
    given, or a tenant has one of its own.
    """

    # of tenants without a host of their own: t.example.com, or with :port where it is not the usual one. It leads to a
    # listener of kind "http"
    host: str | None = None
    insecure: bool = False  # links are http:// instead of https://; for tests
    opens: bool = False  # a stream and a message say otherwise
    clicks: bool = False
    text_links: bool = False  # links in text parts are tracked, too, where clicks are
    # made at the first start, mode 0600; several keys may be in it. Omitted: tracking.key in data_dir
    key_file: str = ""
    link_days: Days = 400  # so long links lead on, and one may leave with them
    # PEM: whose certificates of tracking hosts are believed, besides those that the system believes: a tenant's host is
    # used in mail when its certificate is
    ca_file: str = ""
    # what was fetched is told apart from what a person did when so long has passed: scanners follow all links at once
    judged_after_s: Seconds = 2.0
    # like 192.0.2.0/24: where only machines fetch from, besides the shipped networks of clouds and mail gateways
    # (config/shipped/machine_networks.toml)
    machine_networks: tuple[str, ...] = ()
    # like 127.0.0.0/8: proxies in front of the listener, whose X-Forwarded-For says who the client is
    proxies: tuple[str, ...] = ()


class TrackingCertificate(_Table, frozen=True, kw_only=True):
    """A tracking host's own certificate, at each listener of kind "http" with TLS: clients name the host (SNI). Others
    get one that was issued by [acme], or the listener's.
    """

    host: str  # t.example.com
    # PEM: the host's first, then its chain. Read again when it changes, without a reload
    certificate: str
    private_key: str  # PEM, mode 0600


class Acme(_Table, frozen=True, kw_only=True):
    """Certificates of tracking hosts are issued, and renewed, by an authority (RFC 8555) that looks at their port 80
    (docs/tracking.md). What is issued is in acme/ of data_dir.
    """

    directory_url: str = "https://acme-v02.api.letsencrypt.org/directory"
    # true: you agree to the terms of the authority. Nothing is ordered otherwise
    agree_terms: bool = False
    contact: tuple[str, ...] = ()  # mail addresses that it may write to
    key_type: Literal["ecdsa", "rsa"] = "ecdsa"  # of certificates
    # PEM: whose certificate of the authority's own server is believed; omitted: as usual
    ca_file: str = ""
    # where it serves its customers only (external account binding)
    account_id: str = ""
    account_key_file: str = ""  # what goes with it, as it was handed out; mode 0600


class OidcRole(_Table, frozen=True, kw_only=True):
    value: Name  # of role_claim
    role: Role


class OidcProvider(_Table, frozen=True, kw_only=True):
    """Where people may log in besides, by OpenID Connect; each account keeps a password of its own."""

    name: Name  # in paths: /v1/login/oidc/NAME
    issuer: str  # https://...: it describes itself below it (/.well-known/openid-configuration)
    client_id: Name
    client_secret_file: str = ""  # mode 0600; omitted: the provider asks for none
    redirect_url: str  # as registered there: https://this-host/v1/login/oidc/NAME/callback
    scopes: tuple[Name, ...] = ("openid", "email")
    email_claim: Name = "email"  # counts with email_verified only
    # who has no verified address of these is not let in; omitted: all are
    email_domains: tuple[str, ...] = ()
    # who is not known gets an account, with the verified address as its name; else it must be linked first
    create: bool = False
    tenant: Name = "default"  # of accounts that are created
    # of accounts that are created, where none of [[tenancy.oidc.roles]] fits
    role: Role = "read-only"
    role_claim: Name | None = None  # what roles are given by: a text, or a list
    roles: tuple[OidcRole, ...] = ()  # the first that fits


class Tenancy(_Table, frozen=True, kw_only=True):
    """Whose mail it is: tenants, their keys and domains (docs/tenancy.md). Changed by commands, not here."""

    # sqlite:///file, relative to data_dir, or postgresql://user@host/name
    database: str = "sqlite:///platform.db"
    # where people log in, for passkeys: https://host or https://host:port. Omitted: nobody has passkeys
    origin: str = ""
    # opens the private keys in the database; made at the first start, mode 0600. Omitted: tenancy.key in data_dir
    secret_file: str = ""
    oidc: tuple[OidcProvider, ...] = ()


class TokenIssuer(_Table, frozen=True, kw_only=True):
    """Whose bearer tokens (JWT) are believed, beside keys of ours."""

    issuer: Name  # what its tokens have as iss
    jwks_url: str  # https://, or http:// on this machine: its public keys (RFC 7517)
    audience: Name  # what its tokens must have as aud
    tenant: Name = "default"  # whose requests they are
    tenant_claim: Name | None = None  # instead: the claim that names the tenant
    scopes: tuple[
        str, ...
    ] = ()  # what they may do; omitted: what scope_claim says, as far as scopes of ours are named
    scope_claim: Name = "scope"
    rate: Count = 1000  # requests per second of one subject


class Api(_Table, frozen=True, kw_only=True):
    """Limits of the HTTP API. What is over them is refused with the field's name."""

    body_octets: Octets = 52_428_800  # 413; as it is sent, and once it is inflated
    body_timeout_s: Seconds = 60.0  # 400 when a body has not come by then
    depth: Count = 64  # 400 for JSON that nests deeper
    requests_in_hand: Count = 1000  # 503 beyond, of each ingress process
    octets_in_hand: Octets = 268_435_456  # 503 when bodies in memory would exceed it, likewise
    # 429 beyond, of all keys of a tenant; each key has a rate of its own
    requests_per_second: Count = 1000
    # pages of these sites may ask from a browser: https://app.example.com, or * for any; omitted: none
    cors_origins: tuple[str, ...] = ()
    issuer: tuple[TokenIssuer, ...] = ()
    recipients: Count = 1000  # of one message
    batch_recipients: Count = 20_000  # of all messages of a batch, which is one transaction
    subject_characters: Count = 998
    headers: Count = 100  # fields besides those that are written from others
    headers_octets: Octets = 65_536
    tags: Count = 50
    tag_characters: Count = 256
    metadata_octets: Octets = 65_536
    attachments: Count = 500
    # files of these names and types are refused, and programs whatever they are called; empty: none are
    refused_extensions: tuple[str, ...] = (
        "bat",
        "chm",
        "cmd",
        "com",
        "cpl",
        "dll",
        "exe",
        "hta",
        "jar",
        "js",
        "jse",
        "lnk",
        "msc",
        "msi",
        "pif",
        "ps1",
        "reg",
        "scr",
        "sct",
        "vb",
        "vbe",
        "vbs",
        "wsf",
        "wsh",
    )
    refused_types: tuple[str, ...] = (
        "application/java-archive",
        "application/javascript",
        "application/vnd.microsoft.portable-executable",
        "application/x-dosexec",
        "application/x-executable",
        "application/x-msdos-program",
        "application/x-msdownload",
        "application/x-msi",
        "application/x-sh",
        "text/javascript",
    )


class History(_Table, frozen=True, kw_only=True):
    """What happened to messages, as status, lists and events of the HTTP API tell it (docs/history.md)."""

    # as tenancy.database; omitted: sqlite:///history.db, or where tenancy.database is a PostgreSQL, there
    database: str = ""
    keep_days: Days = 90  # since the last thing that happened to a message
    # all | api: what came by the HTTP API | none; omitted: all, where a listener serves it
    of: Literal["all", "api", "none"] | None = None


class Analytics(_Table, frozen=True, kw_only=True):
    """How much mail there was and what became of it, by the minute, hour and day (docs/stats.md)."""

    counts: bool = True  # false: nothing is counted
    keep_minutes_days: Days = 2  # counters of minutes
    # counters of hours; and so long after its acceptance what is told of a message still counts
    keep_days: Days = 90
    # counters of days; no shorter than those of hours, as these than those of minutes
    keep_daily_days: Days = 1830


class Check(_Table, frozen=True, kw_only=True):
    """What other programs are asked of mail before it is sent (docs/content.md). Our own rules need nothing here."""

    # rspamd's normal worker: http://127.0.0.1:11333; omitted: nobody is asked about spam
    rspamd_url: str = ""
    rspamd_timeout_s: Seconds = 10.0
    # unix:/run/clamav/clamd.ctl, or host:port; omitted: nobody is asked about malware
    clamd: str = ""
    clamd_timeout_s: Seconds = 10.0
    clamd_octets: Octets = 26_214_400  # no larger message is handed over; clamd's StreamMaxLength
    # of mail that clamd could not be asked about: accept it with a hint, or refuse it for now (503)
    clamd_failure: Literal["accept", "refuse"] = "accept"
    # which of them are asked about each message that is sent by HTTP, before it is accepted; always by POST /v1/check
    at_sending: tuple[Literal["clamd", "rspamd"], ...] = ()
    at_once: Few = 8  # messages that are scanned at the same time by each ingress process


class ReceiverReports(_Table, frozen=True, kw_only=True):
    """What mailbox providers say of our mail: DMARC and TLS reports, Google's and Microsoft's own statistics
    (docs/receiver-reports.md).
    """

    # a year and a month, so that a month can be held against that of last year
    keep_days: Days = 400
    # further addresses that our mail comes from, as receivers see it: of a NAT, of a smart host
    own_addresses: tuple[str, ...] = ()
    # Google Postmaster Tools: the JSON file of a service account, or of an OAuth client with its refresh token; mode
    # 0600. Omitted: Google is not asked
    google_key_file: str = ""
    google_domains: tuple[str, ...] = ()  # omitted: all that the account may read
    google_url: str = ""  # omitted: https://gmailpostmastertools.googleapis.com
    google_token_url: str = ""  # omitted: as the key file says
    # Microsoft SNDS: a JSON file with client_id and refresh_token, or client_id and client_secret; mode 0600. Omitted:
    # Microsoft is not asked
    snds_key_file: str = ""
    snds_url: str = ""  # omitted: https://substrate.office.com/ip-domain-management-snds
    # omitted: as the key file says, or that of Microsoft's consumer accounts
    snds_token_url: str = ""
    # each is asked so often; what fails is tried again sooner, and ever later
    poll_s: Seconds = 86_400.0


class Webhook(_Table, frozen=True, kw_only=True):
    """How tenants' endpoints are called (docs/webhooks.md). Endpoints are made by commands and the API, not here."""

    # of endpoints that may be private: ["10.1.0.0/16"]; omitted: none
    allow_networks: tuple[str, ...] = ()
    allow_http: bool = False  # endpoints without TLS; false: only inside allow_networks
    timeout_s: Seconds = 15.0  # of a request with its answer
    connections: Few = 8  # to one endpoint at a time
    retention_s: Seconds = 604_800.0  # 7 days of delivery log; what failed stays as long
    # at most so many deliveries are kept once they were told, or failed
    log_limit: Count = 1_000_000


class Uploads(_Table, frozen=True, kw_only=True):
    """Files that tenants upload, in uploads/ of data_dir (docs/campaigns.md)."""

    # of S3, or of what speaks as it does: files come to it, and are fetched from it; omitted: they come to us
    bucket: str | None = None
    region: str | None = None  # of the bucket: "eu-central-1"
    endpoint_url: str | None = None  # omitted: Amazon's; its buckets are part of the path
    prefix: str = ""  # of the keys in the bucket: "angarium/"
    access_key_id: str | None = None  # omitted: AWS_ACCESS_KEY_ID of the environment
    # mode 0600; omitted: AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN where there is one
    secret_key_file: str | None = None
    # as clients reach the API, for URLs by which files come: https://api.example.com; omitted: as the request had it
    url: str = ""
    file_octets: Octets = 5_368_709_120  # 5 GiB, of one file
    tenant_octets: Octets = 21_474_836_480  # 20 GiB, of all files of a tenant
    tenant_files: Count = 1000
    url_s: Seconds = 86_400.0  # how long a URL is good for
    incomplete_s: Seconds = 604_800.0  # what is not complete goes when nothing has come for so long
    complete_s: Seconds = 2_592_000.0  # what is complete goes so long after
    # whether files are fetched from URLs that clients name: by the rules of [webhook]
    allow_fetch: bool = True
    fetch_s: Seconds = 3600.0  # how long that may take, from a bucket, too


class Templates(_Table, frozen=True, kw_only=True):
    """How tenants' templates are rendered: in processes of their own, since a template may be hostile. They are started
    when there is something to render, and end after five idle minutes.
    """

    workers: Few = 2  # of each process that renders
    # that one may use besides what it begins with, 25 MB: then the mail at fault is refused
    memory_octets: ProcessOctets = 134_217_728
    wall_s: Seconds = 1.0  # of one mail, of which half in the processor: then it is refused
    output_octets: Octets = 4_194_304  # of one mail, its parts together: then it is refused
    cache_bundles: Count = 256  # versions that a worker keeps compiled


class Campaigns(_Table, frozen=True, kw_only=True):
    """How files of recipients are sent (docs/campaigns.md)."""

    batch_rows: Count = 500  # of one transaction, at most 1000
    # of one campaign, at most so many messages wait in the queue for their first attempt
    queued_ahead: Count = 20_000
    keep_days: Days = 90  # what became of each row is known for so long after the last one


class Config(_Table, frozen=True, kw_only=True):
    @property
    def serves_api(self) -> bool:
        return any(each.kind == "http" and "api" in each.serves for each in self.listener)

    @property
    def tracks(self) -> bool:
        """Whether there is a listener that answers for tracking hosts."""
        return any(each.kind == "http" and "tracking" in each.serves for each in self.listener)

    @property
    def takes_reports(self) -> bool:
        """Whether anything that comes back is taken in."""
        return self.feedback.is_used or (self.ses is not None and self.ses.takes_notifications)

    @property
    def history_of(self) -> Literal["all", "api", "none"]:
        """Of which mail there is a history."""
        if self.history.of is not None:
            return self.history.of
        return "all" if self.serves_api else "none"

    server: Server
    listener: tuple[Listener, ...] = ()
    source: tuple[Source, ...] = ()
    pool: tuple[Pool, ...] = ()
    warmup: tuple[Warmup, ...] = ()
    stream: tuple[Stream, ...] = ()
    route: tuple[Route, ...] = ()
    smart_host: tuple[NamedSmartHost, ...] = ()
    ses: Ses | None = None
    provider: tuple[
        Provider, ...
    ] = ()  # tried before the shipped ones; of a shipped name: changes what it gives
    delivery: Delivery = Delivery()
    dns: Dns = Dns()
    dkim: Dkim = Dkim()
    queue: Queue = Queue()
    tenancy: Tenancy = Tenancy()
    api: Api = Api()
    history: History = History()
    analytics: Analytics = Analytics()
    retention: Retention = Retention()
    lake: Lake = Lake()
    receiver_reports: ReceiverReports = ReceiverReports()
    tracing: Tracing = Tracing()
    webhook: Webhook = Webhook()
    uploads: Uploads = Uploads()
    templates: Templates = Templates()
    check: Check = Check()
    campaigns: Campaigns = Campaigns()
    log: Log = Log()
    postmasters: Postmasters = Postmasters()
    breaker: Breaker = Breaker()
    blocklists: Blocklists = Blocklists()
    feedback: Feedback = Feedback()
    tracking: Tracking = Tracking()
    tracking_certificate: tuple[TrackingCertificate, ...] = ()
    acme: Acme | None = None
    rules: Rules = Rules()
    alarms: Alarms = Alarms()
    alarm: tuple[OwnLimits, ...] = ()
    summary: tuple[MailSummary, ...] = ()
    rule: tuple[Rule, ...] = ()
