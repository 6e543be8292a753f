"""What programs are answered of a mail that is looked at before it is sent. Plain values.

The comments here are the fields' documentation, which the API's reference is made of.
"""

from collections.abc import Sequence
from typing import Literal

from angarium.api.native.finding_wire import FindingShown, shown_findings
from angarium.api.native.send_wire import SendAsked
from angarium.api.native.wire import Wire
from angarium.content.checking.rule import Finding
from angarium.content.checking.size_rules import CLIPPED
from angarium.intake.checking.mail_check import Checked

Verdict = Literal["pass", "hints", "blocked"]


class CheckAsked(SendAsked, frozen=True, kw_only=True):
    """POST /v1/check: a message as POST /v1/send takes it, or one that is written already. Nobody gets it."""

    raw: str = ""  # base64 of a message, instead of its parts


class PointsShown(Wire, frozen=True, kw_only=True):
    code: str
    points: float


class SymbolShown(Wire, frozen=True, kw_only=True):
    name: str
    score: float
    description: str


class RspamdShown(Wire, frozen=True, kw_only=True):
    """What rspamd says."""

    score: float
    required_score: float  # from here on it would refuse
    action: str  # "no action", "greylist", "add header", "reject", ...
    symbols: Sequence[SymbolShown]  # those that score most first
    trouble: str  # why it was not asked; "": it was


class ScoreShown(Wire, frozen=True, kw_only=True):
    """How likely it is taken for spam."""

    points: float  # by our own rules
    likely: float  # from here on it is likely
    judgement: Literal["good", "suspicious", "likely spam"]
    rules: Sequence[PointsShown]  # the worst first
    rspamd: RspamdShown | None  # null: it is not configured


class SizesShown(Wire, frozen=True, kw_only=True):
    """Octets."""

    message: int  # as it is sent
    html: int  # decoded
    html_clipped_at: int  # Gmail shows no more of it
    text: int
    attachments: int  # decoded


class LinkShown(Wire, frozen=True, kw_only=True):
    field: str  # where it is
    url: str
    # web | other (mailto and such) | anchor | variable (a template's) | broken | relative | empty | script | data
    kind: str
    host: str  # "": it has none


class CheckAnswer(Wire, frozen=True, kw_only=True):
    success: bool
    verdict: Verdict  # blocked: there are blockers
    would_be_refused: bool  # if it were sent now: by the tenant's checks
    score: ScoreShown
    findings: Sequence[FindingShown]  # blockers first
    sizes: SizesShown
    links: Sequence[LinkShown]  # at most 500


def check_answer(checked: Checked, refused: Finding | None) -> CheckAnswer:
    """``refused``: the finding that would have it refused."""
    levels = {each.level for each in checked.findings}
    opinion = checked.opinion
    score = checked.score
    return CheckAnswer(
        success=True,
        verdict="blocked" if "blocker" in levels else "hints" if levels else "pass",
        would_be_refused=refused is not None,
        score=ScoreShown(
            points=score.points,
            likely=score.likely,
            judgement=score.judgement,
            rules=[PointsShown(code=each.code, points=each.points) for each in score.rules],
            rspamd=None
            if opinion is None
            else RspamdShown(
                score=opinion.score,
                required_score=opinion.required_score,
                action=opinion.action,
                symbols=[
                    SymbolShown(name=each.name, score=each.score, description=each.description)
                    for each in opinion.symbols
                ],
                trouble=opinion.trouble,
            ),
        ),
        findings=shown_findings(checked.findings),
        sizes=SizesShown(
            message=checked.sizes.message,
            html=checked.sizes.html,
            html_clipped_at=CLIPPED,
            text=checked.sizes.text,
            attachments=checked.sizes.attachments,
        ),
        links=[
            LinkShown(field=field, url=each.written[:2000], kind=each.kind, host=each.host)
            for field, each in checked.links
        ],
    )
