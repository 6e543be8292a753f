"""Whether all went as it should: each check a sentence. Blocks on DNS for the signatures."""

import re
from collections import Counter
from collections.abc import Callable

import msgspec

from angarium.dkim.verify import verify
from angarium.simulator.demo.ledger import Ledger
from angarium.simulator.demo.standing import Standing
from angarium.simulator.demo.web import WebApplication
from angarium.simulator.demo.world import (
    ADDRESSES,
    COLD,
    NEW_TO,
    RULE,
    RULE_REPLY,
    SENDER_DOMAINS,
    SENDERS_PROVIDER,
    WARM,
)
from angarium.simulator.internet import Internet
from angarium.simulator.mailboxes import StoredMessage

HOUR_S = 3600
_AUTHOR = re.compile(rb"^From: <[^@\r\n]+@([a-z.]+)>\r$", re.MULTILINE)
SHOWN = 5  # examples of what went wrong, per check


class VerdictLine(msgspec.Struct, frozen=True):
    ok: bool
    text: str
    examples: tuple[str, ...] = ()


def judge(
    ledger: Ledger,
    net: Internet,
    find_txt: Callable[[str], bytes | None],
    standing: Standing,
    application: WebApplication,
) -> list[VerdictLine]:
    """Return all findings, the good ones too."""
    return [
        _accepted(ledger),
        _outcomes(ledger),
        _once(ledger, net),
        _tempers(net),
        _warm_up(net, standing),
        _rule_in_force(standing),
        _dsns(ledger, net),
        _came_back(ledger),
        _told(ledger, application),
        _reading(application),
        *(_signed(domain, ledger, net, find_txt) for domain in SENDER_DOMAINS),
    ]


def _finding(good: str, bad: str, wrong: list[str]) -> VerdictLine:
    if not wrong:
        return VerdictLine(True, good)
    return VerdictLine(False, f"{bad}: {len(wrong)}", tuple(wrong[:SHOWN]))


def _accepted(ledger: Ledger) -> VerdictLine:
    lost = [r for r, entry in ledger.entries.items() if not entry.submitted]
    good = f"{len(ledger.plan.messages)} messages to {len(ledger.entries)} recipients were accepted"
    return _finding(good, "recipients whose message was not accepted", lost)


def _outcomes(ledger: Ledger) -> VerdictLine:
    wrong = []
    for recipient, entry in ledger.entries.items():
        expected = ledger.plan.expected[recipient]
        wanted = [] if expected == "waiting" else [expected]
        if entry.finals != wanted or (expected == "waiting" and not ledger.waits(recipient)):
            seen = ", ".join(entry.finals) or f"none after {entry.deferrals} deferrals"
            wrong.append(f"{recipient}: {expected} expected, outcome {seen} ({entry.last_reply})")
    counts = {
        kind: sum(expected == kind for expected in ledger.plan.expected.values())
        for kind in ("delivered", "bounced", "waiting")
    }
    good = (
        f"each recipient has exactly one outcome: {counts['delivered']} delivered, "
        f"{counts['bounced']} bounced; {counts['waiting']} wait for what is down or full, as they should"
    )
    return _finding(good, "recipients with another outcome than planned", wrong)


def _once(ledger: Ledger, net: Internet) -> VerdictLine:
    """Every delivered message is at its provider once, nothing else is, all of it well-formed."""
    ids = {r: m.id for m in ledger.plan.messages for r in m.recipients}
    received = {
        (key, recipient): count
        for name, mailboxes in net.mailboxes.items()
        if name != SENDERS_PROVIDER
        for (key, recipient), count in mailboxes.copies.items()
    }
    wanted = {(ids[r], r) for r, what in ledger.plan.expected.items() if what == "delivered"}
    wrong = [
        f"{r}: received {received.get((i, r), 0)} times"
        for i, r in wanted
        if received.get((i, r)) != 1
    ]
    wrong += [
        f"{r}: received, though it should not be" for i, r in received if (i, r) not in wanted
    ]
    wrong += [
        f"{name}: {mailboxes.statistics.malformed} malformed messages"
        for name, mailboxes in net.mailboxes.items()
        if mailboxes.statistics.malformed
    ]
    return _finding("each delivered message arrived exactly once", "messages amiss", wrong)


