"""Mirrors angarium/config/loader.py and the checks that it calls."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.config.error import ConfigError
from angarium.config.loader import load, parse
from angarium.config.schema import Config
from angarium.routing.route_table import RouteTable

SERVER = '[server]\nhostname = "mx1.example.com"\n'
FILE = Path("/etc/angarium/angarium.toml")


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE)
    return list(caught.value.lines)


def test_only_the_host_name_is_needed() -> None:
    config = parse(SERVER, FILE)
    assert config.server.hostname == "mx1.example.com"
    assert config.log.mail_log == "/var/lib/angarium/mail.log"


def test_the_example_of_the_architecture_is_read() -> None:
    config = parse(
        """
[server]
hostname = "mx1.example.com"
data_dir = "/var/lib/angarium"
[[listener]]
kind = "submission"
address = "127.0.0.1:2525"
tls = "none"
auth = "trusted"
trusted_networks = ["127.0.0.0/8"]
[[source]]
name = "ip1"
address = "192.0.2.10"
ehlo = "mx1.example.com"
[[pool]]
name = "default"
sources = [{ name = "ip1", weight = 1 }]
[[route]]
domain = "*"
via = "smtp://127.0.0.1:2526"
[delivery]
port = 25
allow_private = false
[dns]
nameservers = ["127.0.0.1:5353"]
[dkim]
keys = [{ domain = "example.com", selector = "s1", file = "keys/example.com.s1.pem" }]
""",
        FILE,
    )
    assert config.pool[0].sources[0].name == "ip1"
    assert config.dkim.keys[0].file == "/etc/angarium/keys/example.com.s1.pem"


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(
        SERVER
        + 'data_dir = "data"\n[log]\nmail_log = "../mail.log"\n[[route]]\ndomain = "x.test"\n'
        'via = "smtp://me@h.test"\npassword_file = "pw"\n'
        '[lake]\ndir = "lake"\nbucket = "files"\nregion = "eu-central-1"\n'
        'access_key_id = "AKIASTUB"\nsecret_key_file = "s3"\n'
    )
    config = load(file)
    assert config.server.data_dir == str(tmp_path / "data")
    assert config.log.mail_log == str(tmp_path.parent / "mail.log")
    assert config.route[0].password_file == str(tmp_path / "pw")
    assert config.lake.dir == str(tmp_path / "lake")
    assert config.lake.secret_key_file == str(tmp_path / "s3")


def test_what_comes_back_has_its_key_in_the_data_directory_unless_it_is_named() -> None:
    feedback = parse(SERVER + INBOUND + FEEDBACK, Path("/etc/a.toml")).feedback
    assert feedback.key_file == "/var/lib/angarium/feedback.key"
    assert (feedback.is_used, feedback.token_days, feedback.maildir) == (True, 30, None)
    named = parse(
        SERVER + '[feedback]\nkey_file = "keys/f.key"\nmaildir = "md"\n', Path("/etc/a.toml")
    ).feedback
    assert (named.key_file, named.maildir) == ("/etc/keys/f.key", "/etc/md")
    assert not parse(SERVER, Path("/etc/a.toml")).feedback.is_used


def test_the_mail_log_may_be_standard_output() -> None:
    assert parse(SERVER + '[log]\nmail_log = "-"\n', FILE).log.mail_log == "-"


def test_a_nameserver_without_a_port_is_asked_on_53() -> None:
    config = parse(SERVER + '[dns]\nnameservers = ["9.9.9.9", "[2620:fe::fe]:5353"]\n', FILE)
    assert config.dns.nameservers == ("9.9.9.9:53", "[2620:fe::fe]:5353")


def test_an_unknown_key_names_its_table_its_line_and_the_nearest_known_one() -> None:
    (line,) = problems(SERVER + "[delivery]\nport = 25\nexpires_s = 3\n")
    assert line.startswith(f"{FILE}:5: [delivery] expires_s: ")
    assert "table [delivery]" in line
    assert "did you mean 'expire_s'?" in line


def test_all_unknown_keys_are_named_at_once_in_the_order_of_the_file() -> None:
    lines = problems(
        SERVER + 'hostnam = "x"\n[[listener]]\nkind = "http"\naddress = "127.0.0.1:1"\n'
        "[[listener]]\nkind = 'http'\n[listener.limits]\nrecipient = 1\n[zzz]\n"
    )
    assert [line.split(": ")[0].rsplit(":", 1)[1] for line in lines] == ["3", "10", "11"]
    assert "[listener.limits] #2 recipient" in lines[1]
    assert "known there: acme, alarm, alarms, analytics, api, " in lines[2]


SES = '[ses]\nregion = "eu-central-1"\n'
BUCKET = '[uploads]\nbucket = "files"\nregion = "eu-central-1"\n'
POOL = '[[pool]]\nname = "p"\nsources = [{name="a"}]\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[server]\nretry_s = ["1m"]', "it belongs into [[stream]] or [[provider]] or [delivery]"),
        ("[listener]\n[queue]\nrecipients = 5", "it belongs into [listener.limits]"),
        ('[server]\nmx_suffixes = [".x"]', "it belongs into [[provider]]"),
        ("[server]\nbanner_s = 5", "it belongs into [provider.timeouts] or [delivery.timeouts]"),
    ],
)
def test_a_key_of_another_table_is_sent_there(text: str, words: str) -> None:
    assert any(words in line for line in problems(text)), problems(text)


def test_mistakes_of_every_kind_are_told_at_once() -> None:
    lines = problems(
        SERVER
        + """drain_s = true
