"""Mirrors angarium/alarms/prometheus.py: the file of rules is current, right, and its rules fire when they should."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from angarium.alarms.catalogue import CATALOGUE
from angarium.alarms.prometheus import expression_of, is_evaluated_inside, render
from angarium.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[2]
RULES = ROOT / "packaging" / "prometheus" / "angarium.rules.yml"
TESTS = Path(__file__).with_name("prometheus_rules.yml")
NAME = re.compile(r"angarium_[a-z0-9_]+")
promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not here")


def test_the_file_of_rules_is_current() -> None:
    message = f"make it anew: python -m angarium.alarms.prometheus > {RULES.relative_to(ROOT)}"
    assert RULES.read_text() == render(), message


def test_each_alarm_has_a_rule_over_metrics_that_there_are() -> None:
    registry = CollectorRegistry()
    Metrics(registry)
    known = {
        name
        for family in registry.collect()
        for name in (
            family.name,
            *(f"{family.name}_{each}" for each in ("total", "bucket", "count", "sum")),
        )
    }
    for alarm in CATALOGUE:
        names = set(NAME.findall(expression_of(alarm)))
        assert names, alarm.name
        assert names <= known, (alarm.name, names - known)


def test_what_is_passed_on_from_the_server_waits_no_second_time() -> None:
    rules = RULES.read_text().split("      - alert: ")[1:]
    for alarm, rule in zip(CATALOGUE, rules, strict=True):
        if is_evaluated_inside(alarm):
            assert "        for: 0s\n" in rule
        assert f"alarm: {alarm.name}\n" in rule
        assert f"severity: {alarm.severity}\n" in rule
        assert f"runbook: docs/runbooks/{alarm.name}.md\n" in rule


@promtool
@pytest.mark.parametrize(
    ("act", "path"), [("check", RULES), ("test", TESTS)], ids=["check", "test"]
)
def test_promtool_finds_no_fault_and_rules_fire_when_they_should(act: str, path: Path) -> None:
    done = subprocess.run(
        ["promtool", act, "rules", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
