"""What tables say that name a service of Amazon, or one that speaks as it does. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from angarium.config.address import is_ip, parse_endpoint
from angarium.config.error import KeyPath, Problem

_REGION: Final = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}")
_ACCESS_KEY: Final = re.compile(r"[A-Za-z0-9_]{4,128}")


def suffix_of(region: str) -> str:
    """Return what Amazon's host names in a region end with."""
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def region_problems(at: KeyPath, region: str) -> Iterator[Problem]:
    if not _REGION.fullmatch(region):
        yield Problem((*at, "region"), f"{region!r} is no region; write one like eu-central-1")


def endpoint_problems(at: KeyPath, url: str | None, what: str) -> Iterator[Problem]:
    """``what`` would go there in the clear, were it http."""
    if url is None:
        return
    try:
        host = parse_endpoint(url).host
    except ValueError as error:
        yield Problem((*at, "endpoint_url"), str(error))
        return
    if url.startswith("http:") and not (host == "localhost" or _is_local(host)):
        text = f"{what} would go out in the clear; write https:// for a host that is not this one"
        yield Problem((*at, "endpoint_url"), text)


def key_problems(
    at: KeyPath, access_key_id: str | None, secret_key_file: str | None
) -> Iterator[Problem]:
    if access_key_id is not None and not _ACCESS_KEY.fullmatch(access_key_id):
        yield Problem((*at, "access_key_id"), "is no access key; write one like AKIA...")
    if (access_key_id is None) != (secret_key_file is None):
        missing = "access_key_id" if access_key_id is None else "secret_key_file"
        text = "access_key_id and secret_key_file belong together; give both, or neither for the environment's"
        yield Problem((*at, missing), text)


def _is_local(host: str) -> bool:
    return is_ip(host) and (host == "::1" or host.startswith("127."))
