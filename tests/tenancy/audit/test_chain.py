"""Mirrors angarium/tenancy/audit/, on real databases."""

import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config as AlembicConfig

import angarium.tenancy
from angarium.queue.model import UnixMs
from angarium.tenancy.audit.checking import ChainBroken, ChainCheck, ChainHolds
from angarium.tenancy.audit.exported import (
    ExportedAnchor,
    anchor_line,
    exported_line,
    read_exported,
)
from angarium.tenancy.audit.link import FIRST, Link
from angarium.tenancy.engine import make_engine
from angarium.tenancy.model import AuditEntry
from angarium.tenancy.platform import Platform
from angarium.tenancy.tables import AUDIT, AUDIT_CHAIN
from tests.tenancy.conftest import Clock


def noted(platform: Platform, count: int) -> Platform:
    for number in range(count):
        platform.audit.note("queue.hold", "default", f"{number} recipients", reason="why")
    return platform


def tamper(platform: Platform, *statements: Any) -> None:
    with platform.database.noting() as connection:
        for each in statements:
            connection.execute(each)


def test_a_chain_that_nobody_touched_holds_ac1(platform: Platform) -> None:
    noted(platform, 3).tenants.create("shop")
    assert platform.audit.verify() == ChainHolds(
        entries=4, anchor=platform.audit.anchor(), head=platform.audit.head(), redacted=()
    )
    assert platform.audit.anchor().digest == FIRST
    assert [each.number for each in platform.audit.links()] == [1, 2, 3, 4]


OF_3 = AUDIT.c.number == 3


@pytest.mark.parametrize(
    ("statements", "number", "why"),
    [
        ([sa.update(AUDIT).where(OF_3).values(actor="nobody")], 3, "its words were changed"),
        ([sa.update(AUDIT).where(OF_3).values(details="{}")], 3, "its words were changed"),
        ([sa.update(AUDIT).where(OF_3).values(at=1)], 3, "does not follow entry 2"),
        ([sa.update(AUDIT).where(OF_3).values(tenant="b")], 3, "does not follow entry 2"),
        ([sa.update(AUDIT).where(OF_3).values(content=bytes(32))], 3, "its words were changed"),
        ([sa.update(AUDIT).where(OF_3).values(salt=None)], 3, "no entry says so"),
        ([sa.delete(AUDIT).where(OF_3)], 4, "does not follow entry 2"),
        ([sa.delete(AUDIT).where(AUDIT.c.number == 5)], 5, "entries behind 4 are missing"),
        ([sa.delete(AUDIT).where(AUDIT.c.number < 3)], 3, "does not follow entry 0"),
    ],
    ids=["actor", "details", "time", "tenant", "content", "salt", "middle", "end", "beginning"],
)
def test_the_first_entry_that_is_not_as_it_was_is_named_ac1(
    platform: Platform, statements: list[Any], number: int, why: str
) -> None:
    tamper(noted(platform, 5), *statements)
    verdict = platform.audit.verify()
    assert isinstance(verdict, ChainBroken)
    assert verdict.number == number
    assert why in verdict.reason


def test_who_cuts_off_the_end_and_mends_the_head_is_found_by_a_head_that_is_elsewhere_ac1(
    platform: Platform,
) -> None:
    noted(platform, 4)
    written_down = platform.audit.head()
    fourth = platform.audit.page(None, None, 2)[1]
    tamper(
        noted(platform, 1),
        sa.delete(AUDIT).where(AUDIT.c.number > 3),
        sa.update(AUDIT_CHAIN).values(number=3, digest=fourth.digest),
    )
    last = next(iter(platform.audit.page(None, None, 1)))
    tamper(platform, sa.update(AUDIT_CHAIN).values(number=3, digest=last.digest))
    assert isinstance(platform.audit.verify(), ChainHolds)
    verdict = platform.audit.verify([written_down.digest])
    assert isinstance(verdict, ChainBroken)
    assert (verdict.number, written_down.digest.hex() in verdict.reason) == (4, True)


