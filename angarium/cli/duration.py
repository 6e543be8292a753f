"""Spans of time on the command line, as in the configuration. Pure."""

import click

from angarium.config.quantity import parse_duration_ms


class Duration(click.ParamType[int]):
    """``90s``, ``15m``, ``1h30m``, ``2d``; a number alone is seconds. Converts to milliseconds."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        try:
            return parse_duration_ms(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
