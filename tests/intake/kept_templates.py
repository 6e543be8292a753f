"""Templates and a renderer in memory: what stands between braces is filled in, and nothing else is done."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from angarium.templates.bundle import Bundle, Parts, decode_bundle, encode_bundle
from angarium.templates.rendering import Examination, Filling, Problem, ProblemKind, Rendered
from angarium.tenancy.templates.index import (
    IndexData,
    IndexedTemplate,
    IndexedVersion,
    TemplateEntry,
    TemplateIndex,
    TemplateProblem,
)

_PLACE = re.compile(r"\{\{ ?(\w+) ?\}\}")


class _MissingError(Exception):
    pass


class KeptTemplates:
    """Both ``template_desk.Templates`` and a Renderer."""

    def __init__(self) -> None:
        self._templates: dict[tuple[str, str], IndexedTemplate] = {}
        self._bundles: dict[str, bytes] = {}
        self.problems: list[ProblemKind] = []  # what comes of the next mails, each of all kinds
        self.lots: list[int] = []  # how many were to be filled at once
        self.error: Exception | None = None

    def add(self, alias: str, parts: Parts, tenant: str = "acme") -> str:
        """Return its id. One that is there gets another version, which is the published one."""
        bundle = Bundle(locales={"en": parts, "de": parts})
        self._bundles[bundle.digest] = encode_bundle(bundle)
        old = self._templates.get((tenant, alias))
        versions = () if old is None else old.versions
        version = IndexedVersion(len(versions) + 1, bytes.fromhex(bundle.digest))
        self._templates[tenant, alias] = IndexedTemplate(
            tenant=tenant,
            id=f"id-of-{alias}",
            alias=alias,
            kind="mail",
            published=version.number,
            versions=(*versions, version),
        )
        return f"id-of-{alias}"

    def find(self, tenant: str, name: str, version: int | None) -> TemplateEntry | TemplateProblem:
        data = IndexData(templates=tuple(self._templates.values()))
        return TemplateIndex(data).find(tenant, name, version)

    def load(self, digest: str) -> bytes:
        return self._bundles[digest]

    async def render(
        self,
        bundle_digest: str,
        load: Callable[[], bytes],
        fillings: Sequence[Filling],
        *,
        tenant: str,
    ) -> list[Rendered | Problem]:
        if self.error is not None:
            raise self.error
        self.lots.append(len(fillings))
        bundle = decode_bundle(load())
        return [self._answer(bundle, each) for each in fillings]

    async def examine(
        self, bundle: Bundle, sample: Filling | None = None, *, tenant: str
    ) -> Examination:
        raise NotImplementedError

    def _answer(self, bundle: Bundle, filling: Filling) -> Rendered | Problem:
        if self.problems:
            kind = self.problems.pop(0)
            return Problem(kind=kind, part="html", line=3, column=7, message="took too long")
        is_there = filling.locale in bundle.locales
        locale = filling.locale if is_there else bundle.default_locale
        parts = bundle.locales[locale]
        try:
            return Rendered(
                subject=_filled(parts.subject, filling.data),
                preheader=_filled(parts.preheader, filling.data),
                html=None if parts.html is None else _filled(parts.html, filling.data),
                text=None if parts.text is None else _filled(parts.text, filling.data),
                amp=parts.amp,
                locale=locale,
            )
        except _MissingError as error:
            return Problem(
                kind=ProblemKind.MISSING_VARIABLE,
                part="text",
                line=1,
                column=4,
                message="the variable is not given",
                variable=str(error),
            )


def _filled(source: str, data: Mapping[str, Any]) -> str:
    def value(place: re.Match[str]) -> str:
        if place[1] not in data:
            raise _MissingError(place[1])
        return str(data[place[1]])

    return _PLACE.sub(value, source)
