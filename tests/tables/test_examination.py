"""Mirrors angarium/tables/examination.py, charset.py, header.py and detection.py, on files."""

from pathlib import Path

import pytest

from angarium.tables import BadRow, Row, TableError, Wish, examine
from angarium.tables.charset import READ
from angarium.tables.examination import BEGINNING_OCTETS
from tests.tables.tables_made import addresses, read, table

GERMAN = "Jürgen Müller;Köln;Größe\nBjörn Weiß;Düsseldorf;schön\n"
POLISH = "Łukasz Wójcik;Kraków;żółć\nJiří Dvořák;Plzeň;žluťoučký kůň\n"
RUSSIAN = "Иван Петров;Москва;привет\nАнна Смирнова;Казань;почта\n"
JAPANESE = "山田太郎;東京都;こんにちは\n鈴木花子;大阪府;ありがとう\n"


@pytest.mark.parametrize(
    ("text", "charset", "found"),
    [
        (GERMAN, "utf-8", "utf-8"),
        (GERMAN, "utf-8-sig", "utf-8"),
        (GERMAN, "utf-16", "utf-16-le"),
        (GERMAN, "utf-16-le", "utf-16-le"),
        (GERMAN, "utf-16-be", "utf-16-be"),
        (GERMAN, "cp1252", "cp1252"),
        (GERMAN[:10], "cp1252", "cp1252"),
        (GERMAN, "mac-roman", "mac-roman"),
        (POLISH, "iso8859-2", "iso8859-2"),
        (RUSSIAN, "cp1251", "cp1251"),
        (RUSSIAN, "koi8-r", "koi8-r"),
        (JAPANESE, "cp932", "cp932"),
        ("plain;ascii;text\n", "ascii", "utf-8"),
    ],
)
def test_the_charset_is_found(tmp_path: Path, text: str, charset: str, found: str) -> None:
    path = tmp_path / "t.csv"
    lines = [f"u{at}@example.com;{line}" for at, line in enumerate(text.splitlines())]
    path.write_bytes("\r\n".join(["email;name;city;word", *lines]).encode(charset))
    seen = examine(path, Wish(columns=()))
    assert seen.layout.charset == found
    row = read(table(path, path.read_bytes()))[0]
    assert isinstance(row, Row) or text == GERMAN[:10]
    if isinstance(row, Row):
        assert row.variables["name"] == text.partition(";")[0]


def test_letters_far_behind_the_beginning_tell_of_the_charset(tmp_path: Path) -> None:
    lines = b"".join(b"u%d@example.com,plain\n" % at for at in range(100_000))
    assert len(lines) > 4 * BEGINNING_OCTETS
    last = "".join(f"v{at}@example.com,Jürgen Müßig\n" for at in range(40_000))
    path = tmp_path / "t.csv"
    path.write_bytes(b"email,name\n" + lines + last.encode("cp1252"))
    seen = examine(path)
    assert (seen.layout.charset, seen.is_charset_sure) == ("cp1252", False)


def test_one_spoiled_line_makes_no_other_charset(tmp_path: Path) -> None:
    octets = "email,n\na@b.example,Müller\nb@b.example,Größe\n".encode() + b"c@b.example,\xe4\n"
    found = table(tmp_path / "t.csv", octets)
    assert found.layout.charset == "utf-8"
    assert addresses(found) == ["a@b.example", "b@b.example"]


@pytest.mark.parametrize(
    ("head", "delimiter"),
    [
        ("email,name\n", ","),
        ("email;name\n", ";"),
        ("email\tname\n", "\t"),
        ("email|name\n", "|"),
        ("sep=^\nemail^name\n", "^"),
        ('"sep=;"\r\nemail;name, first\r\n', ";"),
        ('email,"a;b;c"\n', ","),
        ("email\n", ","),
    ],
)
def test_the_delimiter_is_found(tmp_path: Path, head: str, delimiter: str) -> None:
    path = tmp_path / "t.csv"
    mark = "\n" if head == "email\n" else f"{delimiter}x\n"
    path.write_text(head + f"a@b.example{mark}" * 3)
    seen = examine(path)
    assert seen.layout.shape.delimiter == delimiter
    assert [each.number for each in seen.rows if isinstance(each, Row)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("head", "column"),
    [
        ("email,name", 0),
        ("name,E-Mail", 1),
        ("name,E-Mail-Adresse", 1),
        ("Email Address,mail", 0),
        ("mail,EMAIL", 1),
        ("id,Adresse e-mail,x", 1),
        ("id,メールアドレス", 1),
    ],
)
def test_the_column_of_addresses_is_found_by_its_name(
    tmp_path: Path, head: str, column: int
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"{head}\n")
    layout = examine(path).layout
    assert layout.address == column
    assert layout.variables == tuple(
        each for at, each in enumerate(head.split(",")) if at != column
    )


