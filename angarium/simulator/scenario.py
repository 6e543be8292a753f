"""What the small internet is to be: providers, their behaviour, their DNS. Frozen values, writable as TOML or JSON."""

import tomllib
from pathlib import Path
from typing import Literal

import msgspec


class ScenarioError(Exception):
    """The scenario cannot be read, or contradicts itself."""


class _ScenarioTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Unknown keys are errors."""


Refusal = Literal["unknown", "full", "disabled", "spam", "policy"]
StyleName = Literal[
    "generic", "gmail", "yahoo", "outlook", "apple", "comcast", "gmx", "orange", "qq", "netease"
]


class Throttle(_ScenarioTable, frozen=True, kw_only=True):
    """A ceiling on messages; above it the provider's own kind of throttle reply."""

    messages_per_s: float
    burst: int = 1  # messages that may come at once
    penalty_s: float = 0.0  # once exceeded, everything is deferred for so long


class Delay(_ScenarioTable, frozen=True, kw_only=True):
    """How long the provider thinks before it answers each stage."""

    banner_s: float = 0.0
    ehlo_s: float = 0.0
    mail_s: float = 0.0
    rcpt_s: float = 0.0
    data_s: float = 0.0  # before the 354
    final_dot_s: float = 0.0


class Drop(_ScenarioTable, frozen=True, kw_only=True):
    """Reset the connection there, without a reply."""

    at: Literal["mail", "rcpt", "data", "content", "final_dot", "accepted"]
    # content: mid-DATA; final_dot: all was read, nothing kept; accepted: kept, but the 250 never comes
    after_octets: int = 0  # of content, with at = "content"
    times: int | None = None  # only the first so many; omitted: always


class Report(_ScenarioTable, frozen=True, kw_only=True):
    """Accept, and later send something back."""

    # jmrp: a complaint as Outlook's programme sends it, with headers only and the recipient's address taken out
    kind: Literal["dsn", "arf", "jmrp"]
    after_s: float = 0.0
    status: str = "5.1.1"  # of the DSN
    every: int = 1  # for each n-th message only


class Behaviour(_ScenarioTable, frozen=True, kw_only=True):
    """What a provider, or one of its mailboxes, does; all given parts apply together."""

    greylist_s: float | None = None  # 451 4.7.1 until so long after the first attempt
    throttle: Throttle | None = None
    refuse: Refusal | None = None
    delay: Delay = Delay()
    drop: Drop | None = None
    report: Report | None = None


class MailboxRule(_ScenarioTable, frozen=True, kw_only=True):
    """What is special about some mailboxes of a provider; the first match wins."""

    local: str  # local-part, or a pattern with * and ?; case is ignored
    behaviour: Behaviour


class Host(_ScenarioTable, frozen=True, kw_only=True):
    """One MX host."""

    name: str
    preference: int = 10
    addresses: tuple[str, ...] = ()  # omitted: one 127.x.y.z of its own
    listens: bool = True  # False: connections to it are refused


class SimulatedProvider(_ScenarioTable, frozen=True, kw_only=True):
    """A mailbox provider: its domains, its MX hosts, and how it treats who delivers to it."""

    name: str
    domains: tuple[str, ...]
    hosts: tuple[Host, ...] = ()  # omitted: one, mx1.<first domain>
    style: StyleName = "generic"  # whose words its replies use
    banner: Literal["accept", "refuse", "silent"] = "accept"  # refuse: 554; silent: never greets
    tls: Literal["none", "good", "broken", "expired", "wrong_name"] = "good"
    offers_dsn: bool = False  # RFC 3461
    offers_utf8: bool = True  # RFC 6531
    message_octets: int = 36_700_160  # SIZE
    connections: int | None = None  # more at once: 421
    messages_per_connection: int | None = None  # 421 at the next MAIL
    close_after_messages: int | None = None  # closes without a word after the reply to this one
    catch_all: bool = True  # False: only mailboxes that a rule names exist
    behaviour: Behaviour = Behaviour()
    mailboxes: tuple[MailboxRule, ...] = ()
    feedback_to: str = ""  # where ARF reports go; omitted: the reverse path


class Name(_ScenarioTable, frozen=True, kw_only=True):
    """A name in the DNS beyond the providers' own."""

    name: str
    answer: Literal["records", "nxdomain", "servfail", "refused", "silent"] = "records"
    null_mx: bool = False  # RFC 7505
    records: tuple[
        str, ...
    ] = ()  # "MX 10 mx.example.", "A 127.0.0.1", "TXT v=spf1 -all", "CNAME x."
    ttl: int = 60
    delay_s: float = 0.0


class Scenario(_ScenarioTable, frozen=True, kw_only=True):
    """The whole of it."""

    provider: tuple[SimulatedProvider, ...] = ()
    name: tuple[Name, ...] = ()
    ttl: int = 60  # of the providers' records
    network: str = "127.20.0.0"  # where hosts without addresses get theirs: x.y.provider.host
    smtp_port: int = 0  # one for all hosts; 0: any free one
    dns_port: int = 0
    # host:port for DSNs and ARF reports; omitted: the outbox keeps them.
    reports_to: str | None = None
    keep_messages: int = 1000  # newest messages kept per provider
    keep_octets: int = 65_536  # of a message's content; of larger ones only the size is kept
    keep_ids: int = 1_000_000  # different messages counted per provider, for exactly-once checks
    keep_reports: int = 1000  # in the outbox


def load_scenario(path: Path) -> Scenario:
    """Read a scenario from a .toml or .json file. Raises ScenarioError."""
    try:
        octets = path.read_bytes()
        if path.suffix == ".json":
            return msgspec.json.decode(octets, type=Scenario)
        return msgspec.convert(tomllib.loads(octets.decode()), type=Scenario)
    except (OSError, ValueError) as error:  # msgspec's and tomllib's errors are ValueErrors
        raise ScenarioError(f"{path}: {error}") from error
