"""Messages of Amazon SNS: read, and checked against the certificate that they name (A6). Pure.

Start with ``read_message``. Nothing of a message is believed before ``is_signed`` has said so; ``certificate_url`` says
where a certificate may come from.
"""

import base64
import binascii
import re
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

# Of a message, which SNS bounds at 256 KiB, and of what stands around it
MAX_OCTETS: Final = 262_144 + 65_536
_HOST: Final = re.compile(r"sns\.([a-z0-9-]{1,40})\.amazonaws\.com(?:\.cn)?")
_CERTIFICATE: Final = re.compile(r"/[A-Za-z0-9_-]{1,200}\.pem")
_TOPIC: Final = re.compile(r"arn:aws(?:-[a-z-]+)?:sns:([a-z0-9-]+):[0-9]{12}:[A-Za-z0-9_.-]{1,256}")
_NOTIFICATION: Final = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION: Final = (
    *("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
)
_HASHES: Final = {"1": hashes.SHA1, "2": hashes.SHA256}

Kind = Literal["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"]


class SnsMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Fields as SNS names them."""

    Type: Kind
    MessageId: str
    TopicArn: str
    Message: str
    Timestamp: str
    SignatureVersion: str
    Signature: str
    SigningCertURL: str
    Subject: str | None = None
    SubscribeURL: str | None = None
    Token: str | None = None


_decoder: Final = msgspec.json.Decoder(SnsMessage)


def read_message(octets: bytes) -> SnsMessage | None:
    """Return the message; None: it is none of SNS."""
    if len(octets) > MAX_OCTETS:
        return None
    try:
        found = _decoder.decode(octets)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found if _TOPIC.fullmatch(found.TopicArn) and found.MessageId else None


def find_region(topic: str) -> str:
    """Return the region of a topic's ARN; "" if it is none."""
    found = _TOPIC.fullmatch(topic)
    return "" if found is None else found[1]


def certificate_url(message: SnsMessage, stand_in: str = "") -> str | None:
    """Return where its certificate is; None: at no place of Amazon's, nor of its stand-in (``https://host``)."""
    if is_of(stand_in, message.SigningCertURL):
        return message.SigningCertURL
    host = _amazon_host(message.SigningCertURL, message.TopicArn)
    path = urlsplit(message.SigningCertURL).path if host else ""
    return f"https://{host}{path}" if host and _CERTIFICATE.fullmatch(path) else None


def is_of(stand_in: str, url: str) -> bool:
    """Whether a URL is at the host that an operator named in Amazon's place."""
    if not stand_in or not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        ours, theirs = urlsplit(stand_in), urlsplit(url)
    except ValueError:
        return False
    return (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc)


def subscribe_url(message: SnsMessage, stand_in: str = "") -> str | None:
    """Return what a GET of confirms a subscription; None: it is at no place of Amazon's, nor of its stand-in."""
    url = message.SubscribeURL or ""
    if is_of(stand_in, url):
        return url
    host = _amazon_host(url, message.TopicArn)
    query = urlsplit(url).query if host and urlsplit(url).path in ("", "/") else ""
    if not query.isprintable() or " " in query or "Action=ConfirmSubscription" not in query:
        return None
    return f"https://{host}/?{query}"


def is_signed(message: SnsMessage, certificate: x509.Certificate) -> bool:
    """Whether who has the certificate's key signed the message as it is."""
    algorithm = _HASHES.get(message.SignatureVersion)
    key = certificate.public_key()
    if algorithm is None or not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        signature = base64.b64decode(message.Signature, validate=True)
        key.verify(signature, signed_octets(message), padding.PKCS1v15(), algorithm())
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def signed_octets(message: SnsMessage) -> bytes:
    """Return what the signature is made of: names and values, each on its line; what is left out has none."""
    names = _NOTIFICATION if message.Type == "Notification" else _CONFIRMATION
    lines = [(name, getattr(message, name)) for name in names]
    return "".join(f"{name}\n{value}\n" for name, value in lines if value is not None).encode()


def _amazon_host(url: str, topic: str) -> str | None:
    """Return the host of a URL of SNS in the topic's own region, and of nobody else's."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    found = _HOST.fullmatch(parts.netloc)
    if parts.scheme != "https" or found is None or port is not None or parts.fragment:
        return None
    return parts.netloc if found[1] == find_region(topic) else None
