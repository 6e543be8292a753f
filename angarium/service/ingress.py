"""The ingress role: SMTP and HTTP listeners."""

from angarium.service.runtime import Runtime


async def run_ingress(runtime: Runtime) -> None:
    runtime.ready()
    await runtime.stop.wait()
