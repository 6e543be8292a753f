"""Templates where there are none."""

from collections.abc import Callable, Sequence

from angarium.templates.bundle import Bundle
from angarium.templates.rendering import Examination, Filling, Problem, Rendered
from angarium.tenancy.templates.index import ProblemOfName, TemplateProblem


class NoTemplates:
    """Both ``template_desk.Templates`` and a Renderer, which nobody comes to."""

    def find(self, tenant: str, name: str, version: int | None) -> TemplateProblem:
        text = f"there is no template {name[:100]!a}"
        return TemplateProblem(problem=ProblemOfName.UNKNOWN, text=text)

    def load(self, digest: str) -> bytes:
        raise FileNotFoundError(digest)

    async def render(
        self,
        bundle_digest: str,
        load: Callable[[], bytes],
        fillings: Sequence[Filling],
        *,
        tenant: str,
    ) -> list[Rendered | Problem]:
        raise NotImplementedError

    async def examine(
        self, bundle: Bundle, sample: Filling | None = None, *, tenant: str
    ) -> Examination:
        raise NotImplementedError
