"""``python -m angarium.simulator.demo``, which ``bin/demo`` calls."""

import argparse
import asyncio
import os
import signal
import sys

from rich.console import Console

from angarium.simulator.demo.run import Demo
from angarium.simulator.demo.server import ServerError
from angarium.simulator.demo.traffic import SubmissionError
from angarium.simulator.demo.view import MIN_WIDTH, save_picture


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bin/demo",
        description="The whole server against a small internet on loopback: sends a few hundred messages to"
        " providers of every temper and shows what becomes of them. Ctrl-C ends it.",
    )
    parser.add_argument(
        "--once",
        action="store_true",
        help="check the result and exit: 0 when all is as it should be",
    )
    parser.add_argument(
        "--picture", metavar="FILE", help="draw what is shown into an SVG file, too (with --once)"
    )
    return parser.parse_args()


async def _run(demo: Demo) -> int:
    """Run the demo as a task that SIGINT, SIGTERM and SIGHUP cancel."""
    task = asyncio.ensure_future(demo.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    try:
        findings = await task
    except asyncio.CancelledError:
        return -1
    return os.EX_OK if all(finding.ok for finding in findings) else 1


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def main() -> int:
    arguments = _arguments()
    console = Console()
    if arguments.picture:
        console = Console(width=MIN_WIDTH, record=True, color_system="truecolor")
    elif not console.is_terminal:
        console = Console(width=max(console.width, MIN_WIDTH))
    demo = Demo(console, once=arguments.once)
    try:
        code = asyncio.run(_run(demo))
    except* (ServerError, SubmissionError, OSError) as errors:
        print(f"bin/demo: {_first(errors)}\n{demo.last_words}", file=sys.stderr)
        code = os.EX_SOFTWARE
    if arguments.picture:
        save_picture(console, arguments.picture)
    if code == -1:
        console.print("stopped; nothing is left running")
        code = 128 + signal.SIGINT if arguments.once else os.EX_OK
    return code


if __name__ == "__main__":
    sys.exit(main())
