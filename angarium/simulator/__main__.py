"""``python -m angarium.simulator``: the small internet as a process of its own."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

import msgspec
import uvloop
from aiohttp import web

from angarium.simulator.example import example_scenario
from angarium.simulator.internet import Internet
from angarium.simulator.scenario import Scenario, ScenarioError, load_scenario
from angarium.simulator.status import status_app


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m angarium.simulator",
        description="A small internet of mailbox providers on loopback. Prints one JSON line when it is ready.",
    )
    parser.add_argument("--scenario", type=Path, help=".toml or .json; default: one of each temper")
    parser.add_argument("--port", type=int, help="SMTP port of all hosts; 0: any free one")
    parser.add_argument("--dns", type=int, help="DNS port on 127.0.0.1; 0: any free one")
    parser.add_argument("--status-port", type=int, default=0, help="HTTP port; 0: any free one")
    parser.add_argument("--status-file", type=Path, help="write the readiness line here too")
    parser.add_argument(
        "--reports-to", help="host:port that takes the providers' DSNs and ARF reports"
    )
    return parser.parse_args()


async def _run(scenario: Scenario, status_port: int, status_file: Path | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with Internet(scenario) as net:
        runner = web.AppRunner(status_app(net), access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", status_port)
            await site.start()
            ready = {
                "event": "ready",
                "pid": os.getpid(),
                "smtp_port": net.smtp_port,
                "dns": net.dns_address,
                "status": f"http://127.0.0.1:{runner.addresses[0][1]}",
                "ca_file": str(net.ca_file),
                "hosts": {name: net.addresses(name) for name in net.mailboxes},
            }
            line = msgspec.json.encode(ready) + b"\n"
            if status_file is not None:
                partial = status_file.with_name(status_file.name + ".partial")
                partial.write_bytes(line)
                partial.replace(status_file)  # whoever waits for the file finds it whole
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
            await stop.wait()
        finally:
            await runner.cleanup()


def main() -> int:
    arguments = _arguments()
    try:
        plan = load_scenario(arguments.scenario) if arguments.scenario else example_scenario()
        changes = {
            "smtp_port": arguments.port,
            "dns_port": arguments.dns,
            "reports_to": arguments.reports_to,
        }
        plan = msgspec.structs.replace(plan, **{k: v for k, v in changes.items() if v is not None})
        uvloop.run(_run(plan, arguments.status_port, arguments.status_file))
    except (ScenarioError, OSError) as error:
        print(f"angarium.simulator: {error}", file=sys.stderr)
        return os.EX_CONFIG if isinstance(error, ScenarioError) else os.EX_UNAVAILABLE
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(main())
