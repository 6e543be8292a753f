"""The ingress role: SMTP and HTTP listeners."""

from angarium.service.http_listeners import HttpListeners
from angarium.service.runtime import Runtime


async def run_ingress(runtime: Runtime) -> None:
    """The composition root of the role."""
    http = HttpListeners(runtime)
    try:
        for listener, listening in zip(runtime.config.listener, runtime.sockets, strict=True):
            if listener.kind == "http":
                await http.start(listener, listening)
        runtime.ready()
        await runtime.stop.wait()
    finally:
        await http.close()
