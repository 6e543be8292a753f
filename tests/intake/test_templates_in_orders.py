"""Mirrors angarium/intake/template_desk.py and template_filling.py, through the desk that orders come to."""

import email
import email.policy
from typing import Any

import msgspec
import pytest

from angarium.content.letter import Attachment
from angarium.content.mailbox import read_mailbox
from angarium.intake import template_desk
from angarium.intake.order import Addressee, Fault, FaultKind, Order, RawMail, Sent, TemplateUse
from angarium.intake.order_check import OrderLimits
from angarium.intake.recipient_places import RecipientPlaces
from angarium.queue.about import decode_about
from angarium.templates.bundle import Bundle, Parts
from angarium.templates.rendering import ProblemKind
from tests.intake.order_fixture import Fixture, order

WELCOME = Parts(
    subject="Hello {{ name }}",
    preheader="For {{ name }}",
    html="<p>Dear {{ name }}</p>",
    text="Dear {{ name }}",
)


@pytest.fixture
def desk(fixture: Fixture) -> Fixture:
    fixture.templates.add("welcome", WELCOME)
    return fixture


def using(name: str = "welcome", **more: Any) -> Order:
    use = TemplateUse(name=name, data=more.pop("data", {"name": "Bea"}), **more.pop("use", {}))
    given = {"subject": "", "text": None, "template": use, **more}
    return Order(
        **{
            "author": read_mailbox("Shop <a@acme.test>", "from"),
            "to": (addressed("b@c.test"),),
            **given,
        }
    )


def addressed(address: str, **variables: Any) -> Addressee:
    return Addressee(mailbox=read_mailbox(address, "to"), variables=variables)


def letters(desk: Fixture) -> list[Any]:
    contents = [each.content for each in desk.spool.state.messages.values()]
    return [email.message_from_bytes(each, policy=email.policy.default) for each in contents]


def texts(desk: Fixture) -> list[str]:
    return [each.get_body(("plain",)).get_content().strip() for each in letters(desk)]


async def test_a_template_gives_a_mail_its_parts(desk: Fixture) -> None:
    (sent,) = await desk.send(using())
    assert isinstance(sent, Sent)
    (mail,) = letters(desk)
    assert mail["Subject"] == "Hello Bea"
    assert mail.get_body(("plain",)).get_content().strip() == "Dear Bea"
    html = mail.get_body(("html",)).get_content()
    assert "<p>Dear Bea</p>" in html
    assert "For Bea" in html
    assert sent.mails == ()


async def test_what_the_order_has_wins_unless_it_says_otherwise(desk: Fixture) -> None:
    mine = {"subject": "Mine", "html": "<b>mine</b>", "preheader": "My line"}
    await desk.send(using(**mine))
    await desk.send(using(**mine, use={"wins": True}))
    first, second = letters(desk)
    assert (first["Subject"], second["Subject"]) == ("Mine", "Hello Bea")
    assert "mine" in first.get_body(("html",)).get_content()
    assert "My line" in first.get_body(("html",)).get_content()
    # A part that only the other has is taken from there
    assert first.get_body(("plain",)).get_content().strip() == "Dear Bea"
    assert "Dear Bea" in second.get_body(("html",)).get_content()


async def test_what_a_template_lacks_the_order_has_to_have(desk: Fixture) -> None:
    desk.templates.add("bare", Parts(text="only a text"))
    found = await desk.send(using("bare"))
    assert (found.kind, found.field) == (FaultKind.MISSING, "subject")
    (sent,) = await desk.send(using("bare", subject="Mine"))
    assert isinstance(sent, Sent)


async def test_a_message_knows_what_it_was_made_of(desk: Fixture) -> None:
    desk.templates.add("welcome", msgspec.structs.replace(WELCOME, subject="Again"))
    await desk.send(using())
    await desk.send(using(use={"version": 1}))
    await desk.send(using("id-of-welcome"))
    abouts = [decode_about(each.about) for each in desk.accepted()]
    assert {(each.template_id, each.template_alias) for each in abouts} == {
        ("id-of-welcome", "welcome")
    }
    assert [each.template_version for each in abouts] == [2, 1, 2]
    assert [each.subject for each in abouts] == ["Again", "Hello Bea", "Again"]


