"""The HTML of one version, and the text made of it, by the shapes of what it writes. Pure."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from minijinja import Environment

from angarium.templates.bundle import Bundle
from angarium.templates.engine import SLASH, engine, shown_in
from angarium.templates.finishing import has_styles
from angarium.templates.plain_data import Map, has_whole_floats
from angarium.templates.shapes.eligibility import Source, may_leave_gaps
from angarium.templates.shapes.number_use import makes_floats
from angarium.templates.shapes.recording import Recorded, Recorder
from angarium.templates.shapes.shape import HTML, MJML, Finished
from angarium.templates.shapes.shapes import Shapes, Shaping
from angarium.templates.sources import SourceName, Sources


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What came of HTML without its values being seen."""

    filled: str  # as the engine would have written it; "": it is finished, and this is not needed
    finished: Finished | None  # None: it has to be finished by itself
    most_octets: int  # what is filled in is no longer


class ShapedHtml:
    def __init__(
        self,
        bundle: Bundle,
        sources: Sources,
        shapes: Shapes,
        *,
        lenient: bool,
        may_make_floats: bool,
    ) -> None:
        self._may_make_floats = may_make_floats
        self._shaping = Shaping(shapes, MJML if bundle.kind == "mjml" else HTML)
        self._recorder = Recorder(shown_in(bundle))
        self._engine: Final[Environment] = engine(
            bundle, sources, lenient=lenient, finalizer=self._recorder.finalize
        )

    @property
    def is_worthwhile(self) -> bool:
        """Whether its mails are alike enough."""
        return self._shaping.is_worthwhile

    def fill(
        self, tag: str, data: Map, context: Mapping[str, Any], *, wants_text: bool
    ) -> Attempt | None:
        """Fill it in, in the language of this tag. None: something is wrong, and who fills it in as usual says what.

        ``data``: what of the context is the mail's.
        """
        self._recorder.begin(has_whole=self._may_make_floats or has_whole_floats(data))
        recorded = self._record(SourceName(part="html", locale=tag).text, context)
        if recorded is None:
            self._shaping.miss()
            return None
        finished = self._shaping.finished(recorded, wants_text=wants_text)
        return Attempt(
            filled=recorded.filled() if finished is None else "",
            finished=finished,
            most_octets=recorded.most_octets,
        )

    def _record(self, name: str, context: Mapping[str, Any]) -> Recorded | None:
        try:
            text = self._engine.render_template(name, **context)
        except Exception:  # noqa: BLE001 - whatever a template brings about is its problem
            return None
        return self._recorder.recorded(text.replace(SLASH, "/") if SLASH in text else text)


def find_shaped_html(
    bundle: Bundle, sources: Sources, shapes: Shapes, *, lenient: bool
) -> ShapedHtml | None:
    """Return it; None: there is nothing to be won, or what is written cannot be told apart from its values."""
    written = [
        Source(template=each.template, text=sources.load(each.text) or "")
        for each in sources.names()
        if each.part == "html"
    ]
    makes_text = any(each.html and each.text is None for each in bundle.locales.values())
    is_plain = (
        bundle.kind == "html"
        and not makes_text
        and not any(has_styles(each.text) for each in written)
    )
    if not written or is_plain or not may_leave_gaps(written):
        return None
    # Of mustache, numbers are written by us
    may_make_floats = bundle.syntax != "mustache" and any(
        makes_floats(each.text) for each in written
    )
    return ShapedHtml(bundle, sources, shapes, lenient=lenient, may_make_floats=may_make_floats)
