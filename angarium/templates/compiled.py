"""One version, ready to be filled in, again and again. Pure.

Whoever renders keeps some of these, by their bundles' digests: sources are read once.
"""

import functools
from typing import Any, Final

from angarium.config.languages import is_within, nearest
from angarium.content.letter import LetterError
from angarium.content.plain_text import plain_text
from angarium.templates.bundle import PARTS, Bundle, Part
from angarium.templates.engine import SLASH, engine
from angarium.templates.faults import included_in, place, problem_of
from angarium.templates.filters.table import LOCALE, TIME_ZONE
from angarium.templates.finishing import (
    FinishError,
    html_of_mjml,
    one_line,
    with_inlined_css,
)
from angarium.templates.given import CODES
from angarium.templates.mustache.translation import HERE, ROOT
from angarium.templates.plain_data import DataError, Map, plain
from angarium.templates.rendering import (
    MAX_RENDERED_OCTETS,
    MAX_SUBJECT_CHARACTERS,
    Filling,
    Problem,
    ProblemKind,
    Rendered,
)
from angarium.templates.shapes.shape import Finished
from angarium.templates.shapes.shaped_html import Attempt, ShapedHtml, find_shaped_html
from angarium.templates.shapes.shapes import Shapes
from angarium.templates.sources import SourceName, Sources
from angarium.templates.variable_check import fill_in

MAX_INCLUDED: Final = 5  # ours: partials in partials in which a fault is looked for


