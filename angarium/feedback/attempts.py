"""What an attempt's failure means, told by the reply that is kept of it, or by our own reason. Pure."""

from angarium.feedback.classes import BounceClass, Verdict
from angarium.feedback.classifier import classify
from angarium.queue import Attempt
from angarium.queue.reply_pattern import full_reply


def find_verdict(attempt: Attempt) -> Verdict | None:
    """Return what the failure means; None: it succeeded, or nothing in it says why it did not."""
    if 200 <= attempt.code < 300:
        return None
    reply = full_reply(attempt)
    if attempt.enhanced and attempt.enhanced not in reply:
        reply = f"{attempt.enhanced} {reply}"
    verdict = classify(reply, attempt.provider)
    return None if verdict.bounce_class is BounceClass.UNDETERMINED else verdict


def class_text(attempt: Attempt) -> str:
    """Return the name of the class; "" where ``find_verdict`` finds none."""
    verdict = find_verdict(attempt)
    return "" if verdict is None else verdict.bounce_class.value