@pytest.mark.parametrize(
    ("octets", "wish", "field", "message"),
    [
        (b"", Wish(), "", "the file is empty"),
        (b"\n \n", Wish(), "", "the file is empty"),
        (b"email,\n", Wish(), "", "line 1, column 2: the column has no name"),
        (b"\nemail,n,n \n", Wish(), "", "line 2, column 3: the column is called 'n', as column 2"),
        (b'email,"a\nb"\n', Wish(), "", "line 1, column 2: the column has a control character"),
        (b"email," + b"n" * 129, Wish(), "", "line 1, column 2: the column has a name of more"),
        (b"email" + b",n" * 500, Wish(), "", "line 1: there are more than 500 columns"),
        (
            b"name,age\n",
            Wish(),
            "address",
            "line 1: no column is called email; there are: name, age",
        ),
        (b"name,age\n", Wish(address="who"), "address", "line 1: no column is called 'who'"),
        (b"a@b.example,x\n", Wish(), "columns", "line 1: there is no header"),
        (b"email\0,x\n", Wish(), "", "line 1: the first line has a NUL"),
        (b"email,\xff\xfe\n", Wish(charset="utf-8"), "", "line 1: the first line octet 0xFF"),
        (b'"email,x\n', Wish(), "", "line 1: the first line a quote is opened"),
        (b"PK\x03\x04\x14", Wish(), "", "the file is a workbook or an archive: save it as CSV"),
        (b"\x1f\x8b\x08", Wish(columns=("email",)), "", "the file is compressed"),
        (b"\xff\xfe\0\0e\0\0\0", Wish(), "", "line 1: the file is in UTF-32"),
        (b"email\n", Wish(charset="utf-7"), "charset", "charset 'utf-7' is none"),
        (b"email\n", Wish(charset="zlib"), "charset", "charset 'zlib' is none"),
        (b"email\n", Wish(charset="\0"), "charset", "charset '\\x00' is none"),
        (b"email\n", Wish(delimiter="::"), "delimiter", "delimiter: write one ASCII"),
        (b"email\n", Wish(delimiter='"'), "delimiter", "delimiter: must be no blank"),
        (b"email\n", Wish(quote="\n"), "quote", "quote: write one ASCII"),
        (b"email\n", Wish(columns=("x",)), "address", "no column is called email"),
    ],
)
def test_what_is_no_table_is_refused_with_its_place(
    tmp_path: Path, octets: bytes, wish: Wish, field: str, message: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(octets)
    with pytest.raises(TableError) as refused:
        examine(path, wish)
    assert str(refused.value).startswith(message)
    assert refused.value.field == field


def test_addresses_alone_need_no_header_and_names_may_be_given(tmp_path: Path) -> None:
    octets = b"a@b.example\nc@d.example\n"
    assert addresses(table(tmp_path / "t.csv", octets)) == ["a@b.example", "c@d.example"]
    found = table(tmp_path / "t.csv", b"Ann,a@b.example\n", Wish(columns=("name", "mail")))
    (row,) = read(found)
    assert isinstance(row, Row)
    assert (row.line, row.address, row.variables) == (1, "a@b.example", {"name": "Ann"})


def test_first_rows_are_shown_with_what_is_wrong_with_them(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"email\n" + b"a@b.example\nwrong\n" * 20)
    seen = examine(path, rows=3)
    assert [type(each) for each in seen.rows] == [Row, BadRow, Row]
    assert seen.octets == path.stat().st_size


@pytest.mark.parametrize("charset", READ)
def test_in_each_charset_octets_of_line_ends_are_nothing_else(charset: str) -> None:
    for octet in range(256):
        for end in (b"\n", b"\r"):
            wide = charset.startswith("utf-16")
            text = (bytes((octet,)) + end).decode(charset, "replace")
            assert wide or text[-1] == end.decode() or "\ufffd" in text
    assert "\r\n".encode(charset).replace(b"\0", b"") == b"\r\n"
