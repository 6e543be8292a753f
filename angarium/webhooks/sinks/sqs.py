"""Events as messages of a queue of Amazon SQS, or of what speaks as it does (AWS JSON 1.0): a signed request by our own
caller, so that its guard holds here, too.
"""

import hashlib
from typing import Final

import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from angarium.webhooks.caller import Answered, Caller
from angarium.webhooks.courier import Letter
from angarium.webhooks.sinks.sink import Place, SinkError, region_of

SERVICE: Final = "sqs"
_FIFO: Final = ".fifo"
# A message has ten attributes at most: one set of signature headers, and what the body is
_ATTRIBUTES: Final = ("content-type", "webhook-id", "webhook-timestamp", "webhook-signature")


class _Sent(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    message_id: str
    md5_of_message_body: str = msgspec.field(name="MD5OfMessageBody", default="")


class _Fault(msgspec.Struct, frozen=True, kw_only=True):
    type: str = msgspec.field(name="__type", default="")
    message: str = ""


class SqsSink:
    def __init__(self, place: Place, caller: Caller) -> None:
        target = place.target
        scheme = "http" if target.is_clear else "https"
        host = f"[{target.host}]" if ":" in target.host else target.host
        usual = 80 if target.is_clear else 443
        self._origin = f"{scheme}://{host}" + ("" if target.port == usual else f":{target.port}")
        self._queue = place.name
        self._region = region_of(target, place.options)
        self._credentials = Credentials(target.user, target.password)
        self._caller = caller

    async def tell(self, letter: Letter) -> str:
        asked: dict[str, object] = {
            "QueueUrl": f"{self._origin}/{self._queue}",
            "MessageBody": letter.body.decode(),
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value}
                for name, value in letter.headers.items()
                if name.lower() in _ATTRIBUTES and value
            },
        }
        if self._queue.endswith(_FIFO):
            # In order per message; what comes again within five minutes is taken once
            asked |= {"MessageGroupId": letter.key, "MessageDeduplicationId": letter.event_id}
        body = msgspec.json.encode(asked)
        answered = await self._caller.post(f"{self._origin}/", self._signed(body), body)
        return _read(answered, letter)

    async def close(self) -> None: ...

    def _signed(self, body: bytes) -> dict[str, str]:
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "AmazonSQS.SendMessage",
        }
        request = AWSRequest(method="POST", url=f"{self._origin}/", data=body, headers=headers)
        SigV4Auth(self._credentials, SERVICE, self._region).add_auth(request)
        return {name: str(value) for name, value in request.headers.items()}


def _read(answered: Answered, letter: Letter) -> str:
    """Raises SinkError."""
    if not answered.is_success:
        raise SinkError(_words(answered))
    try:
        sent = msgspec.json.decode(answered.text, type=_Sent)
    except msgspec.DecodeError:
        raise SinkError(f"the answer is none of SQS: {answered.text}") from None
    digest = hashlib.md5(letter.body, usedforsecurity=False).hexdigest()
    if sent.md5_of_message_body not in ("", digest):
        raise SinkError("what was taken is not what was sent: the digests differ")
    return f"message {sent.message_id}"


def _words(answered: Answered) -> str:
    if not answered.status:
        return answered.text
    try:
        fault = msgspec.json.decode(answered.text, type=_Fault)
    except msgspec.DecodeError:
        return f"HTTP status {answered.status}: {answered.text}"
    return f"HTTP status {answered.status}: {fault.type.rpartition('#')[2]} {fault.message}".strip()
