"""Writes packaging/grafana/angarium.json, a dashboard for Grafana 9 and later, of its rows.

``python -m angarium.telemetry.dashboard.grafana packaging/grafana/angarium.json``
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from angarium.telemetry.dashboard.clients import CLIENTS
from angarium.telemetry.dashboard.followers import FOLLOWERS
from angarium.telemetry.dashboard.going_out import GOING_OUT
from angarium.telemetry.dashboard.machine import MACHINE
from angarium.telemetry.dashboard.panel import Panel, Query
from angarium.telemetry.dashboard.paths import PATHS
from angarium.telemetry.dashboard.queue import QUEUE

ROWS: Final = (GOING_OUT, PATHS, QUEUE, CLIENTS, FOLLOWERS, MACHINE)
SCHEMA_VERSION: Final = 37
TITLE: Final = "Angarium"
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
# What a scrape adds: one server of several
_SCRAPED: Final = 'job=~"$job",instance=~"$instance"'
_METRIC: Final = re.compile(r"\b(angarium_[a-z_]+)(?:\{([^}]*)\})?")
_HEIGHT: Final = {"stat": 4, "timeseries": 8, "bargauge": 8}
_COLUMNS: Final = 24


def dashboard() -> dict[str, Any]:
    """Return it as Grafana imports and provisions it."""
    return {
        "uid": "angarium",
        "title": TITLE,
        "description": "Mail in and out, providers, queue, API, webhooks, machine. Each panel says what to do.",
        "tags": ["angarium", "mail"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": []},
        "links": [],
        "templating": {"list": list(_variables())},
        "panels": list(_panels()),
    }


def render() -> str:
    return json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"


def expressions() -> Iterator[str]:
    """Yield each question to Prometheus, with Grafana's variables in it."""
    for row in ROWS:
        for panel in row.panels:
            for query in panel.queries:
                yield _selected(query.expr)


def _variables() -> Iterator[dict[str, Any]]:
    yield {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
        "current": {},
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "options": [],
        "refresh": 1,
        "regex": "",
    }
    build = "angarium_build_info"
    yield _variable("job", f"label_values({build}, job)")
    yield _variable("instance", f'label_values({build}{{job=~"$job"}}, instance)')
    scraped = f"{{{_SCRAPED}}}"
    yield _variable(
        "provider", f"label_values(angarium_provider_queue_recipients{scraped}, provider)"
    )
    yield _variable("source", f"label_values(angarium_path_connections_open{scraped}, source)")


def _variable(name: str, query: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": name,
        "type": "query",
        "datasource": _SOURCE,
        "definition": query,
        "query": {"query": query, "refId": name},
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "allValue": ".*",
        "includeAll": True,
        "multi": True,
        "hide": 0,
        "options": [],
        "refresh": 2,
        "regex": "",
        "sort": 1,
    }


def _panels() -> Iterator[dict[str, Any]]:
    number, top = 0, 0
    for row in ROWS:
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "gridPos": {"h": 1, "w": _COLUMNS, "x": 0, "y": top},
            "panels": [],
        }
        top, left, height = top + 1, 0, 0
        for panel in row.panels:
            if left + panel.width > _COLUMNS:
                top, left, height = top + height, 0, 0
            number += 1
            place = {"h": _HEIGHT[panel.kind], "w": panel.width, "x": left, "y": top}
            yield _panel(number, panel, place)
            left, height = left + panel.width, max(height, _HEIGHT[panel.kind])
        top += height


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "targets": [_target(at, query, panel) for at, query in enumerate(panel.queries)],
    }
    calculated = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    if panel.kind == "timeseries":
        found["options"] = {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    else:
        found["options"] = {
            "colorMode": "value",
            "graphMode": "area",
            "justifyMode": "auto",
            "orientation": "auto",
            "reduceOptions": calculated,
            "textMode": "auto",
        }
    return found


def _defaults(panel: Panel) -> dict[str, Any]:
    found: dict[str, Any] = {"unit": panel.unit, "color": {"mode": "palette-classic"}}
    if panel.unit != "dateTimeFromNow":
        found["min"] = 0
    if panel.thresholds is not None:
        warn, bad = panel.thresholds
        steps = [("green", None), ("yellow", warn), ("red", bad)]
        if panel.falls:
            steps = [("red", None), ("yellow", bad), ("green", warn)]
        found["color"] = {"mode": "thresholds"}
        found["thresholds"] = {
            "mode": "absolute",
            "steps": [{"color": color, "value": value} for color, value in steps],
        }
    if panel.kind == "timeseries":
        found["custom"] = {
            "drawStyle": "line",
            "fillOpacity": 20 if panel.stacked else 0,
            "lineWidth": 1,
            "showPoints": "never",
            "stacking": {"group": "A", "mode": "normal" if panel.stacked else "none"},
        }
    return found


def _target(at: int, query: Query, panel: Panel) -> dict[str, Any]:
    return {
        "refId": chr(ord("A") + at),
        "datasource": _SOURCE,
        "expr": _selected(query.expr),
        "legendFormat": query.legend or panel.title,
        "editorMode": "code",
        "range": panel.kind == "timeseries",
        "instant": panel.kind != "timeseries",
    }


def _selected(expr: str) -> str:
    """Return the question of the chosen servers only."""
    return _METRIC.sub(
        lambda found: f"{found[1]}{{{_SCRAPED}{',' + found[2] if found[2] else ''}}}", expr
    )


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(), encoding="utf-8")
