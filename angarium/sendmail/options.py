"""Sendmail's command line, as programs write it. Pure: arguments in, values out.

Options stand in one word with their value or before it (``-fbob``, ``-f bob``), and flags in groups (``-ti``). What
Sendmail has and a submitting command cannot do is refused with what to do instead; what only tunes a queue that is not
here is taken and means nothing, as its users expect.
"""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

Mode = Literal["submit", "smtp"]

_WITH_VALUE: Final = "BCfFhLNOpRrVXA"
# delivery and error modes, hop counts, tags, labels: of a queue that is not here
_MEANINGLESS: Final = "hLpOA"
_FLAGS: Final = "tivnmGUE"
_NOTIFY: Final = frozenset({"never", "success", "failure", "delay"})
_REFUSED: Final = {
    "bd": "it is no server; `postmaster serve` is",
    "bD": "it is no server; `postmaster serve` is",
    "bp": "it has no queue; see `postmaster queue list`",
    "bP": "it has no queue; see `postmaster queue list`",
    "bi": "there is no alias database to build; the aliases are in its configuration, read each time",
    "bI": "there is no alias database to build; the aliases are in its configuration, read each time",
    "bt": "it has no address rules to try; see `postmaster trace DOMAIN`",
    "bv": "it does not verify; see `postmaster trace DOMAIN`",
    "bh": "it keeps no host status; see `postmaster queue explain`",
    "bH": "it keeps no host status; see `postmaster queue explain`",
    "q": "it has no queue; see `postmaster queue retry`",
    "X": "it writes no log of the session; -v shows it",
}
HELP: Final = """\
Usage: angarium-sendmail [options] [recipient ...]

Submits the message on stdin to the local listener, in the manner of sendmail. Nothing is kept: exit code 0 means
that the server has the message on disk, anything else that it has not.

  -t              take the recipients from To, Cc and Bcc, beside those named
  -i, -oi         a line with one dot does not end the message
  -f, -r ADDRESS  the envelope's sender (<>: none); also From, where there is none
  -F NAME         the full name in From, where there is none
  -bs             speak SMTP on stdin and stdout
  -N LIST         notify: never, or of success,failure,delay;  -R full|hdrs;  -V ENVELOPE-ID
  -v              show the session on stderr
  -C FILE         the configuration (default: $ANGARIUM_SENDMAIL, or /etc/angarium/sendmail.toml)

Exit codes are those of sysexits.h: 64 usage, 65 the message is refused, 67 a recipient is refused, 69 the server
lacks something, 75 try again later, 77 the sender or the password is refused, 78 the configuration is wrong.
"""


class UsageError(Exception):
    """The command line cannot be followed; the text says why."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    mode: Mode = "submit"
    recipients: tuple[str, ...] = ()
    from_header: bool = False
    dot_ends: bool = True  # a line with one dot, as when a person types
    sender: str | None = None  # "": the null reverse path
    full_name: str | None = None
    notify: str | None = None  # as NOTIFY of RFC 3461 has it
    ret: str | None = None
    envid: str | None = None
    verbose: bool = False
    config_file: str | None = None


def parse(arguments: Sequence[str]) -> Options:
    """Raises UsageError."""
    found: dict[str, object] = {}
    words = list(arguments)
    while words and words[0].startswith("-") and words[0] != "-":
        word = words.pop(0)
        if word == "--":
            break
        _option(word, words, found)
    options = msgspec.convert({**found, "recipients": tuple(words)}, Options)
    if options.mode == "smtp" and (options.recipients or options.from_header):
        raise UsageError("-bs takes its recipients from the session")
    if options.mode == "submit" and not (options.recipients or options.from_header):
        raise UsageError("no recipient: name some, or give -t to take those of the header")
    return options


def _option(word: str, words: list[str], found: dict[str, object]) -> None:
    letter, rest = word[1], word[2:]
    for refused, why in _REFUSED.items():
        if word[1:].startswith(refused):
            raise UsageError(f"{word}: {why}")
    if letter == "b":
        _mode(word, rest, found)
    elif letter == "o":
        _old_option(word, rest, words, found)
    elif letter in _WITH_VALUE:
        if not rest and not words:
            raise UsageError(f"{word} needs a value")
        _valued(letter, rest or words.pop(0), found)
    elif all(each in _FLAGS for each in word[1:]):
        for each in word[1:]:
            _flag(each, found)
    else:
        raise UsageError(f"{word}: not an option of sendmail; --help lists those that are known")


def _mode(word: str, rest: str, found: dict[str, object]) -> None:
    modes: dict[str, Mode] = {"m": "submit", "s": "smtp"}
    if rest not in modes:
        raise UsageError(f"{word}: -bm (the default) and -bs are known")
    found["mode"] = modes[rest]


def _old_option(word: str, rest: str, words: list[str], found: dict[str, object]) -> None:
    """``-oX value``, of which one matters here."""
    if not rest:
        if not words:
            raise UsageError(f"{word} needs a value")
        rest = words.pop(0)
    if rest == "i":
        found["dot_ends"] = False


def _flag(letter: str, found: dict[str, object]) -> None:
    if letter == "t":
        found["from_header"] = True
    elif letter == "i":
        found["dot_ends"] = False
    elif letter == "v":
        found["verbose"] = True


def _valued(letter: str, value: str, found: dict[str, object]) -> None:
    if letter in "fr":
        found["sender"] = value.strip().removeprefix("<").removesuffix(">")
    elif letter == "F":
        found["full_name"] = value
    elif letter == "C":
        found["config_file"] = value
    elif letter == "V":
        found["envid"] = value
    elif letter == "N":
        found["notify"] = _notify(value)
    elif letter == "R":
        if value.lower() not in ("full", "hdrs"):
            raise UsageError(f"-R {value}: full or hdrs")
        found["ret"] = value.upper()
    elif letter == "B":
        if value.upper() not in ("7BIT", "8BITMIME"):
            raise UsageError(f"-B {value}: 7BIT or 8BITMIME")
    elif letter == "O" and value.lower().replace(" ", "") in ("ignoredots", "ignoredots=true"):
        found["dot_ends"] = False
    else:
        assert letter in _MEANINGLESS


def _notify(value: str) -> str:
    """RFC 3461 section 4.1: never, or any of the others."""
    wanted = [each.strip().lower() for each in value.split(",")]
    if not set(wanted) <= _NOTIFY or ("never" in wanted and len(wanted) > 1):
        raise UsageError(f"-N {value}: never, or some of success,failure,delay")
    return ",".join(wanted).upper()
