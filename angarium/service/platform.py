"""The platform role: what is periodic, and what reads the event log."""

from angarium.service.runtime import Runtime


async def run_platform(runtime: Runtime) -> None:
    runtime.ready()
    await runtime.stop.wait()
