"""A notice as Slack's incoming webhooks take it, and those that do as Slack (Mattermost, Rocket.Chat). Pure."""

from typing import Any, Final

import msgspec

from angarium.alarms.notice import Notice, Words
from angarium.alarms.wording import headline, text

_COLOURS: Final = {"critical": "#c0392b", "warning": "#e6a23c"}
_OVER: Final = "#2e8b57"
# Of Slack: a text of a block; what is longer is refused
_TEXT: Final = 2900


def slack_body(notice: Notice, words: Words) -> bytes:
    line, _, rest = text(notice, words).partition("\n")
    if notice.kind == "test":
        line, rest = headline(notice, words), text(notice, words)
    is_over = notice.kind in ("ended", "test")
    document: dict[str, Any] = {
        # What phones and screen readers get
        "text": _escaped(line),
        "attachments": [
            {
                "color": _OVER if is_over else _COLOURS[notice.severity],
                "fallback": _escaped(line),
                "blocks": [
                    {
                        "type": "section",
                        "text": {"type": "mrkdwn", "text": f"```{_block(rest)}```"},
                    }
                ],
            }
        ],
    }
    return msgspec.json.encode(document)


def _block(rest: str) -> str:
    # Three backquotes would end the block
    shown = _escaped(rest.strip().replace("```", "'''"))
    return shown if len(shown) <= _TEXT else f"{shown[:_TEXT]}\n..."


def _escaped(shown: str) -> str:
    """Slack's three characters, so that no name of a tenant makes a link or calls a channel."""
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