[delivery]
poll_s = "soon"
port = "25"
retry_s = ["1m", false, 5]
nonsense = 1
[[route]]
domain = 5
[queue]
sync = 1
"""
    )
    assert [": ".join(line.removeprefix(f"{FILE}:").split(": ")[:2]) for line in lines] == [
        "3: [server] drain_s",
        "5: [delivery] poll_s",
        "6: [delivery] port",
        "7: [delivery] #2 retry_s",
        "8: [delivery] nonsense",
        "10: [route] #1 domain",
        "12: [queue] sync",
    ]


def test_a_wrong_type_says_what_is_expected_and_found() -> None:
    (line,) = problems(SERVER + '[[pool]]\nname = "a"\nsources = [{ name = "b", weight = "2" }]\n')
    assert line.startswith(f"{FILE}:5: [pool.sources] #1 weight: must be a whole number from 1 on;")
    assert line.endswith('found the text "2"')


def test_one_table_where_several_may_be_needs_double_brackets() -> None:
    (line,) = problems(SERVER + LISTENER.replace("[[listener]]", "[listener]"))
    assert line.startswith(f"{FILE}:3: [listener]: ")
    assert "write [[listener]]" in line
    assert "must be a table of keys; found the number 5" in problems("server = 5")[0]


def test_a_missing_key_is_named() -> None:
    (line,) = problems(SERVER + '[[listener]]\nkind = "http"\n')
    assert line == f"{FILE}:3: [listener] #1 address: is missing; it has no default"
    assert "hostname: is missing" in problems("[server]\n")[0]
    assert "[server]: is missing" in problems("")[0]


def test_durations_and_sizes_are_written_with_their_units() -> None:
    config = parse(
        SERVER
        + """