async def test_nothing_is_made_of_anothers_template_us1(desk: Fixture) -> None:
    desk.templates.add("secret", WELCOME, tenant="other")
    for use, field in (
        (using("secret"), "templateId"),
        (using("id-of-secret"), "templateId"),
        (using("nothing"), "templateId"),
        (using(use={"version": 9}), "templateVersion"),
    ):
        found = await desk.send(use)
        assert (found.kind, found.field) == (FaultKind.INVALID, field)
        assert found.constraint == "template"
        assert found.message.startswith(f"{field}: ")
    assert not desk.spool.state.messages


async def test_each_mail_has_the_data_of_its_own_order_us1(desk: Fixture) -> None:
    desk.templates.add("other", Parts(subject="Other {{ name }}", text="Other {{ name }}"))
    names = [("welcome" if at % 3 else "other", f"n{at}") for at in range(70)]
    results = await desk.send(*(using(name, data={"name": value}) for name, value in names))
    assert all(isinstance(each, Sent) for each in results)
    wanted = [f"{'Dear' if name == 'welcome' else 'Other'} {value}" for name, value in names]
    assert texts(desk) == wanted
    assert sorted(desk.templates.lots) == [14, 24, 32]


async def test_a_template_that_comes_with_an_order_is_kept_nowhere(desk: Fixture) -> None:
    parts = Parts(subject="Hi {{ name }}", text="Bye {{ name }}")
    inline = Bundle(locales={"en": parts})
    use = TemplateUse(name="", data={"name": "Bea"}, inline=inline)
    (sent,) = await desk.send(using(template=use))
    assert isinstance(sent, Sent)
    assert texts(desk) == ["Bye Bea"]
    assert decode_about(desk.accepted()[0].about).template_id == ""


async def test_recipients_with_variables_get_a_mail_each(desk: Fixture) -> None:
    to = (
        addressed("b@c.test", name="Bea"),
        Addressee(mailbox=read_mailbox("Carl <c@c.test>", "to"), metadata={"n": 2}),
    )
    cc = (addressed("boss@c.test"),)
    (sent,) = await desk.send(using(to=to, cc=cc, data={"name": "friend"}))
    assert texts(desk) == ["Dear Bea", "Dear friend"]
    assert [each["To"] for each in letters(desk)] == ["b@c.test", "Carl <c@c.test>"]
    assert [each["Cc"] for each in letters(desk)] == ["boss@c.test", "boss@c.test"]
    assert [each.address for each in sent.mails] == ["b@c.test", "c@c.test"]
    assert sent.email_id == sent.mails[0].email_id != sent.mails[1].email_id
    events = desk.accepted()
    assert [len(each.recipients) for each in events] == [2, 2]
    abouts = [decode_about(each.about) for each in events]
    assert abouts[0].variables == {"b@c.test": {"name": "Bea"}}
    assert (abouts[0].recipients, abouts[1].recipients) == ({}, {"c@c.test": {"n": 2}})


async def test_one_of_several_mails_that_may_not_be_sent_refuses_its_order(desk: Fixture) -> None:
    to = (addressed("b@c.test", name="Bea"), addressed("c@c.test", name="x" * 1200))
    found = await desk.send(using(to=to))
    assert (found.kind, found.field) == (FaultKind.INVALID, "subject")
    assert not desk.spool.state.messages


async def test_recipients_without_variables_share_one_mail(desk: Fixture) -> None:
    (sent,) = await desk.send(using(to=(addressed("b@c.test"), addressed("c@c.test"))))
    (mail,) = letters(desk)
    assert mail["To"] == "b@c.test, c@c.test"
    assert sent.mails == ()


