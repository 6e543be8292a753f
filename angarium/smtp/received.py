"""A message as a listener received it. A plain value; knows nothing of sessions."""

import msgspec

from angarium.smtp.envelope import Envelope
from angarium.smtp.repair import Repair


class ReceivedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction's envelope and content, with what the trace field and the sender checks need.

    ``content`` is as the client sent it: dot-stuffing undone, every line ends in CRLF, and no NUL, bare CR or
    bare LF is in it (the session has refused those, or mended the last: S1, S8). ``envelope.smtputf8`` is what MAIL
    asked for; what the message needs is for the header's reader to say.
    """

    envelope: Envelope
    content: bytes
    has_dot_lines: bool | None = None  # a line may begin with a dot; None: nobody has looked
    # Without port; "192.0.2.1", "2001:db8::1"; "": nobody outside is to know it
    client_address: str
    # Argument of EHLO or HELO: host name, address literal, or a sanitised other name (S9).
    client_name: str
    protocol: str  # RFC 3848 and 6531: SMTP, ESMTP, ESMTPS, ESMTPA, ESMTPSA, UTF8SMTPSA, ...
    tls_version: str = ""  # "TLSv1.3"; "" in the clear
    tls_cipher: str = ""  # "TLS_AES_256_GCM_SHA384"
    user: str = ""  # who logged in; "" for a trusted network
    tenant: str = "default"
    # "*", "@domain", "user@domain": what From and Sender may name (A2).
    senders: tuple[str, ...] = ("*",)
    # What the user's mail is unless a header field says otherwise; "": the default, and the field may name any
    stream: str = ""
    other_streams: tuple[str, ...] = ()  # that the field may name besides; "*": any
    may_repair: bool = False  # what of the header can be mended without guessing is
    repairs: tuple[Repair, ...] = ()  # made already
    listener: str  # its address as configured, "127.0.0.1:2525"
