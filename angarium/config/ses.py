"""What the table ``[ses]`` says of Amazon's hosts. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from angarium.config.aws import endpoint_problems, key_problems, region_problems, suffix_of
from angarium.config.error import KeyPath, Problem
from angarium.config.schema import Ses

_TOPIC: Final = re.compile(r"arn:aws(?:-[a-z-]+)?:sns:([a-z0-9-]+):[0-9]{12}:[A-Za-z0-9_.-]{1,256}")


def endpoint_of(ses: Ses) -> str:
    """Return the URL of the API, without a slash at its end."""
    if ses.endpoint_url is not None:
        return ses.endpoint_url.rstrip("/")
    return f"https://email.{ses.region}.{suffix_of(ses.region)}"


def ses_problems(ses: Ses) -> Iterator[Problem]:
    at: KeyPath = ("ses",)
    yield from region_problems(at, ses.region)
    yield from endpoint_problems(at, ses.endpoint_url, "mail")
    yield from key_problems(at, ses.access_key_id, ses.secret_key_file)
    for index, arn in enumerate(ses.topic_arns):
        if not _TOPIC.fullmatch(arn):
            text = f"{arn!r} is no topic; write arn:aws:sns:{ses.region}:<account>:<name>"
            yield Problem((*at, "topic_arns", index), text)
