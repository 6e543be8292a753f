"""Mirrors angarium/config/lenient.py."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.config.lenient import NO_NAME, load_leniently
from angarium.config.loader import load

GOOD = """[server]
hostname = "mx1.example.com"
data_dir = "/srv/mail"

[[listener]]
kind = "http"
address = "127.0.0.1:8025"

[[listener]]
kind = "submission"
address = "127.0.0.1:2525"
auth = "trusted"
trusted_networks = ["127.0.0.0/8"]

[dkim]
keys = [
  { domain = "example.com", selector = "s1", file = "a.pem" },
  { domain = "example.org", selector = "s1", file = "b.pem" },
]

[queue]
event_limit = 5
"""


def test_a_right_one_is_what_the_loader_makes_of_it(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(GOOD)
    found = load_leniently(file)
    assert (found.config, found.faults) == (load(file), ())


@pytest.mark.parametrize(
    ("good", "broken", "faults"),
    [
        ("event_limit = 5", "event_limit = x", 1),
        ("event_limit = 5", "event_limits = 5", 1),
        ("event_limit = 5", 'event_limit = "5', 1),
        ("[queue]", "[queue", 1),
        ("[[listener]]", "[[listener]", 1),
        ('"127.0.0.1:8025"', "8025", 1),
        ("127.0.0.1:8025", "8025", 1),
        ('kind = "http"', 'kind = "https"', 1),
        ("[dkim]", "[dkim]\nx = 1\ny = 2", 2),
        ('domain = "example.org"', 'domain = "org"', 1),
        ('hostname = "mx1.example.com"', 'hostname = "mx1"', 1),
        ('hostname = "mx1.example.com"', "", 1),
        ("127.0.0.0/8", "127.0.0.1/8", 1),
    ],
)
def test_what_is_at_fault_is_left_out_and_the_rest_is_taken(
    tmp_path: Path, good: str, broken: str, faults: int
) -> None:
    file = tmp_path / "a.toml"
    assert good in GOOD
    file.write_text(GOOD.replace(good, broken, 1))
    found = load_leniently(file)
    assert len(found.faults) == faults
    assert found.config is not None
    assert found.config.server.data_dir == "/srv/mail"
    assert "example.com" in [each.domain for each in found.config.dkim.keys]
    wrong_name = good.startswith("hostname")
    assert found.config.server.hostname == (NO_NAME if wrong_name else "mx1.example.com")


def test_mistakes_behind_one_of_syntax_are_told_too(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(
        GOOD.replace("= 5", "= 5d") + 'sync = "yes"\nmap_octets = "8 gigs"\nnonsense = 1\n'
    )
    found = load_leniently(file)
    lines = [each.removeprefix(f"{file}:").partition(": ")[0] for each in found.faults]
    assert lines == ["22:16", "23", "24", "25"]
    assert found.config is not None


def test_a_broken_heading_keeps_its_keys_out_of_the_table_before_it(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text('[queue]\nevent_limit = 5\n[server\nhostname = "a.test"\ndata_dir = "/srv"\n')
    found = load_leniently(file).config
    assert found is not None
    assert (found.server.hostname, found.server.data_dir) == ("a.test", "/srv")


@pytest.mark.parametrize(
    "line",
    [
        "data_dir = 5",
        'data_dir = ""',
        'datadir = "/srv"',
        'data-dir = "/srv"',
        "data_dir = /x",
        "data dir = '/x'",
    ],
)
def test_another_directory_is_never_taken_for_the_queues(tmp_path: Path, line: str) -> None:
    file = tmp_path / "a.toml"
    file.write_text(GOOD.replace('data_dir = "/srv/mail"', line))
    found = load_leniently(file)
    assert found.config is None
    assert found.faults


@pytest.mark.parametrize("text", ["", "nonsense", "server = 5", "[queue]\nevent_limit = 5\n"])
def test_without_the_servers_table_there_is_nothing_to_go_by(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.toml"
    file.write_text(text)
    assert load_leniently(file).config is None


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    found = load_leniently(tmp_path / "none.toml")
    assert found.config is None
    assert "cannot be read" in found.faults[0]


@given(
    st.lists(st.sampled_from(GOOD.splitlines()), max_size=25),
    st.integers(0, 30),
    st.text(max_size=5),
)
def test_any_file_ends_in_a_configuration_or_in_none(lines: list[str], at: int, text: str) -> None:
    lines.insert(at, text)
    with tempfile.NamedTemporaryFile("w", suffix=".toml", encoding="utf-8") as file:
        file.write("\n".join(lines))
        file.flush()
        found = load_leniently(file.name)
    assert found.config is not None or found.faults
