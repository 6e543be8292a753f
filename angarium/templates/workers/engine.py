"""The engine of a worker, made of what knows templates. Imported in workers only."""

from angarium.templates.bundle import decode_bundle
from angarium.templates.compiled import Compiled
from angarium.templates.examination import examine
from angarium.templates.rendering import Examination, Filling
from angarium.templates.shapes.shapes import Shapes
from angarium.templates.workers.worker import Engine, Prepared


class TemplateEngine(Engine):
    def __init__(self) -> None:
        self._shapes = Shapes()

    def prepare(self, bundle: bytes) -> Prepared:
        """Raises BundleError."""
        return Compiled(decode_bundle(bundle), shapes=self._shapes)

    def examine(self, bundle: bytes, sample: Filling | None) -> Examination:
        """Raises BundleError."""
        return examine(decode_bundle(bundle), sample)


def open_engine() -> Engine:
    return TemplateEngine()
