"""Mirrors angarium/config/streams.py, and what the loader says of streams and their pools."""

from pathlib import Path

import pytest

from angarium.config import ConfigError
from angarium.config.loader import parse
from angarium.config.schema import Config
from angarium.config.streams import (
    streams_by_name,
    streams_one_by_one,
    streams_to_leave,
    titles_of,
)
from angarium.config.titles import title_in

SERVER = '[server]\nhostname = "mx.example.com"\n'
POOLS = '[[source]]\nname = "ip1"\n[[pool]]\nname = "p"\nsources = [{name = "ip1"}]\n'


def loaded(text: str) -> Config:
    return parse(SERVER + text, Path("/etc/angarium.toml"))


def test_three_streams_ship() -> None:
    streams = streams_by_name(loaded("").stream)
    assert {each.name: each.priority for each in streams.values()} == {
        "default": 3,
        "transactional": 1,
        "bulk": 5,
    }


def test_a_stream_of_a_shipped_name_keeps_what_it_does_not_give() -> None:
    streams = streams_by_name(loaded(POOLS + '[[stream]]\nname = "bulk"\npool = "p"\n').stream)
    assert (streams["bulk"].pool, streams["bulk"].priority) == ("p", 5)
    assert streams["transactional"].priority == 1


def test_a_stream_of_another_name_is_one_more() -> None:
    written = '[[stream]]\nname = "news"\npriority = 9\nretry_s = ["10m", 3600]\nexpire_s = "1d"\n'
    news = streams_by_name(loaded(written).stream)["news"]
    assert (news.priority, news.retry_s, news.expire_s) == (9, (600.0, 3600.0), 86_400.0)


def test_a_title_is_one_text_or_one_for_each_language() -> None:
    written = '[[stream]]\nname = "bulk"\ntitle = { en = "News", de = "Neues" }\n'
    written += '[[stream]]\nname = "a"\ntitle = "All"\n'
    streams = streams_by_name(loaded(written).stream)
    shown = [title_in(titles_of(streams["bulk"]), each, "bulk") for each in ("de-AT", "pl")]
    shown += [title_in(titles_of(streams[each]), "de", each) for each in ("a", "default")]
    assert shown == ["Neues", "News", "All", "default"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[[stream]]\nname = "bulk"\npool = "x"\n', "[stream] #1 pool: no pool is named 'x'"),
        ('[[stream]]\nname = "a b"\n', "[stream] #1 name: 'a b' is no name of a stream"),
        ('[[stream]]\nname = "a"\n[[stream]]\nname = "a"\n', "'a' is used twice"),
        (
            '[[stream]]\nname = "a"\ntitle = " "\n',
            "[stream] #1 title: a title has 1 to 100 printable",
        ),
        (
            '[[stream]]\nname = "a"\ntitle = { German = "Neues" }\n',
            "[stream] #1 title: 'German' is no language; write en, de, pt-BR",
        ),
        ('[[stream]]\nname = "a"\npriority = 0\n', "[stream] #1 priority: must be"),
        (
            '[[stream]]\nname = "a"\nretry_s = ["2h"]\nexpire_s = "1h"\n',
            "[stream] #1 retry_s: the first delay is not before expire_s",
        ),
        (
            POOLS + 'sender_domains = ["*"]\n',
            "[pool] #1 sender_domains: '*' is not a pattern",
        ),
        (
            POOLS + 'tenants = ["t"]\n[[pool]]\nname = "q"\nsources = [{name = "ip1"}]\n'
            'tenants = ["t"]\n',
            "[pool] #2 tenants: 't' has pool 'p' already",
        ),
    ],
)
def test_what_cannot_be_is_named(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as raised:
        loaded(text)
    assert problem in str(raised.value)


@pytest.mark.parametrize(
    ("written", "names_people", "alone"),
    [
        ("", False, set()),
        ("", True, {"bulk"}),
        ('[[stream]]\nname = "bulk"\none_recipient = false\n', True, set()),
        ('[[stream]]\nname = "news"\none_recipient = true\n', False, {"news"}),
    ],
)
def test_what_comes_back_of_bulk_mail_names_one_person(
    written: str, names_people: bool, alone: set[str]
) -> None:
    assert streams_one_by_one(loaded(written).stream, names_people=names_people) == alone


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("", {"bulk"}),
        ('[[stream]]\nname = "bulk"\nlist_unsubscribe = false\n', set()),
        ('[[stream]]\nname = "news"\nlist_unsubscribe = true\n', {"bulk", "news"}),
    ],
)
def test_bulk_mail_says_how_to_leave_unless_told_otherwise(written: str, names: set[str]) -> None:
    assert streams_to_leave(loaded(written).stream) == names
