"""Mirrors angarium/telemetry/dashboard: the file is of its rows, and can be read."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from angarium.telemetry.dashboard.grafana import dashboard, expressions, render
from angarium.telemetry.metrics import Metrics
from tests.promql import as_asked

FILE = Path(__file__).parents[3] / "packaging" / "grafana" / "angarium.json"
WIDTH = 24


def panels() -> Iterator[dict[str, Any]]:
    for panel in dashboard()["panels"]:
        if panel["type"] != "row":
            yield panel


def test_the_file_is_the_one_of_these_rows() -> None:
    command = "python -m angarium.telemetry.dashboard.grafana packaging/grafana/angarium.json"
    assert FILE.read_text(encoding="utf-8") == render(), command


def test_it_has_what_grafana_asks_of_a_dashboard() -> None:
    found = json.loads(FILE.read_text(encoding="utf-8"))
    assert (found["uid"], found["title"], found["editable"]) == ("angarium", "Angarium", True)
    assert found["schemaVersion"] >= 36  # data sources are named by their uid
    assert set(found["time"]) == {"from", "to"}
    numbers = [panel["id"] for panel in found["panels"]]
    assert len(set(numbers)) == len(numbers)
    titles = [panel["title"] for panel in found["panels"] if panel["type"] == "row"]
    assert titles == [
        "Is mail going out?",
        "Providers and sources",
        "The queue",
        "Clients: SMTP and the API",
        "Events, webhooks, readers",
        "The machine",
    ]


@pytest.mark.parametrize("panel", [*panels()], ids=lambda panel: panel["title"])
def test_each_panel_is_drawn_of_questions_and_says_what_it_is(panel: dict[str, Any]) -> None:
    assert panel["type"] in ("timeseries", "stat", "bargauge")
    assert panel["description"].endswith((".", ")."))
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert panel["fieldConfig"]["defaults"]["unit"]
    letters = [target["refId"] for target in panel["targets"]]
    assert letters == [chr(ord("A") + at) for at in range(len(letters))]
    assert letters
    for target in panel["targets"]:
        assert target["range"] != target["instant"]
        assert target["legendFormat"]
        # A label that the answer does not have would be shown as it stands
        asked = re.search(r"by \(([^)]*)\)", target["expr"])
        known = set() if asked is None else {each.strip() for each in asked[1].split(",")}
        assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= known


def test_no_panel_lies_on_another_one() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        assert 0 <= place["x"] <= place["x"] + place["w"] <= WIDTH
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_variables_are_those_that_the_questions_have() -> None:
    found = {each["name"]: each for each in dashboard()["templating"]["list"]}
    used = {name for expr in expressions() for name in re.findall(r"\$(\w+)", expr)}
    assert used - {"__rate_interval"} == set(found) - {"datasource"}
    for name in ("job", "instance", "provider", "source"):
        assert (found[name]["type"], found[name]["allValue"]) == ("query", ".*")


def test_every_metric_of_it_is_one_of_ours_with_these_labels() -> None:
    known = {each.name: each for each in Metrics().described}
    for expr in expressions():
        for name, selector in re.findall(r"\b(angarium_\w+)\{([^}]*)\}", expr):
            metric = known.get(name) or known[re.sub(r"_(bucket|sum|count)$", "", name)]
            labels = set(re.findall(r"(\w+)[=!]~?\"", selector))
            assert labels - {"job", "instance"} <= set(metric.labels), (name, labels)
        by = {each for found in re.findall(r"by \(([^)]*)\)", expr) for each in found.split(", ")}
        of = {
            label
            for name in re.findall(r"\b(angarium_\w+)\{", expr)
            for label in (known.get(name) or known[name.removesuffix("_bucket")]).labels
        }
        assert {each.strip() for each in by} - {"le", "le,dialect"} <= of, expr


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_can_read_every_question(tmp_path: Path) -> None:
    rules = [
        {"record": f"question:{number}", "expr": as_asked(expr)}
        for number, expr in enumerate(expressions())
    ]
    assert len(rules) > 80
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = subprocess.run(
        ["promtool", "check", "rules", "--lint=none", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