def _tempers(net: Internet) -> VerdictLine:
    """The providers did what they are there for; else the rest would prove little."""
    statistics = {name: mailboxes.statistics for name, mailboxes in net.mailboxes.items()}
    seen = {
        "birch greylisted": statistics["birch"].deferred,
        "cedar throttled": statistics["cedar"].throttled,
        "dogwood throttled": statistics["dogwood"].throttled,
        "elm refused": statistics["elm"].refused,
        "fir cut off mid-DATA": statistics["fir"].drops,
        "gingko failed TLS": statistics["gingko"].tls_failures,
        "acorn took TLS": statistics["acorn"].tls_handshakes,
    }
    good = "the providers were difficult: " + ", ".join(f"{k} {v}" for k, v in seen.items())
    return _finding(good, "tempers that were not met", [k for k, v in seen.items() if not v])


def _warm_up(net: Internet, standing: Standing) -> VerdictLine:
    """The source that is new had all that its first day allows, and not one more; the warm one carried the rest."""
    warmup = next(
        (each for each in standing.warmups if (each.source, each.provider) == (COLD, NEW_TO)), None
    )
    if warmup is None or warmup.hour_limit is None:
        return VerdictLine(False, f"no warm-up of {COLD} at {NEW_TO} has begun")
    sent = {source: _sent_from(address, net) for source, address in ADDRESSES.items()}
    by_hour = Counter(int(at) // HOUR_S for at in sent[COLD])
    wrong = [
        f"{count} in an hour, of {warmup.hour_limit}"
        for count in by_hour.values()
        if count > warmup.hour_limit
    ]
    # An hour that ends in the midst of it leaves less for each
    if not by_hour or (len(by_hour) == 1 and len(sent[COLD]) < warmup.hour_limit):
        wrong.append(f"only {len(sent[COLD])} of {warmup.hour_limit}")
    if warmup.day or warmup.note:
        wrong.append(f"day {warmup.day}: {warmup.note}")
    good = (
        f"{COLD} is new to {NEW_TO} and sent it {len(sent[COLD])}: day {warmup.day} of its warm-up"
        f" allows {warmup.hour_limit} an hour; {WARM} sent the other {len(sent[WARM])} meanwhile"
    )
    return _finding(good, f"the warm-up of {COLD} at {NEW_TO} went wrong", wrong)


def _sent_from(address: str, net: Internet) -> list[float]:
    """Return when each recipient of that provider got its message from there."""
    return [
        message.at
        for message in net.mailboxes[NEW_TO].messages
        if message.client == address
        for _ in message.recipients
    ]


def _rule_in_force(standing: Standing) -> VerdictLine:
    found = next((each for each in standing.rules if each.rule == RULE), None)
    if found is None:
        return VerdictLine(False, f"the rule {RULE} is not in force")
    if RULE_REPLY not in found.reply or found.until is None:
        return VerdictLine(False, f"the rule {RULE} is in force for {found.reply!r}")
    good = f"the rule {RULE} is in force: {found.action} for {found.scope} until {found.until},"
    return VerdictLine(True, f"{good} because it said {found.reply}")


def told_by_mail(ledger: Ledger) -> set[str]:
    """Whose bounces are mailed to their senders: who sends by HTTP is told by the webhook."""
    return ledger.returned() - set(by_http(ledger))


def reported_recipients(net: Internet) -> set[str]:
    """Return the recipients named as failed by DSNs that came to the senders."""
    reported = set()
    for message in net.mailboxes[SENDERS_PROVIDER].messages:
        if message.reverse_path == "" and message.content is not None:
            reported |= _final_recipients(message)
    return reported


def _final_recipients(message: StoredMessage) -> set[str]:
    found = set()
    for line in (message.content or b"").split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"final-recipient":
            found.add(value.partition(b";")[2].strip().decode("utf-8", "replace"))
    return found


def _dsns(ledger: Ledger, net: Internet) -> VerdictLine:
    bounced, reported = told_by_mail(ledger), reported_recipients(net)
    wrong = [f"{r}: bounced, but its sender was not told" for r in bounced - reported]
    wrong += [f"{r}: its sender was told, though it did not bounce" for r in reported - bounced]
    later = len(bounced - ledger.bounced())
    good = (
        f"who sent by SMTP was told of all {len(bounced)} bounces, {later} of them after delivery, by DSNs from"
        " the null reverse-path"
    )
    return _finding(good, "DSNs amiss", wrong)


def _came_back(ledger: Ledger) -> VerdictLine:
    """A bounce and a complaint that came later are believed, a forged one is not."""
    later = ledger.plan.later
    wrong = []
    for recipient, entry in ledger.entries.items():
        if ledger.plan.expected[recipient] == "bounced":
            continue  # what a host refused for good may be suppressed for that
        wanted = [later[recipient], "suppression_added"] if recipient in later else []
        if sorted(set(entry.came_back)) != sorted(wanted):
            seen = ", ".join(entry.came_back) or "nothing"
            wrong.append(f"{recipient}: {' and '.join(wanted) or 'nothing'} expected, {seen} came")
    if later and not ledger.unmatched:
        wrong.append("the forged bounce was not noticed")
    counts = Counter(later.values())
    good = (
        "what came back after delivery was believed, and suppresses its recipients (bounces"
        f" {counts['report_bounced']}, complaints {counts['complained']}); a forged bounce was not"
    )
    return _finding(good, "what came back was not understood", wrong)


_TELLS = {"delivered": "email.delivered", "bounced": "email.bounced"}


def told_wrong(ledger: Ledger, application: WebApplication) -> list[str]:
    """Whose outcome the webhook was not told of, or in another order than it came to be."""
    wrong = []
    for recipient in by_http(ledger):
        heard = application.heard.get(recipient, [])
        wanted = _TELLS.get(ledger.plan.expected[recipient], "")
        if heard[:1] != ["email.accepted"] or (wanted and wanted not in heard):
            wrong.append(f"{recipient}: told {', '.join(heard) or 'nothing'}")
    return wrong


def told_of_reading(application: WebApplication) -> list[str]:
    """What the webhook was not told of the mail that somebody has read."""
    heard = application.heard.get(application.reader, [])
    missing = [each for each in ("email.opened", "email.clicked") if heard.count(each) != 1]
    return [f"{application.reader or 'nobody'}: {each}" for each in missing]


def _reading(application: WebApplication) -> VerdictLine:
    good = f"{application.reader} read one in a browser: opened and clicked once each, by a person"
    return _finding(good, "nobody was seen reading a mail", told_of_reading(application))


def by_http(ledger: Ledger) -> list[str]:
    return [r for m in ledger.plan.messages if m.sender.way == "http" for r in m.recipients]


def _told(ledger: Ledger, application: WebApplication) -> VerdictLine:
    wrong = told_wrong(ledger, application)
    if application.unsigned or application.strangers:
        wrong.append(f"{application.unsigned} unsigned, {application.strangers} of other messages")
    everybody = by_http(ledger)
    good = (
        f"an application sent to {len(everybody)} of them by the HTTP API, and its webhook was told what became"
        " of each, signed"
    )
    return _finding(good, "recipients whose outcome the webhook was not told", wrong)


def _signed(
    domain: str, ledger: Ledger, net: Internet, find_txt: Callable[[str], bytes | None]
) -> VerdictLine:
    """dkimpy verifies a delivered message of the domain against the small internet's DNS."""
    message = _find_delivered(domain, net)
    if message is None or message.content is None:
        return VerdictLine(False, f"no delivered message of {domain} to verify")
    results = verify(message.content, find_txt)
    names = [f"{r.algorithm} {r.selector}._domainkey.{r.domain}" for r in results]
    wrong = [f"{r.status}: {r.reason}" for r in results if r.status != "pass"]
    if not results:
        wrong = ["not signed"]
    good = f"DKIM of a message from {domain} is valid: {', '.join(names)}"
    return _finding(good, f"DKIM signatures of {domain} that fail", wrong)


def _find_delivered(domain: str, net: Internet) -> StoredMessage | None:
    """By the author: the reverse path is a reference of the server's."""
    for message in net.mailboxes["acorn"].messages:
        found = _AUTHOR.search(message.content or b"")
        if found is not None and found[1].decode() == domain:
            return message
    return None
