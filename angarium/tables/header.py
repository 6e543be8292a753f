"""The header of a table: the names of its columns, and which of them has the addresses. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from angarium.tables.model import TableError, TableLimits

# As such columns are called, without case and whatever is no letter; the first that is there
_NAMES: Final = (
    *("email", "emailaddress", "emailadresse", "mailadresse", "emailaddr", "mailaddress"),
    *("recipientemail", "contactemail", "primaryemail", "useremail", "customeremail"),
    *("adresseemail", "adressemail", "courriel", "adressecourriel", "correoelectronico"),
    *("correoelectrónico", "indirizzoemail", "enderecodeemail", "endereçodeemail", "emailadres"),
    *("epost", "epostadress", "epostadresse", "sähköposti", "adresemail", "eposta"),
    *("электроннаяпочта", "почта", "メールアドレス", "邮箱", "电子邮件", "이메일"),
    *("mail", "recipient", "empfänger", "to", "address", "adresse"),
)
_NO_LETTERS: Final = re.compile(r"[\W_\d]")
_SHOWN: Final = 10  # names of columns, in what is said


def read_columns(cells: Sequence[str], line: int, limits: TableLimits) -> tuple[str, ...]:
    """Return the names, without blanks around them. Raises TableError that says which column is wrong."""
    if len(cells) > limits.columns:
        raise TableError(f"there are more than {limits.columns} columns", line=line)
    names: dict[str, int] = {}
    for column, cell in enumerate(cells, 1):
        name = cell.strip()
        reason = ""
        if not name:
            reason = "has no name: write one into the first line, or take the column out"
        elif not name.isprintable():
            reason = "has a control character in its name: take it out"
        elif len(name) > limits.name_characters:
            reason = f"has a name of more than {limits.name_characters} characters"
        elif name in names:
            reason = f"is called {name!a}, as column {names[name]} is: call it something else"
        if reason:
            raise TableError(f"the column {reason}", line=line, column=column)
        names[name] = column
    return tuple(names)


def find_address(columns: Sequence[str], wanted: str, line: int) -> int:
    """Return which column has the addresses. ``wanted``: its name; "": one of the usual. Raises TableError."""
    if wanted:
        if wanted.strip() in columns:
            return columns.index(wanted.strip())
        text = f"no column is called {wanted[:100]!a}; there are: {_shown(columns)}"
        raise TableError(text, line=line, field="address")
    plain = [_NO_LETTERS.sub("", each).casefold() for each in columns]
    for name in _NAMES:
        if name in plain:
            return plain.index(name)
    text = (
        f"no column is called email; there are: {_shown(columns)}; say which of them has the"
        " addresses"
    )
    raise TableError(text, line=line, field="address")


def _shown(columns: Sequence[str]) -> str:
    names = ", ".join(each[:40] for each in columns[:_SHOWN])
    return f"{names}, ..." if len(columns) > _SHOWN else names