async def test_one_recipients_variables_win_over_the_data(desk: Fixture) -> None:
    await desk.send(using(to=(addressed("b@c.test", name="Own"),)))
    assert texts(desk) == ["Dear Own"]


async def test_a_suppressed_recipient_of_several_mails_is_left_out(desk: Fixture) -> None:
    await desk.suppress("b@c.test")
    to = (addressed("b@c.test", name="Bea"), addressed("c@c.test", name="Cid"))
    (sent,) = await desk.send(using(to=to))
    assert texts(desk) == ["Dear Cid"]
    assert sent.suppressed == ("b@c.test",)
    assert [each.address for each in sent.mails] == ["c@c.test"]
    await desk.suppress("c@c.test")
    found = await desk.send(using(to=to))
    assert (found.kind, found.addresses) == (FaultKind.SUPPRESSED, ("b@c.test", "c@c.test"))


async def test_a_mail_that_cannot_be_made_refuses_its_order(desk: Fixture) -> None:
    to = (addressed("b@c.test", name="Bea"), addressed("c@c.test", other="x"))
    found = await desk.send(using(to=to, data={}))
    assert (found.kind, found.field) == (FaultKind.INVALID, "templateData.name")
    assert found.constraint == "required"
    assert found.message == (
        "templateData.name: the variable is not given (text, line 1, column 4) (for c@c.test)"
    )
    assert not desk.spool.state.messages


@pytest.mark.parametrize(
    ("kind", "field", "constraint"),
    [
        (ProblemKind.SYNTAX, "templateId", "template_syntax"),
        (ProblemKind.TOO_LARGE, "templateData", "max_length"),
        (ProblemKind.TOO_SLOW, "templateData", "time_limit"),
        (ProblemKind.MEMORY, "templateData", "memory_limit"),
        (ProblemKind.FAILED, "templateData", "template_failed"),
        (ProblemKind.WRONG_VARIABLE, "templateData", "template_variable"),
    ],
)
async def test_a_problem_says_where_it_lies(
    desk: Fixture, kind: ProblemKind, field: str, constraint: str
) -> None:
    desk.templates.problems = [kind]
    found = await desk.send(using())
    assert (found.kind, found.field, found.constraint) == (FaultKind.INVALID, field, constraint)
    assert found.message == f"{field}: took too long (html, line 3, column 7)"
    assert (found.line, found.column) == (3, 7)


async def test_a_full_pool_stores_nothing_and_says_to_come_again(desk: Fixture) -> None:
    desk.templates.problems = [ProblemKind.BUSY]
    found = await desk.send(order(), using(), strict=False)
    assert (found.kind, found.retry_after_s) == (FaultKind.BUSY, 1)
    assert not desk.spool.state.messages


async def test_one_of_a_batch_that_is_wrong(desk: Fixture) -> None:
    batch = (using(), using("nothing"), using(data={}), order("d@c.test", subject="plain"))
    found = await desk.send(*batch)
    assert found.field == "messages[1].templateId"
    assert not desk.templates.lots
    results = await desk.send(*batch, strict=False)
    assert [getattr(each, "field", "sent") for each in results] == [
        *("sent", "templateId", "templateData.name", "sent")
    ]
    assert len(desk.spool.state.messages) == 2
    found = await desk.send(using(), using(data={}))
    assert found.field == "messages[1].templateData.name"
    assert found.message.startswith("messages[1]: templateData.name: ")


async def test_who_may_not_send_has_nothing_rendered(desk: Fixture) -> None:
    other = using(author=read_mailbox("a@other.test", "from"))
    found = await desk.send(other)
    assert found.kind is FaultKind.DOMAIN
    found = await desk.send(using(), other)
    assert (found.kind, found.field) == (FaultKind.DOMAIN, "messages[1].from")
    assert not desk.templates.lots


async def test_the_first_answer_comes_again_though_the_template_changed(desk: Fixture) -> None:
    (first,) = await desk.send(using(), once="k")
    desk.templates.add("welcome", Parts(subject="Now", text="else"))
    assert await desk.send(using(), once="k") == (first,)
    assert len(desk.spool.state.messages) == 1
    found = await desk.send(using(data={"name": "Cid"}), once="k")
    assert found.kind is FaultKind.KEY_REUSED