class Compiled:
    """Invariant FL1: a subject and a preheader are one line, whatever was filled in.

    Invariant FL2: what a variable has of HTML's marks is text in HTML, unless the template says ``safe``.
    """

    def __init__(
        self, bundle: Bundle, *, lenient: bool = False, shapes: Shapes | None = None
    ) -> None:
        """``lenient``: missing variables are empty, whatever the bundle says.

        ``shapes``: what is known of the HTML of all bundles; None: of this one alone.
        """
        self.bundle = bundle
        self.sources = Sources(bundle)
        self.engine = engine(bundle, self.sources, lenient=lenient)
        self._is_strict = bundle.missing == "strict" and bundle.syntax != "mustache" and not lenient
        self._lenient = lenient
        self._shapes = shapes
        self._is_new = True

    def render(self, filling: Filling) -> Rendered | Problem:
        """Fill it in. Never raises for what a template or data can do; takes no longer than its fuel lasts."""
        data = self._read(filling)
        if isinstance(data, Problem):
            return data
        tag = self._nearest(filling.locale)
        context = self._context(filling, tag, data)
        return self._render(tag, context, self._attempt(tag, data, context))

    def _render(
        self, tag: str, context: dict[str, Any], attempt: Attempt | None
    ) -> Rendered | Problem:
        filled: dict[Part, str | None] = {}
        finished = None if attempt is None else attempt.finished
        octets = 0 if attempt is None or finished is None else attempt.most_octets
        for part in PARTS:
            text = attempt.filled if attempt and part == "html" else self._fill(part, tag, context)
            if isinstance(text, Problem):
                return text
            filled[part] = text
            octets += 0 if text is None else len(text.encode(errors="replace"))
            if octets > MAX_RENDERED_OCTETS:
                # What was guessed is to be measured first
                return self._render(tag, context, None) if finished else _too_large(part, tag)
        return self._finish(tag, filled, finished)

    def _attempt(self, tag: str, data: Map, context: dict[str, Any]) -> Attempt | None:
        """Return what comes of the HTML by its shape; None: it is filled in as usual."""
        if self._is_new:
            self._is_new = False  # there may be one mail of it only
            return None
        shaped = self._shaped
        if shaped is None or not shaped.is_worthwhile or not self._has("html", tag):
            return None
        return shaped.fill(tag, data, context, wants_text=not self._has("text", tag))

    @functools.cached_property
    def _shaped(self) -> ShapedHtml | None:
        shapes = Shapes() if self._shapes is None else self._shapes
        return find_shaped_html(self.bundle, self.sources, shapes, lenient=self._lenient)

    def _read(self, filling: Filling) -> Map | Problem:
        try:
            data = plain(filling.data)
        except DataError as error:
            return Problem(
                kind=ProblemKind.WRONG_VARIABLE,
                variable=error.path,
                message=f"{error.path} {error}",
            )
        found: Map | Problem = data
        if self.bundle.variables is not None:
            found = fill_in(self.bundle.variables, data, strict=self._is_strict)
        return found if isinstance(found, Problem) else Map({**CODES, **found})

    def _nearest(self, wanted: str) -> str:
        return nearest(tuple(self.bundle.locales), wanted, self.bundle.default_locale)

    def _context(self, filling: Filling, tag: str, data: Map) -> dict[str, Any]:
        wanted = filling.locale
        # de-AT reads de, and has its dates as Austria writes them; who asked for fr and gets en reads English
        context: dict[str, Any] = {} if filling.now is None else {"now": filling.now}
        context.update(data)
        context[LOCALE] = wanted if is_within(wanted, tag) else tag
        context[TIME_ZONE] = self.bundle.time_zone
        context[ROOT] = context[HERE] = data
        return context

    def _fill(self, part: Part, tag: str, context: dict[str, Any]) -> str | Problem | None:
        name = SourceName(part=part, locale=tag).text
        if not self._has(part, tag):
            return None
        return self._fill_source(name, context)

    def _has(self, part: Part, tag: str) -> bool:
        parts = self.bundle.locales.get(tag)
        return parts is not None and parts.source(part) is not None

    def fill_part(self, part: Part, filling: Filling) -> str | Problem | None:
        """Return what comes of one part alone, not finished; None: there is none."""
        data = self._read(filling)
        if isinstance(data, Problem):
            return data
        tag = self._nearest(filling.locale)
        return self._fill(part, tag, self._context(filling, tag, data))

    def _fill_source(self, name: str, context: dict[str, Any]) -> str | Problem:
        """Return what comes of one source."""
        try:
            text = self.engine.render_template(name, **context)
        except Exception as error:  # noqa: BLE001 - whatever a template brings about is its problem
            return self._problem(error, name, context)
        return text.replace(SLASH, "/") if SLASH in text else text

    def _problem(self, error: Exception, name: str, context: dict[str, Any]) -> Problem:
        """Return what is wrong. Of what fails in a partial the engine says no more: it is filled in alone."""
        for _ in range(MAX_INCLUDED):
            included = included_in(error)
            if included is None:
                break
            try:
                self.engine.render_template(included, **context)
            except Exception as inner:  # noqa: BLE001 - as above
                error, name = inner, included
            else:
                break
        return problem_of(error, name, self.sources)

    def _finish(
        self, tag: str, filled: dict[Part, str | None], finished: Finished | None
    ) -> Rendered | Problem:
        subject = one_line(filled["subject"] or "")  # FL1
        preheader = one_line(filled["preheader"] or "")  # FL1
        html, text = filled["html"], filled["text"]
        if max(len(subject), len(preheader)) > MAX_SUBJECT_CHARACTERS:
            return _too_large(
                "subject" if len(subject) > MAX_SUBJECT_CHARACTERS else "preheader", tag
            )
        try:
            if finished is not None:
                html, text = finished.html, finished.text if text is None else text
            elif html is not None:
                html = html_of_mjml(html) if self.bundle.kind == "mjml" else with_inlined_css(html)
            if text is None and html is not None:
                text = plain_text(html)
        except FinishError as error:
            return _unfinished(error, tag, filled["html"] or "")
        except LetterError as error:
            return Problem(
                kind=ProblemKind.FAILED, part="html", locale=tag, message=f"the HTML {error.reason}"
            )
        if html is not None and len(html) > MAX_RENDERED_OCTETS:
            return _too_large("html", tag)
        return Rendered(
            subject=subject,
            preheader=preheader,
            html=html,
            text=text,
            amp=filled["amp"],
            locale=tag,
        )


def _too_large(part: str, tag: str) -> Problem:
    return Problem(
        kind=ProblemKind.TOO_LARGE,
        part=part,
        locale=tag,
        message="what comes of it is too large: fill in less",
    )


def _unfinished(error: FinishError, tag: str, source: str) -> Problem:
    where = None if error.offset is None else place(source.encode(), error.offset, 0)
    return Problem(
        kind=ProblemKind.FAILED,
        part="html",
        locale=tag,
        line=None if where is None else where[0],
        column=None if where is None else where[1],
        message=str(error),
    )
