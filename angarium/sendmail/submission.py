"""Hands one message, or one session, to the listener. The standard library's client: this must start quickly.

All or nothing: where one recipient is refused nobody is sent to, so that who reads the exit code knows what became of
the message.
"""

import os
import selectors
import smtplib
import socket
import ssl
import sys
from collections.abc import Sequence
from typing import Final

from angarium.config.address import parse_host_port
from angarium.host.sysexits import (
    EX_DATAERR,
    EX_NOPERM,
    EX_NOUSER,
    EX_OK,
    EX_TEMPFAIL,
    EX_UNAVAILABLE,
)
from angarium.sendmail.options import Options
from angarium.sendmail.settings import Settings, is_loopback, password
from angarium.smtp.reply import clean_text

_OCTETS: Final = 65_536


class SubmissionError(Exception):
    """Nothing was sent; the text says why, the code is of sysexits.h."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


class Submission:
    """One connection to the listener, encrypted and logged in as the settings say. Methods raise SubmissionError."""

    def __init__(self, settings: Settings, *, verbose: bool) -> None:
        self._settings = settings
        self._to = parse_host_port(settings.server, default_port=587)
        default = "none" if is_loopback(self._to) else "starttls"
        self._tls = settings.tls or default
        self._context = ssl.create_default_context()
        if is_loopback(self._to):  # a certificate names the server's public name, not loopback
            self._context.check_hostname = False
            self._context.verify_mode = ssl.CERT_NONE
        self._verbose = verbose
        self._smtp = smtplib.SMTP()

    def open(self) -> None:
        """Connect, encrypt, log in."""
        try:
            self._smtp = self._connect()
            self._smtp.set_debuglevel(int(self._verbose))
            self._smtp.ehlo_or_helo_if_needed()
            if self._tls == "starttls":
                self._smtp.starttls(context=self._context)
                self._smtp.ehlo()
            if self._settings.user is not None:
                self._smtp.login(self._settings.user, password(self._settings))
        except smtplib.SMTPNotSupportedError as error:
            raise SubmissionError(f"{self._to}: {error}", EX_UNAVAILABLE) from error
        except smtplib.SMTPResponseException as error:
            raise self._refused(error.smtp_code, error.smtp_error, EX_NOPERM) from error
        except (OSError, smtplib.SMTPException) as error:
            raise SubmissionError(f"{self._to}: {error}", EX_TEMPFAIL) from error

    def _connect(self) -> smtplib.SMTP:
        host, port, timeout = self._to.host, self._to.port, self._settings.timeout_s
        if self._tls == "implicit":
            return smtplib.SMTP_SSL(host, port, timeout=timeout, context=self._context)
        return smtplib.SMTP(host, port, timeout=timeout)

    def submit(
        self, content: bytes, sender: str, recipients: Sequence[str], options: Options
    ) -> str:
        """Returns the server's last reply: the message is on its disk."""
        try:
            self._ask(
                self._smtp.mail(sender, self._mail_options(content, sender, recipients, options)),
                EX_NOPERM,
            )
            for each in recipients:
                self._ask(self._smtp.rcpt(each, self._rcpt_options(options)), EX_NOUSER, each)
            reply = self._smtp.data(content)
            self._ask(reply, EX_DATAERR)
            self._smtp.quit()
        except smtplib.SMTPResponseException as error:
            raise self._refused(error.smtp_code, error.smtp_error, EX_DATAERR) from error
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            raise SubmissionError(f"{self._to}: {clean_text(str(error))}", EX_TEMPFAIL) from error
        return _text(reply[1])

    def relay(self) -> int:
        """``-bs``: what comes on stdin goes to the server, and its answers to stdout, until one of them ends."""
        sock = self._smtp.sock
        assert isinstance(sock, socket.socket)
        sock.settimeout(None)
        greeting = (self._smtp.ehlo_resp or self._smtp.helo_resp or b"").partition(b"\n")[0]
        os.write(1, b"220 " + greeting + b"\r\n")
        with selectors.DefaultSelector() as selector:
            _register(selector, 0)
            selector.register(sock, selectors.EVENT_READ)
            quiet_s: float | None = None
            while ready := selector.select(quiet_s):
                for key, _ in ready:
                    if key.fileobj is sock:
                        if not _from_server(sock):
                            return EX_OK
                    elif octets := os.read(0, _OCTETS):
                        sock.sendall(octets)
                    else:  # the client is done; the last answers are still to come
                        selector.unregister(0)
                        quiet_s = self._settings.timeout_s
        return EX_TEMPFAIL

    def close(self) -> None:
        self._smtp.close()

    def _mail_options(
        self, content: bytes, sender: str, recipients: Sequence[str], options: Options
    ) -> list[str]:
        found = []
        if not content.isascii() and self._smtp.has_extn("8bitmime"):
            found.append("BODY=8BITMIME")
        if not all(each.isascii() for each in (sender, *recipients)):
            if not self._smtp.has_extn("smtputf8"):
                raise SubmissionError(f"{self._to} takes no address beyond ASCII", EX_NOUSER)
            self._smtp.command_encoding = "utf-8"
            found.append("SMTPUTF8")
        if self._smtp.has_extn("dsn"):
            if options.ret is not None:
                found.append(f"RET={options.ret}")
            if options.envid is not None:
                found.append(f"ENVID={_xtext(options.envid)}")
        return found

    def _rcpt_options(self, options: Options) -> list[str]:
        wanted = options.notify is not None and self._smtp.has_extn("dsn")
        return [f"NOTIFY={options.notify}"] if wanted else []

    def _ask(self, reply: tuple[int, bytes], permanent: int, who: str = "") -> None:
        code, text = reply
        if code // 100 != 2:
            raise self._refused(code, text, permanent, who)

    def _refused(
        self, code: int, text: bytes | str, permanent: int, who: str = ""
    ) -> SubmissionError:
        about = f"{clean_text(who)}: " if who else ""
        exit_code = permanent if code >= 500 else EX_TEMPFAIL
        return SubmissionError(f"{about}{self._to}: {code} {_text(text)}", exit_code)


def _from_server(sock: socket.socket) -> bool:
    """Pass on what is there, all of it: octets that TLS has decrypted already wake no selector."""
    octets = sock.recv(_OCTETS)
    while octets:
        sys.stdout.buffer.write(octets)
        pending = sock.pending() if isinstance(sock, ssl.SSLSocket) else 0
        if not pending:
            sys.stdout.buffer.flush()
            return True
        octets = sock.recv(_OCTETS)
    sys.stdout.buffer.flush()
    return False


def _register(selector: selectors.BaseSelector, descriptor: int) -> None:
    try:
        selector.register(descriptor, selectors.EVENT_READ)
    except PermissionError as error:  # a plain file is no terminal, pipe or socket
        raise SubmissionError(
            "-bs needs a pipe, a socket or a terminal as stdin", EX_DATAERR
        ) from error


def _text(reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return clean_text(" ".join(text.split("\n")))


def _xtext(text: str) -> str:
    """RFC 3461 section 4."""
    return "".join(
        each
        if "!" <= each <= "~" and each not in "+="
        else "".join(f"+{octet:02X}" for octet in each.encode())
        for each in text
    )
