"""Libraries that only some servers need: which of them are here, and how one gets the others."""

import importlib.util
from collections.abc import Callable
from enum import StrEnum
from typing import Final


class Extra(StrEnum):
    """As pyproject.toml names them."""

    LAKE = "lake"
    TRACING = "tracing"
    KAFKA = "kafka"
    NATS = "nats"


Find = Callable[[str], object | None]  # as ``importlib.util.find_spec``

# What is imported of each
_MODULES: Final = {
    Extra.LAKE: "duckdb",
    Extra.TRACING: "opentelemetry.exporter.otlp.proto.http",
    Extra.KAFKA: "confluent_kafka",
    Extra.NATS: "nats",
}
_NAMES: Final = {
    Extra.LAKE: "duckdb",
    Extra.TRACING: "opentelemetry",
    Extra.KAFKA: "confluent-kafka",
    Extra.NATS: "nats-py",
}


def lacking(extra: Extra, find: Find = importlib.util.find_spec) -> str | None:
    """Return which library it lacks and what brings it, as "the library ..."; None: it is here."""
    try:
        if find(_MODULES[extra]) is not None:
            return None
    except ModuleNotFoundError:  # the package that it is in
        pass
    return (
        f"the library {_NAMES[extra]}, which is not installed: `bin/install --extras` brings it "
        "(`bin/setup extras` where the checkout itself is run)"
    )
