"""Mirrors bench/__main__.py."""

import re

from bench.__main__ import bench
from bench.angarium_peer import TOP


def test_what_the_script_names_is_what_there_is() -> None:
    named = re.search(r"\[([a-z|]+)\]; without", (TOP / "bin/bench").read_text())
    assert named is not None
    hidden = {name for name, each in bench.commands.items() if each.hidden}
    assert set(named[1].split("|")) == set(bench.commands) - hidden
