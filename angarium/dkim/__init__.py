"""DKIM (RFC 6376, 8301, 8463): keys, signing, verifying.

Start with ``Signer``; ``SigningPool`` runs it beside the event loop. ``KeyRing`` holds the keys that the
configuration names. ``verify`` checks what others, and we, signed. This package knows nothing of queues'
insides, sockets or DNS: content, header length, domain and time are arguments, look-ups are a function.
"""

from angarium.dkim.errors import DkimError, KeyFileError, UnsignableMessageError
from angarium.dkim.keyring import KeyRing
from angarium.dkim.keys import SigningKey, load_private_key
from angarium.dkim.pool import SigningPool
from angarium.dkim.sign import Signer

__all__ = [
    "DkimError",
    "KeyFileError",
    "KeyRing",
    "Signer",
    "SigningKey",
    "SigningPool",
    "UnsignableMessageError",
    "load_private_key",
]
