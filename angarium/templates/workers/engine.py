"""The engine of a worker, made of what knows templates. Imported in workers only."""

from angarium.templates.bundle import decode_bundle
from angarium.templates.compiled import Compiled
from angarium.templates.examination import examine
from angarium.templates.rendering import Examination, Filling
from angarium.templates.workers.worker import Engine, Prepared


class TemplateEngine(Engine):
    def prepare(self, bundle: bytes) -> Prepared:
        """Raises BundleError."""
        return Compiled(decode_bundle(bundle))

    def examine(self, bundle: bytes, sample: Filling | None) -> Examination:
        """Raises BundleError."""
        return examine(decode_bundle(bundle), sample)


def open_engine() -> Engine:
    return TemplateEngine()
