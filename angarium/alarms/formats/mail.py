"""A notice as a mail of our own queue's. Pure."""

from typing import Final

from angarium.alarms.notice import Notice, Words
from angarium.alarms.wording import headline, text
from angarium.content.building import Built, build
from angarium.content.letter import Letter, Mailbox
from angarium.content.mailbox import read_mailbox
from angarium.smtp.date import render_date

_NAME: Final = "Angarium"


def mail_of(
    notice: Notice, words: Words, *, sender: str, to: tuple[str, ...], message_id: str
) -> Built:
    """Return the message; notices of one alarm are one thread. Raises LetterError, which names the field."""
    author = read_mailbox(sender, "sender")
    thread = f"<alarm.{notice.alarm}@{words.hostname}>"
    letter = Letter(
        author=Mailbox(address=author.address, name=author.name or _NAME),
        to=tuple(read_mailbox(each, "to") for each in to),
        subject=headline(notice, words)[:300],
        text=text(notice, words),
        fields=(
            ("Auto-Submitted", "auto-generated"),  # RFC 3834 section 5: nobody's holiday answers it
            ("References", thread),
            ("X-Angarium-Alarm", notice.alarm),
            ("X-Angarium-Notice", notice.id),
        ),
        date=render_date(notice.at // 1000),
        message_id=message_id,
    )
    return build(letter, f"=_{notice.id}")
