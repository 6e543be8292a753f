"""The delivery role: dispatcher, DNS, connections, signing."""

from angarium.service.runtime import Runtime


async def run_delivery(runtime: Runtime) -> None:
    runtime.ready()
    await runtime.stop.wait()
