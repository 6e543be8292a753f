"""What the tracking site answers: a picture, a redirect, a few words.

Nothing of it is stored by anybody on the way, nothing is said to the next site of where one came from, and no cookie is
ever set.
"""

import contextlib
import html
import re
from base64 import b64decode
from typing import Final

import idna
from aiohttp import web

# One transparent pixel, GIF89a
PIXEL: Final = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
COMMON: Final = {
    "Server": "Angarium",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
}
_PICTURE: Final = {**COMMON, "Content-Type": "image/gif"}
_PAGE: Final = {
    **COMMON,
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
}
_TEXT: Final = {**COMMON, "Content-Type": "text/plain; charset=utf-8"}
_DOCUMENT: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{text}</p>
</main>
</body>
</html>
"""
# What a URL may not have in it as it is: what is no ASCII, and what ends or splits a header field or a word
_UNSAFE: Final = re.compile(r"[^\x21-\x7e]+")
_AUTHORITY: Final = re.compile(r"(https?://)([^/?#\\]*)(.*)", re.I | re.S)


def picture() -> web.Response:
    return web.Response(body=PIXEL, headers=_PICTURE)


def redirect(target: str) -> web.Response:
    return web.Response(status=302, headers={**COMMON, "Location": location(target)})


def page(status: int, title: str, text: str) -> web.Response:
    body = _DOCUMENT.format(title=html.escape(title), text=html.escape(text))
    return web.Response(status=status, body=body.encode(), headers=_PAGE)


def robots() -> web.Response:
    return web.Response(body=b"User-agent: *\nDisallow: /\n", headers=_TEXT)


def not_allowed(allow: str) -> web.Response:
    response = page(405, "This cannot be done here", "This address can only be read.")
    response.headers["Allow"] = allow
    return response


def trap() -> web.Response:
    return page(200, "Nothing to read here", "This page is for programs that look through mail.")


def nothing() -> web.Response:
    return page(404, "There is nothing here", "This address leads nowhere.")


def expired() -> web.Response:
    text = "It was in a mail that is too old by now. Please look for it at the site of whoever sent that mail."
    return page(410, "This link is no longer good", text)


def forged() -> web.Response:
    text = (
        "It is not one that we have put into a mail, or something was lost of it. If it came in a mail, open it there"
        " once more."
    )
    return page(404, "This link is not complete", text)


def location(target: str) -> str:
    """Return the target as it is; of what a header field cannot bear, as browsers write it: a host in ASCII (IDNA), all
    else percent-encoded UTF-8.
    """
    if _UNSAFE.search(target) is None:
        return target
    found = _AUTHORITY.fullmatch(target)
    if found is None:
        return _encoded(target)
    scheme, authority, rest = found.groups()
    return f"{scheme}{_ascii_authority(authority)}{_encoded(rest)}"


def _ascii_authority(authority: str) -> str:
    user, at, place = authority.rpartition("@")
    host, colon, port = place.partition(":")
    if not host.isascii():
        with contextlib.suppress(idna.IDNAError):  # then no browser could follow it either
            host = idna.encode(host, uts46=True).decode("ascii")
    return f"{_encoded(user)}{at}{_encoded(host)}{colon}{_encoded(port)}"


def _encoded(text: str) -> str:
    return _UNSAFE.sub(
        lambda found: "".join(f"%{octet:02X}" for octet in found[0].encode("utf-8", "replace")),
        text,
    )
