"""Mirrors angarium/insight/checks/alarms.py: whether anything is raised, and whether anybody would hear of it."""

from pathlib import Path

import pytest

from angarium.alarms.raised import Raised
from angarium.alarms.subject import ALL
from angarium.config.alarms import Alarms, Notify
from angarium.config.schema import Config, Server
from angarium.insight.admin.alarms import AlarmsNow
from angarium.insight.checks import alarms
from angarium.insight.checks.alarms import NAMED, check_alarms
from angarium.queue import UnixMs

MAIL = Notify(name="ops", kind="mail", to=("ops@example.org",))
CHAT = Notify(name="chat", kind="slack", url="https://a.example")


def config(tmp_path: Path, *notify: Notify, enabled: bool = True) -> Config:
    server = Server(hostname="a.example", data_dir=str(tmp_path))
    return Config(server=server, alarms=Alarms(enabled=enabled, notify=notify))


@pytest.mark.parametrize(
    ("notify", "words"),
    [
        ((), "nobody is told of any"),
        ((MAIL,), "told by mail only"),
        ((MAIL, CHAT), "told to ops, chat"),
    ],
    ids=["nobody", "mail", "both"],
)
def test_it_is_said_who_would_hear(tmp_path: Path, notify: tuple[Notify, ...], words: str) -> None:
    (finding,) = check_alarms(config(tmp_path, *notify))
    assert finding.verdict == "ok"
    assert words in finding.text


def test_looking_for_nothing_is_to_be_mended(tmp_path: Path) -> None:
    (finding,) = check_alarms(config(tmp_path, enabled=False))
    assert finding.verdict == "warn"


def test_what_is_raised_is_named_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised = tuple(
        Raised(
            id=f"al_{number}",
            alarm="disk_full",
            subject=ALL,
            severity="critical" if number else "warning",
            unit="count",
            level=0.0,
            since=UnixMs(0),
            raised_at=UnixMs(0),
            figure=1.0,
            worst=1.0,
        )
        for number in range(NAMED + 2)
    )
    now = AlarmsNow(at=UnixMs(0), enabled=True, raised=raised, silenced=("al_1",))
    monkeypatch.setattr(alarms, "find_slots", lambda *_: ["platform-0"])
    monkeypatch.setattr(alarms, "ask_process", lambda *_: now)
    found = list(check_alarms(config(tmp_path)))
    assert [each.verdict for each in found[:2]] == ["warn", "fail"]
    assert "postmaster alerts show al_0" in found[0].text
    assert "(silenced)" in found[1].text
    assert found[-1].text == "2 more are raised: postmaster alerts"


def test_a_target_whose_file_is_not_there_is_found_before_it_is_needed(tmp_path: Path) -> None:
    pager = Notify(name="pager", kind="pagerduty", secret_file=str(tmp_path / "key"))
    (finding,) = check_alarms(config(tmp_path, pager))
    assert finding.verdict == "warn"
    assert "pager: " in finding.text
    (tmp_path / "key").write_text("key")
    (finding,) = check_alarms(config(tmp_path, pager))
    assert finding.verdict == "ok"
