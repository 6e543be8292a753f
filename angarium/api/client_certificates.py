"""The certificate that a client has shown in its handshake, where ``access.client_trust`` has seen to it."""

from aiohttp import web

from angarium.access.certificate_names import PeerCertificate, read_peer


def peer_certificate(request: web.Request) -> PeerCertificate | None:
    """Return it; None: there is none, or the listener asks for none."""
    transport = request.transport
    tls = None if transport is None else transport.get_extra_info("ssl_object")
    der = None if tls is None else tls.getpeercert(binary_form=True)
    if not der:
        return None
    try:
        return read_peer(der)
    except ValueError:
        return None