def test_what_is_old_is_let_go_and_the_rest_still_holds_ac1(
    platform: Platform, clock: Clock
) -> None:
    noted(platform, 3)
    third = platform.audit.head()
    clock.now = UnixMs(clock.now + 1000)
    noted(platform, 2)
    assert platform.audit.forget(clock.now) == 3
    assert platform.audit.forget(clock.now) == 0
    verdict = platform.audit.verify([third.digest])
    assert isinstance(verdict, ChainHolds)
    assert (verdict.entries, verdict.anchor, verdict.head.number) == (3, third, 6)
    newest = platform.audit.page(None, None, 1)[0].entry
    assert newest.action == "audit.trimmed"
    # Who lets go of more than the entry says is found
    fourth = next(each for each in platform.audit.links() if each.number == 4)
    tamper(
        platform,
        sa.delete(AUDIT).where(AUDIT.c.number == 4),
        sa.update(AUDIT_CHAIN).values(anchor_number=4, anchor_digest=fourth.digest),
    )
    assert isinstance(platform.audit.verify(), ChainBroken)


def test_a_person_is_taken_out_of_entries_and_the_chain_still_holds_ac1(
    platform: Platform,
) -> None:
    platform.audit.note("suppression.added", "default", "ann@example.com", why="ann wrote")
    noted(platform, 1)

    def without_ann(entry: AuditEntry) -> AuditEntry | None:
        if "ann" not in entry.subject:
            return None
        return msgspec.structs.replace(entry, subject="erased", details={})

    assert platform.audit.redact(without_ann) == 1
    assert platform.audit.redact(without_ann) == 0
    verdict = platform.audit.verify()
    assert isinstance(verdict, ChainHolds)
    assert verdict.redacted == (1,)
    assert not any(
        "ann" in msgspec.json.encode(each.entry).decode() for each in platform.audit.links()
    )


def test_those_who_append_at_once_come_one_after_the_other_ac2(
    open_platform: Callable[..., Platform], url: str
) -> None:
    platforms = [open_platform(url) for _ in range(3)]

    def act(platform: Platform, name: str) -> None:
        for number in range(8):
            platform.audit.note("queue.hold", "default", name)
            platform.tenants.create(f"{name}-{number}")

    threads = [
        threading.Thread(target=act, args=(each, f"t{at}")) for at, each in enumerate(platforms)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    verdict = platforms[0].audit.verify()
    assert isinstance(verdict, ChainHolds)
    assert verdict.entries == 48


def test_an_act_that_is_undone_leaves_no_entry_and_no_gap_ac2(platform: Platform) -> None:
    noted(platform, 1)

    def fail() -> None:
        with platform.database.noting() as connection:
            platform.audit._changer.note(connection, "queue.hold", "", "")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [each.number for each in noted(platform, 1).audit.links()] == [1, 2]


def test_what_was_exported_is_verified_without_the_database_ac1(
    platform: Platform, clock: Clock
) -> None:
    noted(platform, 2)
    clock.now = UnixMs(clock.now + 1)
    noted(platform, 2).audit.forget(clock.now)
    lines = [anchor_line(platform.audit.anchor())]
    lines += [exported_line(each) for each in platform.audit.links()]

    def verify(octets: bytes) -> object:
        read = read_exported(io.BytesIO(octets))
        anchor = next(read)
        assert isinstance(anchor, ExportedAnchor)
        check = ChainCheck(anchor.place)
        for each in read:
            assert isinstance(each, Link)
            if (broken := check.take(each)) is not None:
                return broken
        return check.end(None)

    assert isinstance(verify(b"".join(lines)), ChainHolds)
    assert isinstance(verify(b"".join(lines).replace(b"why", b"how")), ChainBroken)
    with pytest.raises(ValueError, match="line 2: "):
        list(read_exported([lines[0], b'{"line": "entry"}']))


def test_entries_of_before_the_chain_become_its_beginning_ac1(
    open_platform: Callable[..., Platform], url: str, tmp_path: Path
) -> None:
    engine = make_engine(url, tmp_path, "tenancy.database")
    config = AlembicConfig()
    migrations = Path(angarium.tenancy.__file__).parent / "migrations"
    config.set_main_option("script_location", str(migrations))
    with engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "0010")
        for number in (1, 2, 5):
            connection.execute(
                sa.text(
                    "INSERT INTO audit (number, at, actor, action, tenant, subject, details)"
                    " VALUES (:number, 7, 'root', 'a.b', '', 'x', '{\"by\":\"DNS\"}')"
                ),
                {"number": number},
            )
    engine.dispose()
    platform = open_platform(url)
    noted(platform, 1)
    verdict = platform.audit.verify()
    assert isinstance(verdict, ChainHolds)
    assert [each.number for each in platform.audit.links()] == [1, 2, 5, 6]
