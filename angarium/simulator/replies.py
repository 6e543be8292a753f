"""What mailbox providers say: the key phrases and codes of docs' facts in words of our own. Pure.

``{client}`` becomes the client's address. Which stage a throttle is met at differs by provider too.
"""

from typing import Final, Literal

import msgspec

from angarium.simulator.scenario import Refusal, StyleName


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """One provider's replies; several lines are joined by CRLF as they go over the wire."""

    throttled: str = "451 4.7.1 Rate limit for {client} exceeded, try again later"
    throttled_at: Literal["mail", "rcpt", "final_dot"] = "mail"
    connections: str = "421 4.7.0 Too many concurrent connections from {client}"
    messages: str = "421 4.7.0 Too many messages in this session, open another one"
    blocked: str = "554 5.7.1 No SMTP service here for {client}"
    greylisted: str = "451 4.7.1 Greylisted, try again in {seconds} seconds"
    unknown: str = "550 5.1.1 <{recipient}>: user unknown"
    full: str = "452 4.2.2 <{recipient}>: mailbox full"
    disabled: str = "550 5.2.1 <{recipient}>: mailbox disabled"
    spam: str = "554 5.7.1 Message looks like spam and was refused"
    policy: str = "550 5.7.1 Message refused by policy"


REFUSED_AT: Final[dict[Refusal, Literal["rcpt", "final_dot"]]] = {
    "unknown": "rcpt",
    "full": "rcpt",
    "disabled": "rcpt",
    "spam": "final_dot",  # only who has read the message can call it so
    "policy": "final_dot",
}

STYLES: Final[dict[StyleName, Style]] = {
    "generic": Style(),
    "gmail": Style(
        throttled=(
            "421-4.7.28 [{client}] An unusual rate of mail from this address was noticed,\r\n"
            "421-4.7.28 which is why it is limited for now.\r\n"
            "421 4.7.28 Bulk sender guidelines apply. - gsmtp"
        ),
        throttled_at="final_dot",
        unknown=(
            "550-5.1.1 The account <{recipient}> does not exist here.\r\n"
            "550 5.1.1 Look for typing errors in the address. - gsmtp"
        ),
        full="452 4.2.2 The inbox of <{recipient}> is out of storage space. - gsmtp",
        spam=(
            "550-5.7.1 [{client}] Our system has detected that this message is\r\n"
            "550 5.7.1 likely unsolicited. It is blocked. - gsmtp"
        ),
    ),
    "yahoo": Style(
        throttled="421 4.7.0 [TSS04] Messages from {client} temporarily deferred: unexpected volume",
        messages="421 4.7.0 Max message per connection reached",
        unknown="554 5.7.9 delivery error: no mailbox {recipient} here",
        spam="553 5.7.1 [BL21] Connections and messages from {client} are not accepted",
    ),
    "outlook": Style(
        throttled="451 4.7.500 Server busy. Please try again later from [{client}]",
        throttled_at="rcpt",
        connections="421 4.3.2 [{client}] exceeded the maximum number of connections (IB007)",
        messages="421 4.5.3 exceeded maximum number of messages per connection",
        unknown="550 5.5.0 Requested action not taken: mailbox {recipient} unavailable (S2017062302)",
        spam="550 5.7.1 [{client}]: part of their network is on our block list (S3140)",
    ),
    "apple": Style(
        throttled="421 4.7.1 [HCM1] Message from {client} deferred",
        spam="554 5.7.1 [BS02] Message from {client} refused",
    ),
    "comcast": Style(
        throttled="421 4.1.0 {client} throttled: RL000005",
        connections="421 4.1.0 {client} has too many sessions open: RL000001",
        messages="452 4.1.0 Session limit met, come again",
        spam="554 5.7.1 {client} is blocked: BL000010",
    ),
    "gmx": Style(
        throttled="450 4.7.0 Requested action not taken: Reject due to policy restrictions",
        connections="421 4.7.0 Too many connections from {client}",
        spam="554 5.7.1 Transaction failed: Reject due to policy restrictions",
    ),
    "orange": Style(
        throttled="421 4.3.2 Service refuse, veuillez essayer plus tard (OFR_999)",
        connections="421 4.3.2 Trop de connexions, veuillez verifier votre configuration",
    ),
    "qq": Style(
        throttled="550 5.7.1 Ip frequency limited [{client}]",  # a 550 that says nothing of the mailbox
        unknown="550 5.1.1 Mailbox unavailable or access denied [{recipient}]",
    ),
    "netease": Style(
        throttled="451 4.7.1 DT:SPM {client}: requested action delayed",
        connections="421 4.7.0 Too many connections [{client}]",
        spam="554 5.7.1 HL:ITC {client}: limit of the day met",
    ),
}
