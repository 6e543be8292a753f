"""Where in a TOML text a key stands. tomllib keeps no positions; this finds them well enough to point at a line.

Pure.
"""

import re

from angarium.config.error import KeyPath

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?")
_KEY = re.compile(r"\s*([A-Za-z0-9_\-.\"' ]+?)\s*=")
_MULTILINE = re.compile(r'"""|\'\'\'')


def key_lines(text: str) -> dict[KeyPath, int]:
    """Return the line (from 1) of each table header and of each key, by its path."""
    lines: dict[KeyPath, int] = {}
    counts: dict[KeyPath, int] = {}  # entries of each array of tables so far
    table: KeyPath = ()
    in_string = False
    for number, line in enumerate(text.splitlines(), 1):
        if in_string:
            in_string = len(_MULTILINE.findall(line)) % 2 == 0
            continue
        if header := _HEADER.match(line):
            table = _table_path(header[2], is_array=header[1] == "[[", counts=counts)
            lines.setdefault(table, number)
            lines.setdefault(tuple(part for part in table[:1]), number)
        elif key := _KEY.match(line):
            parts = _parts(key[1])
            for end in range(1, len(parts) + 1):
                lines.setdefault((*table, *parts[:end]), number)
        in_string = len(_MULTILINE.findall(line)) % 2 == 1
    return lines


def line_of(lines: dict[KeyPath, int], path: KeyPath) -> int:
    """Return the line of ``path`` or of the nearest table around it; 1 if the file has none of them."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return 1


def _parts(dotted: str) -> KeyPath:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _table_path(dotted: str, *, is_array: bool, counts: dict[KeyPath, int]) -> KeyPath:
    """Put the index of the latest entry behind each name that is an array of tables."""
    path: KeyPath = ()
    parts = _parts(dotted)
    for place, part in enumerate(parts):
        path = (*path, part)
        if is_array and place == len(parts) - 1:
            counts[path] = counts.get(path, 0) + 1
        if path in counts:
            path = (*path, counts[path] - 1)
    return path
