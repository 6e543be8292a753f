"""DKIM (RFC 6376, 8301, 8463): keys, signing, verifying.

Start with ``Signer``; ``SigningPool`` runs it beside the event loop. ``KeyRing`` holds the keys that the
configuration names. ``verify`` checks what others, and we, signed. This package knows nothing of queues'
insides, sockets or DNS: content, header length, domain and time are arguments, look-ups are a function.
"""

from angarium.dkim.errors import DkimError, KeyFileError, UnsignableMessageError
from angarium.dkim.keyring import KeyRing
from angarium.dkim.keys import SigningKey, load_private_key
from angarium.dkim.pool import SigningPool
from angarium.dkim.sign import Signer, signature_names
from angarium.dkim.signing_domains import SigningDomains

__all__ = [
    "DkimError",
    "KeyFileError",
    "KeyRing",
    "Signer",
    "SigningDomains",
    "SigningKey",
    "SigningPool",
    "UnsignableMessageError",
    "load_private_key",
    "signature_names",
]
