"""Mirrors angarium/webhooks/sinks/sink.py: what a sink's URL has to say."""

import pytest

from angarium.webhooks.guard import ENDPOINTS, SINKS, Guard, UrlError
from angarium.webhooks.sinks.sink import Place, is_operators, is_sink, read_endpoint, read_place

OPEN = Guard(["127.0.0.0/8"], allow_http=True)
GOOD = {
    "kafka://127.0.0.1/mail.events": ("kafka", "mail.events", 9092),
    "kafka+tls://us%3Aer:pa@k.example.com:9999/t?mechanism=SCRAM-SHA-512": ("kafka", "t", 9999),
    "nats://127.0.0.1:4333/mail.events?jetstream=true": ("nats", "mail.events", 4333),
    "nats+tls://token@n.example.com/a": ("nats", "a", 4222),
    "sqs+https://id:se%2Fcret@sqs.eu-west-1.amazonaws.com/123/queue.fifo": (
        "sqs",
        "123/queue.fifo",
        443,
    ),
    "sqs+http://id:secret@127.0.0.1:9324/000000000000/q?region=elasticmq": (
        "sqs",
        "000000000000/q",
        9324,
    ),
    "syslog+tcp://127.0.0.1": ("syslog", "", 601),
    "syslog+tls://log.example.com": ("syslog", "", 6514),
    "syslog+tcp://127.0.0.1:514": ("syslog", "", 514),
}


def place(url: str, guard: Guard = OPEN) -> Place:
    return read_place(guard.read_url(url, ENDPOINTS))


@pytest.mark.parametrize("url", GOOD)
def test_a_sink_is_named_by_its_url(url: str) -> None:
    found = place(url)
    assert (found.kind, found.name, found.target.port) == GOOD[url]
    assert is_sink(url)
    read_endpoint(url, OPEN)


BAD = {
    "ftp://a.example/": "must begin with https://, or with one of kafka://",
    "kafka://127.0.0.1/": "no topic",
    "kafka://127.0.0.1/a/b": "no topic",
    "kafka://127.0.0.1/..": "no topic",
    "kafka://127.0.0.1/t?mechanism=GSSAPI": "mechanism is one of",
    "kafka://user@127.0.0.1/t": "without a password",
    "kafka://127.0.0.1/t?acks=0": "has a parameter 'acks'",
    "kafka://8.8.8.8:443/t": "port 443 is none of kafka",
    "nats://127.0.0.1/": "no subject",
    "nats://127.0.0.1/a.*": "no subject",
    "nats://127.0.0.1/a.%3E": "no subject",
    "nats://127.0.0.1/a..b": "no subject",
    "nats://127.0.0.1/a%0D%0Ab": "no subject",
    "nats://127.0.0.1/a?jetstream=yes": "true or false",
    "sqs+https://id:s@sqs.eu-west-1.amazonaws.com/": "no queue",
    "sqs+https://sqs.eu-west-1.amazonaws.com/1/q": "access key",
    "sqs+https://id:s@queues.example.com/1/q": "region",
    "syslog+tcp://127.0.0.1/x": "has a path",
    "syslog+tcp://a:b@127.0.0.1": "no place for",
    "syslog+tcp://127.0.0.1?a=b": "parameter",
    "syslog+tcp://8.8.8.8:22": "port 22 is none of syslog",
    "syslog+udp://127.0.0.1": "must begin with",
}


@pytest.mark.parametrize("url", BAD)
def test_what_is_wrong_with_one_is_said(url: str) -> None:
    with pytest.raises(UrlError, match=BAD[url]):
        read_endpoint(url, OPEN)


@pytest.mark.parametrize("scheme", SINKS)
def test_no_sink_is_where_a_url_may_not_be_p1(scheme: str) -> None:
    rest = {"sqs": "/1/q?region=x", "syslog": ""}.get(scheme.partition("+")[0], "/name")
    user = "id:secret@" if scheme.startswith("sqs") else ""
    for host in ("127.0.0.1", "[::1]", "169.254.169.254", "localhost", "[::ffff:10.0.0.1]"):
        with pytest.raises(UrlError, match="not public"):
            place(f"{scheme}://{user}{host}:8080{rest}", Guard(allow_http=True))
    if SINKS[scheme].is_clear:
        with pytest.raises(UrlError, match=r"must begin with \w+\+(tls|https)://"):
            place(f"{scheme}://{user}hooks.example.com{rest}", Guard())
    with pytest.raises(UrlError, match=r"must begin with https://$"):
        Guard(allow_http=True).read_url(f"{scheme}://{user}hooks.example.com{rest}")


def test_a_library_that_is_not_there_is_named_with_its_extra() -> None:
    for url, library in (
        ("kafka://127.0.0.1/t", "confluent-kafka"),
        ("nats://127.0.0.1/s", "nats-py"),
    ):
        with pytest.raises(UrlError, match=rf"the library {library}, .* `bin/install --extras`"):
            read_endpoint(url, OPEN, lambda _: None)
    read_endpoint("syslog+tcp://127.0.0.1", OPEN, lambda _: None)
    read_endpoint("https://hooks.example.com/", OPEN, lambda _: None)


def test_what_obeys_no_guard_is_the_operators() -> None:
    assert is_operators("kafka+tls://k.example.com/t")
    assert is_operators("KAFKA://k.example.com/t")
    for other in ("nats://n.example.com/s", "https://kafka.example.com/"):
        assert not is_operators(other)
