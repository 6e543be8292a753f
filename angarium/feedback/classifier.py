"""What a reply, or a DSN's text, means: its class and effect. Pure, and linear in the text's length (C4)."""

from typing import Final

from angarium.feedback.classes import BounceClass, Verdict, verdict_of

# Ours: what stands behind that in a text is not looked at; replies are far shorter
MAX_CHARACTERS: Final = 8192
_PHRASES: Final = (
    ("mailbox full", BounceClass.MAILBOX_FULL),
    ("user unknown", BounceClass.USER_UNKNOWN),
)


def classify(reply: str, provider: str = "") -> Verdict:
    """Return what ``reply`` means: a reply with its codes, on one line or several, or what a DSN says of a recipient.

    ``provider``: the mailbox provider that said so, as the configuration names it; "" where that is not known.
    Any text has an answer; a text that says nothing is undetermined.
    """
    text = reply[:MAX_CHARACTERS].casefold()
    for phrase, bounce_class in _PHRASES:
        if phrase in text:
            return verdict_of(bounce_class)
    return verdict_of(BounceClass.UNDETERMINED)
