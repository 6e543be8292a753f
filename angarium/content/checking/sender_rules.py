"""From whom a mail says to be, and whom it shows. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from angarium.content.checking.mail import Person
from angarium.content.checking.rule import Broken, Rule, RulePart, several
from angarium.content.checking.view import View

_FREE_MAIL: Final = """
    126.com 139.com 163.com aol.com att.net bellsouth.net bigpond.com bluewin.ch btinternet.com comcast.net
    cox.net duck.com email.cz fastmail.com fastmail.fm free.fr freenet.de gmail.com gmx.at gmx.ch gmx.com gmx.de
    gmx.net googlemail.com hey.com hotmail.co.uk hotmail.com hotmail.de hotmail.es hotmail.fr hotmail.it
    hushmail.com icloud.com inbox.lv inbox.ru interia.pl laposte.net libero.it list.ru live.com live.co.uk
    live.fr live.nl mac.com mail.com mail.ru me.com msn.com naver.com o2.pl onet.pl optonline.net orange.fr
    outlook.com outlook.de outlook.es outlook.fr pm.me proton.me protonmail.ch protonmail.com qq.com rambler.ru
    rediffmail.com rocketmail.com sbcglobal.net seznam.cz sfr.fr shaw.ca sina.com sky.com t-online.de telenet.be
    terra.com.br tiscali.it tuta.io tutanota.com uol.com.br verizon.net virgilio.it wanadoo.fr web.de wp.pl
    yahoo.ca yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.com.br yahoo.de yahoo.es yahoo.fr yahoo.in
    yahoo.it yandex.com yandex.ru ymail.com zoho.com
"""
# Where anybody has an address: their DMARC records have what others send refused, or put aside
FREE_MAIL: Final = frozenset(_FREE_MAIL.split())
_SHOWN_TO_ALL: Final = 20  # recipients; ours
_NO_REPLY: Final = re.compile(
    r"(?:no|do-?not|dont|not)[-_.]?reply|nicht-?antworten|ne-?pas-?repondre", re.I
)
_ADDRESS_IN_NAME: Final = re.compile(r"[\w.+-]{1,64}@([\w-]{1,63}(?:\.[\w-]{1,63})+)")

RULES: Final = (
    Rule(
        code="from_missing",
        level="blocker",
        points=3.0,
        wrong="there is no From with an address",
        remedy="write one",
        reason="RFC 5322 section 3.6 asks for it, and receivers refuse mail without it",
    ),
    Rule(
        code="from_several",
        level="blocker",
        points=2.0,
        wrong="From has several addresses",
        remedy="leave one",
        reason="DMARC is about one domain: receivers refuse the mail",
    ),
    Rule(
        code="from_free_mail",
        level="blocker",
        points=3.0,
        wrong="From is of a provider where anybody has an address",
        remedy="send as a domain of your own",
        reason="the provider's DMARC record has receivers refuse what comes from elsewhere",
    ),
    Rule(
        code="from_name_missing",
        points=0.5,
        wrong="From has an address without a name",
        remedy="write a name: Shop <news@shop.example>",
        reason="lists of mail show the name, and readers open what they know",
    ),
    Rule(
        code="from_name_deceives",
        level="blocker",
        points=3.0,
        wrong="the name in From is an address of another domain",
        remedy="write a name there",
        reason="it is how phishing pretends to be somebody else",
    ),
    Rule(
        code="from_no_reply",
        wrong="From cannot be answered",
        remedy="send from an address that somebody reads, or give Reply-To",
        reason="answers help to be known as wanted; readers who cannot answer complain",
    ),
    Rule(
        code="reply_to_free_mail",
        points=1.0,
        wrong="answers go to a provider where anybody has an address, and From is of a domain",
        remedy="have answers come to your own domain",
        reason="it is typical of fraud, and filters count it",
    ),
    Rule(
        code="recipients_shown",
        in_bulk="blocker",
        wrong="all recipients read each other's addresses",
        remedy="send each a message of its own, or use bcc",
        reason="it gives addresses away, and one who answers all reaches everybody",
    ),
)


def _find(view: View) -> Iterator[Broken]:
    mail = view.mail
    if view.facts.is_whole and not any(each.domain for each in mail.authors):
        yield Broken(code="from_missing", field="from")
    yield from several("from_several", "from", [each.address for each in mail.authors[1:]])
    for author in mail.authors[:1]:
        yield from _of_author(author, view)
    others = [each for each in mail.reply_to if each.domain in FREE_MAIL]
    if view.domains and view.domains.isdisjoint(FREE_MAIL):
        yield from several("reply_to_free_mail", "replyTo", [each.address for each in others])
    shown = mail.shown_recipients
    if shown >= (2 if view.facts.is_bulk else _SHOWN_TO_ALL):
        yield Broken(code="recipients_shown", field="to", examples=(f"{shown} addresses",))


def _of_author(author: Person, view: View) -> Iterator[Broken]:
    if author.domain in FREE_MAIL:
        yield Broken(code="from_free_mail", field="from", examples=(author.domain,))
    if not author.name.strip():
        yield Broken(code="from_name_missing", field="from")
    named = _ADDRESS_IN_NAME.search(author.name[:500])
    if named is not None and named[1].lower() != author.domain:
        yield Broken(code="from_name_deceives", field="from", examples=(author.name,))
    if _NO_REPLY.search(author.local_part[:64]) and not view.mail.reply_to:
        yield Broken(code="from_no_reply", field="from", examples=(author.address,))


SENDER: Final = RulePart(title="Sender and recipients", rules=RULES, find=_find)
