"""Answers what happened to mail, from the mail log's files and the event log, in the platform process."""

import asyncio
from collections.abc import Iterator

from angarium.insight.admin.log_reads import LogLines, LogSearched, SearchLog
from angarium.insight.admin.protocol import Refused
from angarium.queue import EventLog
from angarium.service.admin_socket import Asker, Handlers
from angarium.service.platform.mail_log_search import LogSearch, log_files


class LogAnswers:
    """Files are read by a thread, events on the loop: the queue may be closed while a thread still reads."""

    def __init__(self, events: EventLog, mail_log: str) -> None:
        """``mail_log``: the path, or "-" for standard output, which is not kept here."""
        self._events = events
        self._mail_log = mail_log

    def handlers(self) -> Handlers:
        return Handlers().on(SearchLog, self.search)

    async def search(self, asked: SearchLog, asker: Asker) -> LogSearched | Refused:
        if asked.after is not None:
            search = LogSearch(asked.query, [], self._events.read)
            await _say(search.events(asked.after), asker)
            return LogSearched(last=search.last)
        try:
            is_file = self._mail_log != "-"
            since = asked.query.since
            files = await asyncio.to_thread(log_files, self._mail_log, since) if is_file else []
        except OSError as error:
            return Refused("failed", f"the mail log cannot be read: {error}")
        search = LogSearch(asked.query, files, self._events.read)
        first = await asyncio.to_thread(search.first_in_files)
        if first is not None and search.is_of_queue(first):
            await _say(search.events(0, first.sequence), asker)
        parts = search.in_files()
        while (lines := await asyncio.to_thread(next, parts, None)) is not None:
            if lines:
                await asker.say(LogLines(tuple(lines)))
        await _say(search.events(search.last_in_files()), asker)
        return LogSearched(last=search.last, unread=search.unread)


async def _say(parts: Iterator[list[bytes]], asker: Asker) -> None:
    for lines in parts:
        if lines:
            await asker.say(LogLines(tuple(lines)))
        await asyncio.sleep(0)
