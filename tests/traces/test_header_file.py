"""Mirrors angarium/traces/header_file.py."""

from pathlib import Path

import pytest

from angarium.traces.header_file import HeaderFileError, read_headers


def test_each_line_is_a_field(tmp_path: Path) -> None:
    path = tmp_path / "headers"
    path.write_text("# of the collector\nAuthorization: Bearer a:b\n\nX-Scope-OrgID:  mail \n")
    assert read_headers(path) == {"authorization": "Bearer a:b", "x-scope-orgid": "mail"}


@pytest.mark.parametrize(
    ("text", "line"), [("a: b\nsecret\n", 2), ("a b: c\n", 1), ("a: b\x01c\n", 1), (": x\n", 1)]
)
def test_a_line_that_is_none_is_named_and_not_quoted(tmp_path: Path, text: str, line: int) -> None:
    path = tmp_path / "headers"
    path.write_text(text)
    with pytest.raises(HeaderFileError, match=f"line {line}: write name: value") as found:
        read_headers(path)
    assert "secret" not in str(found.value)


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(HeaderFileError, match="No such file"):
        read_headers(tmp_path / "none")
    (tmp_path / "much").write_text("a: b\n" * 20_000)
    with pytest.raises(HeaderFileError, match="over 64 KiB"):
        read_headers(tmp_path / "much")
