"""What the table ``[ses]`` says of Amazon's hosts. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from angarium.config.address import is_ip, parse_endpoint
from angarium.config.error import KeyPath, Problem
from angarium.config.schema import Ses

_REGION: Final = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}")
_TOPIC: Final = re.compile(r"arn:aws(?:-[a-z-]+)?:sns:([a-z0-9-]+):[0-9]{12}:[A-Za-z0-9_.-]{1,256}")
_ACCESS_KEY: Final = re.compile(r"[A-Za-z0-9_]{4,128}")


def endpoint_of(ses: Ses) -> str:
    """Return the URL of the API, without a slash at its end."""
    if ses.endpoint_url is not None:
        return ses.endpoint_url.rstrip("/")
    suffix = "amazonaws.com.cn" if ses.region.startswith("cn-") else "amazonaws.com"
    return f"https://email.{ses.region}.{suffix}"


def ses_problems(ses: Ses) -> Iterator[Problem]:
    at: KeyPath = ("ses",)
    if not _REGION.fullmatch(ses.region):
        yield Problem((*at, "region"), f"{ses.region!r} is no region; write one like eu-central-1")
    if ses.endpoint_url is not None:
        try:
            host = parse_endpoint(ses.endpoint_url).host
        except ValueError as error:
            yield Problem((*at, "endpoint_url"), str(error))
        else:
            if ses.endpoint_url.startswith("http:") and not (
                host == "localhost" or _is_local(host)
            ):
                text = (
                    "mail would go out in the clear; write https:// for a host that is not this one"
                )
                yield Problem((*at, "endpoint_url"), text)
    if ses.access_key_id is not None and not _ACCESS_KEY.fullmatch(ses.access_key_id):
        yield Problem((*at, "access_key_id"), "is no access key; write one like AKIA...")
    if (ses.access_key_id is None) != (ses.secret_key_file is None):
        missing = "access_key_id" if ses.access_key_id is None else "secret_key_file"
        text = "access_key_id and secret_key_file belong together; give both, or neither for the environment's"
        yield Problem((*at, missing), text)
    for index, arn in enumerate(ses.topic_arns):
        if not _TOPIC.fullmatch(arn):
            text = f"{arn!r} is no topic; write arn:aws:sns:{ses.region}:<account>:<name>"
            yield Problem((*at, "topic_arns", index), text)


def _is_local(host: str) -> bool:
    return is_ip(host) and (host == "::1" or host.startswith("127."))
