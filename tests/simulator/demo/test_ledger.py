"""Mirrors angarium/simulator/demo/ledger.py."""

from pathlib import Path

import msgspec

from angarium.simulator.demo.ledger import Ledger
from angarium.simulator.demo.mail_log import DemoMailLog
from angarium.simulator.demo.plan import Plan, SenderGroup

GROUPS = (
    SenderGroup(provider="oak", domain="oak.example", local="b", count=2, expected="delivered"),
    SenderGroup(provider="elm", domain="elm.example", local="gone", count=1, expected="bounced"),
    SenderGroup(provider="fir", domain="fir.example", local="away", count=1, expected="waiting"),
)


def line(event: str, recipient: str, **fields: object) -> bytes:
    record = {"event": event, "recipient": recipient, "id": f"{recipient}.0", **fields}
    return msgspec.json.encode(record)


def submitted() -> Ledger:
    plan = Plan(GROUPS)
    ledger = Ledger(plan)
    for message in plan.messages:
        ledger.submit(message.recipients)
    return ledger


def test_outcomes_and_deferrals_are_counted_by_provider() -> None:
    ledger = submitted()
    ledger.read(line("deferred", "b1@oak.example", code=451, reply="4.7.1 Later"))
    ledger.read(line("delivered", "b1@oak.example", code=250, reply="Ok"))
    ledger.read(line("bounced", "gone1@elm.example", code=550, reply="550 5.1.1\nno such user"))
    oak, elm = ledger.rows["oak"], ledger.rows["elm"]
    assert (oak.sent, oak.delivered, oak.deferrals, ledger.waiting(oak)) == (2, 1, 1, 1)
    assert oak.last_reply == "250 Ok"
    assert (elm.bounced, elm.last_reply) == (1, "550 5.1.1 no such user")
    assert ledger.bounced() == {"gone1@elm.example"}
    ledger.read(line("complained", "b2@oak.example"))
    assert ledger.returned() == {"gone1@elm.example"}
    ledger.read(line("report_bounced", "b1@oak.example"))
    assert ledger.returned() == {"gone1@elm.example", "b1@oak.example"}


def test_it_is_settled_when_each_recipient_is_where_the_plan_wants_it() -> None:
    ledger = submitted()
    for number in (1, 2):
        ledger.read(line("delivered", f"b{number}@oak.example"))
    ledger.read(line("bounced", "gone1@elm.example"))
    assert not ledger.is_settled()
    assert ledger.find_waiting() is None  # not seen in the log yet
    ledger.read(line("deferred", "away1@fir.example"))
    assert ledger.is_settled()
    assert ledger.find_waiting() == "away1@fir.example.0"


def test_the_servers_own_dsns_and_strangers_lines_do_not_disturb() -> None:
    ledger = submitted()
    ledger.read(msgspec.json.encode({"event": "accepted", "sender": "", "recipients": ["a@b.c"]}))
    ledger.read(line("delivered", "news@shop.example", unknown_field={"x": 1}))
    ledger.read(b"{ half a line")
    assert all(not entry.finals for entry in ledger.entries.values())


def test_a_log_is_read_as_it_grows_whole_lines_only(tmp_path: Path) -> None:
    file = tmp_path / "mail.log"
    log = DemoMailLog(file)
    assert log.read_lines() == []
    with file.open("ab", buffering=0) as writer:
        writer.write(b"one\ntw")
        assert log.read_lines() == [b"one"]
        writer.write(b"o\nthree\n")
        assert log.read_lines() == [b"two", b"three"]
    assert log.read_lines() == []