[delivery]
expire_s = "5d"
retry_s = ["1m", 300, "1h30m"]
poll_s = "500ms"
bytes_in_flight = "64MB"
[dkim]
expire_s = "2d"
[queue]
min_free_octets = "256MiB"
event_retention_s = "90"
[delivery.timeouts]
quit_s = 2.5
""",
        FILE,
    )
    assert config.delivery.expire_s == 432_000.0
    assert config.delivery.retry_s == (60.0, 300.0, 5400.0)
    assert config.delivery.poll_s == 0.5
    assert config.delivery.bytes_in_flight == 64_000_000
    assert config.dkim.expire_s == 172_800.0
    assert config.queue.min_free_octets == 268_435_456
    assert config.queue.event_retention_s == 90.0
    assert config.delivery.timeouts.quit_s == 2.5


def test_an_amount_without_a_unit_stays_a_number_and_a_name_a_text() -> None:
    (line,) = problems(
        SERVER + '[[pool]]\nname = "5d"\nsources = [{ name = "5d", weight = "5d" }]\n'
    )
    assert 'weight: must be a whole number from 1 on; found the text "5d"' in line


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("connections = 1", {"connections": 1, "messages_per_connection": 50, "tls": "required"}),
        ("mx_suffixes = []", {"mx_suffixes": ()}),
        ('tls = "opportunistic"\nidle_s = "10s"', {"tls": "opportunistic", "idle_s": 10.0}),
    ],
)
def test_a_provider_of_a_shipped_name_keeps_what_it_does_not_give(
    written: str, kept: dict[str, object]
) -> None:
    (provider,) = parse(SERVER + f'[[provider]]\nname = "gmail"\n{written}\n', FILE).provider
    expected = {"mx_suffixes": (".google.com", ".googlemail.com")} | kept
    assert {key: getattr(provider, key) for key in expected} == expected


def test_a_smart_hosts_provider_keeps_what_is_usual_for_one() -> None:
    text = SERVER + '[[provider]]\nname = "smtp://relay.test:25"\ntls = "required"\n'
    (provider,) = parse(text, FILE).provider
    assert (provider.name, provider.tls) == ("smtp://relay.test:25", "required")
    assert (provider.connections, provider.messages_per_connection) == (20, 1000)


def test_a_provider_that_is_no_provider_is_still_refused() -> None:
    assert "must be a table of keys; found the number 5" in problems("provider = [5]\n" + SERVER)[0]
    assert "name: must be text" in problems(SERVER + "[[provider]]\nname = 5")[0]
    assert "[[provider]]" in problems(SERVER + "[provider]\nname = 'gmail'")[0]


LISTENER = '[[listener]]\nkind = "submission"\naddress = "127.0.0.1:2525"\n'
TRUSTED = LISTENER + 'auth = "trusted"\ntrusted_networks = ["127.0.0.0/8"]\n'
INBOUND = '[[listener]]\nkind = "inbound"\naddress = "127.0.0.1:2526"\n'
FEEDBACK = '\n[feedback]\nreturn_path_domain = "b.example.com"\n'
SOURCE = '[[source]]\nname = "a"\n'


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ('[server]\nhostname = "localhost"', "hostname", "not a full host name"),
        ('[server]\nhostname = "mx1.exämple.com"', "hostname", "xn--"),
        ('[server]\nhostname = "10.0.0.1"', "hostname", "not a full host name"),
        ('[server]\nhostname = "a.b\\r\\nX: y"', "hostname", "not a full host name"),
        (SERVER + 'group = "mail"', "group", "set user"),
        (SERVER + '[postmasters]\nsnds_link = "29.11.2026"', "snds_link", "like 2026-11-29"),
        (SERVER + "delivery_processes = 17", "delivery_processes", "queue.partitions (16)"),
        (
            SERVER + "ingress_processes = 0",
            "ingress_processes",
            "from 1 to 256; found the number 0",
        ),
        (SERVER + "drain_s = -1", "drain_s", 'above "0s" to "3650d"'),
        (SERVER + "drain_s = nan", "drain_s", 'above "0s"'),
        (SERVER + "drain_s = inf", "drain_s", 'to "3650d"'),
        (SERVER + 'drain_s = "0s"', "drain_s", 'above "0s" to "3650d": "90s, 15m'),
        (SERVER + 'drain_s = "20 minutes"', "drain_s", "write 90s, 15m, 1h30m or 2d"),
        (SERVER + "drain_s = true", "drain_s", "found true"),
        (SERVER + '[queue]\nmap_octets = "8 gigs"', "map_octets", "write 64MB, 256MiB or 2GB"),
        (
            SERVER + "[queue]\nmap_octets = 1.5",
            "map_octets",
            "or a number of octets; found the number 1.5",
        ),
        (
            SERVER + '[queue]\nsync = "no"',
            "sync",
            'must be true or false, without quotes; found the text "no"',
        ),
        (SERVER + "user = 5", "user", "must be text in quotes; found the number 5"),
        (SERVER + "user = 1979-05-27", "user", "found a date or time, 1979-05-27"),
        (SERVER + LISTENER.replace(":2525", ""), "address", "needs a port"),
        (SERVER + LISTENER.replace(":2525", ":70000"), "address", "0 to 65535"),
        (SERVER + LISTENER.replace("127.0.0.1:2525", "::1:25"), "address", "brackets"),
        (SERVER + INBOUND, "kind", "give [feedback] return_path_domain"),
        (SERVER + INBOUND + 'auth = "trusted"' + FEEDBACK, "auth", "nobody logs in here"),
        (
            SERVER + INBOUND + 'trusted_networks = ["10.0.0.0/8"]' + FEEDBACK,
            "trusted_networks",
            "all clients are alike",
        ),
        (SERVER + INBOUND + "repair = true" + FEEDBACK, "repair", "is for submission"),
        (SERVER + '[feedback]\nreturn_path_domain = "b"', "return_path_domain", "no domain name"),
        (SERVER + '[feedback]\nfeedback_addresses = ["fbl"]', "feedback_addresses", "no address"),
        (
            SERVER + '[feedback]\nfeedback_addresses = ["a b@example.com"]',
            "feedback_addresses",
            "no address",
        ),
        (SERVER + "[feedback]\ntoken_days = 0", "token_days", "from 1 to 3650"),
        (SERVER + LISTENER, "auth", "auth_without_tls"),
        (SERVER + LISTENER + 'auth = "trusted"', "auth", "trusted_networks"),
        (SERVER + TRUSTED + 'proxy_peers = ["10.0.0.1/8"]', "proxy_peers", "not a network"),
        (SERVER + TRUSTED + 'tls = "starttls"', "tls", "needs certificate"),
        (SERVER + TRUSTED + 'certificate = "a.pem"', "certificate", "does nothing"),
        (SERVER + TRUSTED + TRUSTED, "address", "used twice"),
        (
            SERVER + TRUSTED + TRUSTED.replace("127.0.0.1", "0.0.0.0"),
            "address",
            "'127.0.0.1:2525' is taken by the listener at 0.0.0.0:2525",
        ),
        (
            SERVER + LISTENER + 'tls = "ssl"',
            "tls",
            'one of "implicit", "none", "starttls"; found the text "ssl"',
        ),
        (SERVER + '[dkim]\nkeys = "k"', "keys", "must be several tables in brackets"),
        (SERVER + TRUSTED + "[listener.limits]\nbytes_in_flight = 5", "bytes_in_flight", "never"),
        (SERVER + LISTENER.replace("submission", "http") + 'tls = "starttls"', "tls", "STARTTLS"),
        (SERVER + LISTENER.replace("submission", "http") + "serves = []", "serves", "is empty"),
        (
            SERVER + LISTENER.replace("submission", "http") + 'serves = ["mail"]',
            "serves",
            'one of "api", "health", "metrics"',
        ),
        (SERVER + LISTENER.replace("submission", "http") + "repair = true", "repair", "SMTP"),
        (SERVER + SOURCE + 'address = "192.0.2.1:25"', "address", "without a port"),
        (SERVER + SOURCE + 'ehlo = "x"', "ehlo", "PTR"),
        (SERVER + SOURCE + SOURCE, "name", "used twice"),
        (SERVER + '[[pool]]\nname = "p"\nsources = []', "sources", "is empty"),
        (SERVER + SOURCE + '[[pool]]\nname = "p"\nsources = [{name="b"}]', "sources", "are: a"),
        (
            SERVER + SOURCE + '[[pool]]\nname = "p"\nsources = [{name="a"},{name="a"}]',
            "sources",
            "twice",
        ),
        (SERVER + '[[route]]\ndomain = "*.*.com"', "domain", "not a pattern"),
        (SERVER + '[[route]]\ndomain = "a.test"\npool = "x"', "pool", "no pool is named 'x'"),
        (
            SERVER + '[[route]]\ndomain = "*.test"\n[[route]]\ndomain = "a.test"',
            "domain",
            "never reached",
        ),
        (SERVER + '[[route]]\ndomain = "*"\nvia = "http://x"', "via", "smtp://host:port"),
        (SERVER + '[[route]]\ndomain = "*"\nvia = "ses"', "via", "needs the table [ses]"),
        (SERVER + '[[route]]\ndomain = "*"\nvia = ["mx", "smtp://h.test"]', "via", "stands alone"),
        (SERVER + '[[route]]\ndomain = "*"\nvia = []', "via", "is empty"),
        (
            SERVER + '[[route]]\ndomain = "*"\nvia = ["smtp://h.test", "smtp://h.test"]',
            "via",
            "twice",
        ),
        (
            SERVER + '[[route]]\ndomain = "*"\nvia = ["smtp://a@h.test", "smtp://b@h.test"]\n'
            'password_env = "A"',
            "via",
            "two users",
        ),
        (SERVER + '[[smart_host]]\nname = "ses"\nurl = "smtp://h.test"', "name", "cannot name"),
        (SERVER + '[[smart_host]]\nname = "a"\nurl = "smtp://u@h.test"', "url", "belong together"),
        (SERVER + SOURCE + POOL + "rescue_after_s = 5", "rescue_after_s", "needs smart_host"),
        (SERVER + '[ses]\nregion = "Frankfurt"', "region", "eu-central-1"),
        (SERVER + SES + 'endpoint_url = "ftp://x"', "endpoint_url", "https://host"),
        (SERVER + SES + 'endpoint_url = "http://h.test"', "endpoint_url", "in the clear"),
        (SERVER + SES + 'access_key_id = "AKIA"', "secret_key_file", "belong together"),
        (SERVER + '[uploads]\nregion = "eu-central-1"', "region", "uploads.bucket"),
        (SERVER + '[uploads]\nbucket = "files"', "region", "is needed"),
        (SERVER + BUCKET.replace("files", "My_Files"), "bucket", "3 to 63 of a-z"),
        (SERVER + BUCKET.replace("eu-central-1", "Frankfurt"), "region", "eu-central-1"),
        (SERVER + BUCKET + 'prefix = "a b/"', "prefix", "must end in a slash"),
        (SERVER + BUCKET + 'prefix = "angarium"', "prefix", "must end in a slash"),
        (SERVER + BUCKET + 'endpoint_url = "http://h.test"', "endpoint_url", "files would go out"),
        (SERVER + BUCKET + 'secret_key_file = "key"', "access_key_id", "belong together"),
        (SERVER + BUCKET + "url_s = 700_000", "url_s", "604800 s at most"),
        (SERVER + BUCKET + "file_octets = 6_000_000_000", "file_octets", "in one request"),
        (SERVER + SES + 'topic_arns = ["bounces"]', "topic_arns", "arn:aws:sns:"),
        (SERVER + '[[route]]\ndomain = "*"\nvia = "smtp://u:p@h.test"', "via", "password_file"),
        (SERVER + '[[route]]\ndomain = "*"\nvia = "smtp://u@h.test"', "via", "password_file"),
        (SERVER + '[[route]]\ndomain = "*"\npassword_env = "A"', "via", "no user"),
        (SERVER + '[[route]]\ndomain = "*"\nvia = "smtp://h.test:0x1"', "via", "port"),
        (SERVER + '[[provider]]\nname = "g"\nmx_suffixes = ["a b"]', "mx_suffixes", "not a domain"),
        (SERVER + "[delivery]\nretry_s = []", "retry_s", "at least one"),
        (SERVER + "[delivery]\nlane_limit = 99999", "lane_limit", "ready_limit"),
        (SERVER + '[dns]\nnameservers = ["ns.test:53"]', "nameservers", "IP address"),
        (SERVER + "[dns]\nmin_ttl_s = 9999", "min_ttl_s", "max_ttl_s"),
        (
            SERVER + '[dkim]\nkeys = [{domain="a.b", selector="s/../x", file="k"}]',
            "selector",
            "DNS label",
        ),
        (
            SERVER + '[dkim]\nkeys = [{domain="a.b", selector="s", file="k"},'
            '{domain="A.b", selector="s", file="k"}]',
            "selector",
            "given twice",
        ),
        (SERVER + "[dkim]\nrequired = true", "required", "no key signs for"),
    ],
)
def test_what_cannot_work_is_refused_with_what_to_do(text: str, key: str, words: str) -> None:
    lines = [line for line in problems(text) if f" {key}: " in line]
    assert any(words in line for line in lines), problems(text)


def test_every_problem_is_reported_not_only_the_first() -> None:
    lines = problems(SERVER + LISTENER + '[[route]]\ndomain = "a b"\npool = "q"\n')
    assert len(lines) == 3


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read .* --config"):
        load(tmp_path / "none.toml")


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(SERVER, encoding="utf-8-sig")
    assert load(tmp_path / "a.toml").server.hostname == "mx1.example.com"


def test_a_file_that_may_not_be_read_says_who_may(tmp_path: Path) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    file = tmp_path / "a.toml"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        with pytest.raises(
            ConfigError, match=r"closed to uid \d+, .* as root or as the server's user"
        ):
            load(file)


def test_a_file_that_is_not_utf8_says_where(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"[server]\nhostname = '\xff'\n")
    with pytest.raises(ConfigError, match=r"a\.toml:2: not UTF-8"):
        load(tmp_path / "a.toml")


@given(st.text(alphabet="[]=\"'\n.#{}, a1serverhostname\\", max_size=80))
def test_any_text_is_a_configuration_or_a_configuration_error(text: str) -> None:
    result: Config | tuple[str, ...]
    try:
        result = parse(text, FILE)
    except ConfigError as error:
        result = error.lines
    assert isinstance(result, Config) or all(line.startswith(str(FILE)) for line in result)


@pytest.mark.parametrize(
    ("address", "via", "loops"),
    [
        ("127.0.0.1:2525", "smtp://127.0.0.1:2525", True),
        ("0.0.0.0:2525", "smtp://127.0.0.1:2525", True),
        ("127.0.0.1:2525", "smtp://localhost:2525", True),
        ("[::]:2525", "smtp://[::1]:2525", True),
        ("127.0.0.1:2525", "smtp://127.0.0.1:2526", False),
        ("127.0.0.1:2525", "smtp://127.0.0.2:2525", False),
        ("0.0.0.0:2525", "smtp://192.0.2.1:2525", False),
    ],
)
def test_a_smart_host_that_is_a_listener_of_ours_is_refused(
    address: str, via: str, loops: bool
) -> None:
    text = (
        SERVER
        + f"""
