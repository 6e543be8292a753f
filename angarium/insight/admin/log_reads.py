"""What happened to mail? Asked of the mail log and of the event log behind it. Answered by the platform process."""

import msgspec

from angarium.insight.admin.protocol import Question
from angarium.queue import UnixMs


class LogQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which lines are meant: all given conditions must hold, of one with several values any of these."""

    recipients: tuple[str, ...] = ()  # address; @domain; or local part@, at any domain
    senders: tuple[str, ...] = ()  # the same; "" is the null reverse-path
    message_ids: tuple[str, ...] = ()  # of the Message-ID field, with or without <>
    ids: tuple[str, ...] = ()  # the queue's: <uuid>, its beginning, or <uuid>.<n>
    since: UnixMs | None = None
    providers: tuple[str, ...] = ()  # mailbox providers
    events: tuple[str, ...] = ()  # names, as the log has them: deferred


class LogLines(msgspec.Struct, frozen=True):
    lines: tuple[bytes, ...]  # each as in the mail log: JSON, with its line end


class LogSearched(msgspec.Struct, frozen=True, kw_only=True):
    last: int  # sequence of the newest event that was looked at
    unread: int = 0  # lines of files, or rests of files, that cannot be read


class SearchLog(Question[LogSearched, LogLines], frozen=True, tag="log"):
    """In order. Rotated files are read, too."""

    query: LogQuery
    after: int | None = None  # only events behind this one, for who follows; None: all