async def test_the_first_answer_has_all_mails_again(desk: Fixture) -> None:
    to = (addressed("b@c.test", name="Bea"), addressed("c@c.test", name="Cid"))
    (first,) = await desk.send(using(to=to), once="k")
    (again,) = await desk.send(using(to=to), once="k")
    assert again == first
    assert len(again.mails) == 2


async def test_mails_of_one_request_have_bounded_room_us2(
    desk: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(template_desk, "MAX_OCTETS", 2_000)
    file = Attachment(content=b"x" * 900, filename="a.txt")
    for count, is_sent in ((2, True), (3, False)):
        to = tuple(addressed(f"r{at}@c.test", name="B") for at in range(count))
        found = await desk.send(using(to=to, attachments=(file,)))
        assert isinstance(found, tuple) is is_sent
    assert (found.kind, found.field) == (FaultKind.TOO_LARGE, "body")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"use": {"locale": "x" * 300}}, "locale"),
        ({"name": "x" * 300}, "templateId"),
        ({"data": {"a": "x" * 300_000}}, "templateData"),
        ({"data": {"a": "\ud800"}}, "templateData"),
        ({"fields": (("Message-ID", "<a@b>"),)}, "headers.Message-ID"),
        ({"raw": RawMail(content=b"From: a@acme.test\r\n\r\n")}, "templateId"),
    ],
)
async def test_a_use_that_cannot_be(desk: Fixture, given: dict[str, Any], field: str) -> None:
    to = (addressed("b@c.test", name="B"), addressed("c@c.test"))
    found = await desk.send(using(given.pop("name", "welcome"), to=to, **given))
    assert isinstance(found, Fault)
    assert (found.kind, found.field) == (FaultKind.INVALID, field)


async def test_copies_count_as_recipients(desk: Fixture) -> None:
    desk.limit(OrderLimits(recipients=40, batch_recipients=60))
    to = tuple(addressed(f"r{at}@c.test", name="B") for at in range(30))
    cc = (addressed("x@c.test"),)
    assert isinstance(await desk.send(using(to=to[:30], cc=cc)), tuple)
    found = await desk.send(using(to=to, cc=cc, bcc=(addressed("y@c.test"),)))
    assert (found.field, found.constraint) == ("to", "max_items")


async def test_a_renderer_that_fails_is_a_fault_of_ours(desk: Fixture) -> None:
    desk.templates.error = OSError("gone")
    found = await desk.send(using())
    assert found.kind is FaultKind.INTERNAL
    assert [str(each) for each in desk.errors] == ["gone"]


async def test_what_a_template_has_of_its_recipient_is_filled_in_at_last(desk: Fixture) -> None:
    parts = Parts(
        subject="%recipient_name%, {{ name }}",
        html="<p>%recipient.mark%%recipient.none%</p>",
        text="%recipient.deep.n% {{ name }}",
    )
    desk.templates.add("places", parts)
    places = RecipientPlaces(
        variables={"mark": "<b>", "deep": {"n": 3}}, address="b@c.test", name="Bea"
    )
    await desk.send(using("places", use={"places": places}))
    (mail,) = letters(desk)
    assert mail["Subject"] == "Bea, Bea"
    assert texts(desk) == ["3 Bea"]
    html = mail.get_body(("html",)).get_content()
    assert "<p><b>%recipient.none%</p>" in html


async def test_what_places_come_to_is_bounded(desk: Fixture) -> None:
    desk.templates.add("many", Parts(subject="s", text="%recipient.long%" * 100))
    places = RecipientPlaces(variables={"long": "x" * 50_000}, address="b@c.test")
    fault = await desk.send(using("many", use={"places": places}))
    assert isinstance(fault, Fault)
    assert fault.constraint == "max_length"
    assert "too large" in fault.message
    assert not letters(desk)
