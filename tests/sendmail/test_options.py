"""Sendmail's command line as programs write it."""

import pytest

from angarium.sendmail.options import Options, UsageError, parse


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("bob@example.org", Options(recipients=("bob@example.org",))),
        # cron; PHP's default; git send-email; msmtp-mta's users; mdadm; logwatch
        (
            "-FCronDaemon -i -B8BITMIME -oem root",
            Options(recipients=("root",), full_name="CronDaemon", dot_ends=False),
        ),
        ("-t -i", Options(from_header=True, dot_ends=False)),
        ("-ti", Options(from_header=True, dot_ends=False)),
        (
            "-i -f a@example.org b@example.org c@example.org",
            Options(
                recipients=("b@example.org", "c@example.org"),
                sender="a@example.org",
                dot_ends=False,
            ),
        ),
        ("-oi -t -f <a@b.test>", Options(from_header=True, dot_ends=False, sender="a@b.test")),
        ("-r a@b.test -t", Options(from_header=True, sender="a@b.test")),
        ("-f <> x@y.test", Options(recipients=("x@y.test",), sender="")),
        ("-o i -t", Options(from_header=True, dot_ends=False)),
        ("-O IgnoreDots=True -t", Options(from_header=True, dot_ends=False)),
        ("-O DeliveryMode=b -odb -oeq -om -m -n -t", Options(from_header=True)),
        ("-h 3 -L tag -Am -G -U -p smtp -t", Options(from_header=True)),
        ("-bm -v -t", Options(from_header=True, verbose=True)),
        ("-bs", Options(mode="smtp")),
        (
            "-N success,failure -R hdrs -V id+1 x@y.test",
            Options(recipients=("x@y.test",), notify="SUCCESS,FAILURE", ret="HDRS", envid="id+1"),
        ),
        (
            "-C /f.toml -- -odd@example.org",
            Options(recipients=("-odd@example.org",), config_file="/f.toml"),
        ),
    ],
)
def test_a_command_line_is_read(line: str, expected: Options) -> None:
    assert parse(line.split()) == expected


def test_a_null_sender_may_be_an_empty_word() -> None:
    assert parse(["-f", "", "x@y.test"]).sender == ""


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "no recipient"),
        ("-i", "no recipient"),
        ("-bp", "queue list"),
        ("-bd -q30m", "no server"),
        ("-q", "queue retry"),
        ("-bi", "alias"),
        ("-bz x", "-bm"),
        ("-Z x", "not an option"),
        ("-f", "needs a value"),
        ("-N often x@y.test", "never, or some of"),
        ("-N never,delay x@y.test", "never, or some of"),
        ("-R all x@y.test", "full or hdrs"),
        ("-B 9BIT x@y.test", "7BIT or 8BITMIME"),
        ("-bs x@y.test", "from the session"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(line: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse(line.split())
