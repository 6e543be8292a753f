"""Mirrors angarium/dkim/record_lookup.py, against a name server on loopback."""

import socket
import threading
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from angarium.config.address import HostPort
from angarium.dkim.record_lookup import from_nameservers
from angarium.dkim.verify import TemporaryLookupError

ANSWERS = {
    "two.example.": ('"v=DKIM1; " "p=abc"', dns.rcode.NOERROR),
    "none.example.": ("", dns.rcode.NXDOMAIN),
    "empty.example.": ("", dns.rcode.NOERROR),
    "broken.example.": ("", dns.rcode.SERVFAIL),
}


@pytest.fixture
def server() -> Iterator[HostPort]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        thread = threading.Thread(target=answer_until_told, args=(listening,))
        thread.start()
        yield HostPort("127.0.0.1", port)
        listening.sendto(b"", ("127.0.0.1", port))
        thread.join(10)


def answer_until_told(listening: socket.socket) -> None:
    while True:
        wire, client = listening.recvfrom(4096)
        if not wire:
            return
        query = dns.message.from_wire(wire)
        name = query.question[0].name
        text, code = ANSWERS[name.to_text()]
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        response.set_rcode(code)
        if text:
            response.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", text))
        listening.sendto(response.to_wire(), client)


def test_the_strings_of_a_record_are_joined(server: HostPort) -> None:
    assert from_nameservers([server])("two.example") == b"v=DKIM1; p=abc"


def test_a_name_without_a_record_has_none(server: HostPort) -> None:
    lookup = from_nameservers([server])
    assert lookup("none.example") is None
    assert lookup("empty.example") is None


@pytest.mark.parametrize("name", ["a" * 64 + ".example", ".".join(["a" * 60] * 5), "a..b"])
def test_what_is_not_a_name_has_no_record(name: str, server: HostPort) -> None:
    assert from_nameservers([server])(name) is None


def test_a_server_that_fails_is_a_temporary_error_d3(server: HostPort) -> None:
    with pytest.raises(TemporaryLookupError):
        from_nameservers([server])("broken.example")
