"""Which page is shown, as HTML. Pure."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from angarium.api.leaving.markup import (
    Frame,
    checkbox,
    fieldset,
    form,
    hidden,
    link,
    page,
    paragraph,
    status,
)
from angarium.queue import Scope
from angarium.tracking.leaving import Standing

What = Literal["topic", "stream"]
Outcome = Literal["left", "back"]


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What one may get or leave."""

    scope: Scope
    title: str  # for people; the name of what has none
    standing: Standing


def ask(frame: Frame, what: What, choose: str) -> str:
    """The page of confirmation. ``choose``: the path of the preferences, as in the next ones."""
    words = frame.words
    text = words.ask_topic if what == "topic" else words.ask_stream
    body = paragraph(frame, text) + form(frame, "leave", words.ask_button)
    body += paragraph(frame, words.ask_note) + link(frame, choose, words.choose_link)
    return page(frame, words.ask_title, body)


def left(frame: Frame, what: What, choose: str) -> str:
    words = frame.words
    text = words.left_topic if what == "topic" else words.left_stream
    body = status(frame, text) + paragraph(frame, words.left_note)
    body += paragraph(frame, words.undo_text)
    body += form(frame, "rejoin", words.undo_button, quiet=True)
    return page(frame, words.left_title, body + link(frame, choose, words.choose_link))


def back(frame: Frame, what: What, choose: str) -> str:
    words = frame.words
    text = words.back_topic if what == "topic" else words.back_stream
    body = status(frame, text) + form(frame, "leave", words.ask_button, quiet=True)
    return page(frame, words.back_title, body + link(frame, choose, words.choose_link))


def kept_away(frame: Frame, choose: str) -> str:
    """Something else than their own wish keeps the mail from them."""
    words = frame.words
    body = paragraph(frame, words.kept_text) + link(frame, choose, words.choose_link)
    return page(frame, words.kept_title, body)


def preferences(frame: Frame, choices: Sequence[Choice], *, is_saved: bool) -> str:
    words = frame.words
    topics = [each for each in choices if each.scope.topic is not None]
    streams = [each for each in choices if each.scope.topic is None]
    fields = ""
    if topics:
        fields += fieldset(words.topics, "".join(_box(frame, each) for each in topics))
    if streams:
        fields += fieldset(words.streams, "".join(_box(frame, each) for each in streams))
    if topics and streams:
        fields += paragraph(frame, words.both_note)
    body = status(frame, words.saved) if is_saved else ""
    body += paragraph(frame, words.preferences_text) + form(
        frame, "save", words.save_button, fields
    )
    mine = [each for each in choices if each.standing is not Standing.KEPT_AWAY]
    if len(mine) > 1:
        shown = "".join(hidden(each.scope.text) for each in mine)
        body += form(frame, "leave-all", words.leave_all_button, shown, quiet=True)
    return page(frame, words.preferences_title, body)


def unusable(frame: Frame, *, is_expired: bool) -> str:
    """The address is none of ours, or was once."""
    words = frame.words
    if is_expired:
        return page(frame, words.expired_title, paragraph(frame, words.expired_text))
    return page(frame, words.unknown_title, paragraph(frame, words.unknown_text))


def failed(frame: Frame) -> str:
    return page(frame, frame.words.failed_title, paragraph(frame, frame.words.failed_text))


def _box(frame: Frame, choice: Choice) -> str:
    is_topic = choice.scope.topic is not None
    name = "{topic}" if is_topic else frame.words.stream
    values = {**frame.values, ("topic" if is_topic else "stream"): choice.title}
    is_kept = choice.standing is Standing.KEPT_AWAY
    return checkbox(
        msgspec.structs.replace(frame, values=values),
        choice.scope.text,
        name,
        is_checked=choice.standing is Standing.GETS,
        note=frame.words.kept_note if is_kept else "",
    )
