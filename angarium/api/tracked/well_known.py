"""What a tracking host answers to those who ask whose it is: an authority that issues certificates, and ourselves."""

from collections.abc import Callable
from typing import Final

from aiohttp import hdrs, web

from angarium.api.tracked import answers
from angarium.api.tracked.hosts import host_name
from angarium.tracking.host_proof import PATH, HostProof

FOLDER: Final = "/.well-known/"
_CHALLENGES: Final = "/.well-known/acme-challenge/"
_HEADER: Final = {**answers.COMMON, "Content-Type": "text/plain; charset=utf-8"}


class WellKnown:
    """Invariant WLK1: what is answered is of this host alone, and only to what was asked of it by us, or by an
    authority that was told to look (RFC 8555 section 8.3).
    """

    def __init__(self, proof: HostProof, find_challenge: Callable[[str, str], str | None]) -> None:
        """``find_challenge``: by host and token, whatever they are; None: nobody looks for that there."""
        self.proof = proof  # may be exchanged at any time
        self._find_challenge = find_challenge

    def handle(self, request: web.BaseRequest, host: str) -> web.StreamResponse | None:
        """None: it is none of these paths, or nothing is there. ``host``: of ours, as the request has it."""
        path = request.raw_path.partition("?")[0]
        name = host_name(host)
        text: str | None = None
        if path.startswith(_CHALLENGES):
            text = self._find_challenge(name, path.removeprefix(_CHALLENGES))  # WLK1
        elif path.startswith(PATH):
            text = self.proof.answer(name, path.removeprefix(PATH))  # WLK1
        if text is None:
            return None
        if request.method not in (hdrs.METH_GET, hdrs.METH_HEAD):
            return answers.not_allowed("GET, HEAD")
        return web.Response(text=text, headers=_HEADER)
