"""``angarium-sendmail``: the whole of it, from the command line to the exit code."""

import sys
from typing import Final

from angarium.host.sysexits import EX_CONFIG, EX_DATAERR, EX_OK, EX_USAGE
from angarium.sendmail.message import Author, MessageError, Names, prepare, until_dot
from angarium.sendmail.options import HELP, Options, UsageError, parse
from angarium.sendmail.settings import (
    Settings,
    SettingsError,
    caller,
    local_domain,
    read_settings,
)
from angarium.sendmail.submission import Submission, SubmissionError

# ours: more than any server takes
_MAX_OCTETS: Final = 268_435_456


def main() -> None:
    """Ends with a code of sysexits.h; what went wrong is one line on stderr."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    if arguments in (["--help"], ["-h"]):
        print(HELP, end="")
        return EX_OK
    try:
        options = parse(arguments)
        settings = read_settings(options.config_file)
        if options.mode == "smtp":
            return _session(settings, options)
        return _message(settings, options)
    except UsageError as error:
        return _fail(str(error), EX_USAGE)
    except SettingsError as error:
        return _fail(str(error), EX_CONFIG)
    except MessageError as error:
        return _fail(str(error), EX_DATAERR)
    except SubmissionError as error:
        return _fail(str(error), error.code)


def _session(settings: Settings, options: Options) -> int:
    submission = Submission(settings, verbose=options.verbose)
    try:
        submission.open()
        return submission.relay()
    finally:
        submission.close()


def _message(settings: Settings, options: Options) -> int:
    octets = sys.stdin.buffer.read(_MAX_OCTETS + 1)
    if len(octets) > _MAX_OCTETS:
        raise MessageError(f"the message is larger than {_MAX_OCTETS} octets")
    if options.dot_ends:
        octets = until_dot(octets)
    names = Names(domain=local_domain(settings), aliases=settings.aliases)
    author = _author(settings, options, names)
    prepared = prepare(octets, author=author, names=names, wants_recipients=options.from_header)
    named = [names.recipient(each) for each in options.recipients]
    recipients = tuple(dict.fromkeys([*named, *prepared.recipients]))
    if not recipients:
        raise MessageError("the header names no recipient (To, Cc, Bcc)")
    sender = "" if options.sender == "" else author.address
    submission = Submission(settings, verbose=options.verbose)
    try:
        submission.open()
        reply = submission.submit(prepared.content, sender, recipients, options)
    finally:
        submission.close()
    if options.verbose:
        print(reply, file=sys.stderr)
    return EX_OK


def _author(settings: Settings, options: Options, names: Names) -> Author:
    """The settings' sender; else -f; else who calls."""
    who = caller()
    full_name = who.full_name if options.full_name is None else options.full_name
    if settings.sender is not None:
        return Author(address=settings.sender, full_name=full_name, forced=True)
    return Author(address=names.qualified(options.sender or who.name), full_name=full_name)


def _fail(text: str, code: int) -> int:
    print(f"angarium-sendmail: {text}", file=sys.stderr)
    return code