[[listener]]
kind = "submission"
address = "{address}"
auth = "trusted"
trusted_networks = ["127.0.0.0/8"]
[[route]]
domain = "*"
via = "{via}"
"""
    )
    if loops:
        assert "a mail loop" in problems(text)[0]
    else:
        assert parse(text, FILE).route


def test_a_domain_may_be_written_in_its_own_script() -> None:
    text = (
        SERVER
        + """
[[route]]
domain = "b\u00fccher.example"
[[route]]
domain = "*.B\u00fccher.example"
[[provider]]
name = "books"
domains = ["b\u00fccher.example"]
"""
    )
    config = parse(text, FILE)
    assert RouteTable(config.route).find("xn--bcher-kva.example") is config.route[0]
    assert RouteTable(config.route).find("mail.xn--bcher-kva.example") is config.route[1]
    again = text + '[[route]]\ndomain = "xn--bcher-kva.example"\n'
    assert "is never reached" in problems(again)[0]
    assert "not a pattern" in problems(SERVER + '[[route]]\ndomain = "b\u00fc cher.example"\n')[0]


def test_names_of_smart_hosts_become_what_they_stand_for(tmp_path: Path) -> None:
    text = (
        SERVER
        + SOURCE
        + POOL
        + 'smart_host = "one"\n'
        + '[[smart_host]]\nname = "one"\nurl = "smtp://u@one.test"\npassword_file = "one.pw"\n'
        + SES
        + 'access_key_id = "AKIA"\nsecret_key_file = "ses.key"\n'
        + '[[route]]\ndomain = "*"\nvia = ["one", "ses", "smtp://two.test"]\n'
        + '[[route]]\ndomain = "a.test"\nvia = "mx"\n'
    ).replace('[[route]]\ndomain = "*"', '[[route]]\ndomain = "*.b.test"')
    path = tmp_path / "angarium.toml"
    path.write_text(text)
    config = load(path)
    assert config.route[0].vias == ("smtp://u@one.test", "ses", "smtp://two.test")
    assert config.pool[0].smart_host == "smtp://u@one.test"
    assert config.smart_host[0].password_file == str(tmp_path / "one.pw")
    assert config.ses is not None
    assert config.ses.secret_key_file == str(tmp_path / "ses.key")
