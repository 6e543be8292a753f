"""What is fixed for all sessions of one listener, and the replies that follow from it (banner, EHLO). Plain values."""

from typing import Literal

import msgspec

from angarium.config.schema import ListenerLimits


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    hostname: str
    listener: str = ""  # its address as configured, for Received and the log
    # "none": nobody logs in, and whoever decides of recipients (``may_receive``) is asked of everybody's
    auth: Literal["required", "trusted", "none"] = "required"
    repair: bool | None = None  # None: for who is trusted
    starttls: bool = False  # offered while the session is in the clear
    limits: ListenerLimits = ListenerLimits()


class TlsFacts(msgspec.Struct, frozen=True, kw_only=True):
    version: str  # "TLSv1.3"
    cipher: str  # "TLS_AES_256_GCM_SHA384"


class ClientFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the shell knows of the client before it says anything."""

    address: str  # without port
    trusted: bool = False  # in trusted_networks: relays without a password
    clear_auth: bool = False  # in auth_without_tls: may AUTH in the clear


class ServerReplies:
    """Replies that are the same in all sessions of a listener, rendered once."""

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.banner = f"220 {settings.hostname} ESMTP\r\n".encode("ascii")
        self.helo = f"250 {settings.hostname}\r\n".encode("ascii")
        self.help = self._render_help()
        self.quit = b"221 2.0.0 Bye\r\n"
        self._ehlo = {
            (starttls, auth): self._render_ehlo(starttls=starttls, auth=auth)
            for starttls in (False, True)
            for auth in (False, True)
        }

    def ehlo(self, *, starttls: bool, auth: bool) -> bytes:
        return self._ehlo[starttls, auth]

    def _render_help(self) -> bytes:
        words = [
            *(
                "EHLO",
                "HELO",
                "MAIL",
                "RCPT",
                "DATA",
                "BDAT",
                "RSET",
                "NOOP",
                "QUIT",
                "VRFY",
                "HELP",
            ),
            *(["STARTTLS"] if self.settings.starttls else []),
            *(["AUTH"] if self.settings.auth == "required" else []),
        ]
        return f"214 2.0.0 {' '.join(words)}\r\n".encode("ascii")

    def _render_ehlo(self, *, starttls: bool, auth: bool) -> bytes:
        words = [
            self.settings.hostname,
            "PIPELINING",  # RFC 2920
            f"SIZE {self.settings.limits.message_octets}",  # RFC 1870
            "8BITMIME",  # RFC 6152
            "SMTPUTF8",  # RFC 6531
            "ENHANCEDSTATUSCODES",  # RFC 2034
            # RFC 3461. Not where mail comes to its end unseen: nobody there would tell that it was delivered
            *(["DSN"] if self.settings.auth != "none" else []),
            *(["STARTTLS"] if starttls else []),  # RFC 3207
            *(["AUTH PLAIN LOGIN"] if auth else []),  # RFC 4954
            "CHUNKING",  # RFC 3030
        ]
        lines = [f"250-{word}\r\n" for word in words[:-1]]
        return "".join([*lines, f"250 {words[-1]}\r\n"]).encode("ascii")
