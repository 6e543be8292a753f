"""Mirrors angarium/config/location.py."""

from angarium.config.error import path_text
from angarium.config.location import key_lines, line_of

TEXT = '''a = 1
[t]
b = """
c = 2
"""
d.e = 3
[[l]]
x = 1
[l.m]
y = [
  { z = 1 },
]
[[l]]
x = 2
'''


def test_keys_are_found_with_their_tables() -> None:
    lines = key_lines(TEXT)
    assert lines["a",] == 1
    assert lines["t", "b"] == 3
    assert ("t", "c") not in lines
    assert lines["t", "d", "e"] == 6
    assert lines["l", 0, "x"] == 8
    assert lines["l", 0, "m", "y"] == 10
    assert lines["l", 1, "x"] == 14


def test_a_key_that_is_not_in_the_text_is_placed_at_its_table() -> None:
    lines = key_lines(TEXT)
    assert line_of(lines, ("l", 1, "missing")) == 13
    assert line_of(lines, ("l", 0, "m", "y", 0, "z")) == 10
    assert line_of(lines, ("nothing",)) == 1


def test_a_path_is_written_as_the_operator_knows_it() -> None:
    assert path_text(("server", "hostname")) == "[server] hostname"
    assert path_text(("listener", 1, "limits", "recipients")) == "[listener.limits] #2 recipients"
    assert path_text(("listener", 0)) == "[listener] #1"
