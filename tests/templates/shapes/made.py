"""Short ways to what a shape makes of a template."""

from typing import Any, Final

from angarium.templates.bundle import Bundle
from angarium.templates.filters.table import LOCALE, TIME_ZONE
from angarium.templates.mustache.translation import HERE, ROOT
from angarium.templates.plain_data import plain
from angarium.templates.shapes.shape import Finished
from angarium.templates.shapes.shaped_html import ShapedHtml, find_shaped_html
from angarium.templates.shapes.shapes import Shapes
from angarium.templates.sources import Sources
from tests.templates.made import bundle

STYLE: Final = "<style>p { color: red }</style>"


def shaped(made: Bundle) -> ShapedHtml | None:
    """What takes shapes of it; None: nothing does."""
    return find_shaped_html(made, Sources(made), Shapes(), lenient=False)


def finished(found: ShapedHtml, data: dict[str, Any]) -> Finished | None:
    """What is known of a mail with this data, from the mails before it."""
    given = plain(data)
    context = {**given, LOCALE: "en", TIME_ZONE: "UTC", ROOT: given, HERE: given}
    attempt = found.fill("en", given, context, wants_text=True)
    return None if attempt is None else attempt.finished


def told(made: Bundle | str, before: dict[str, Any], data: dict[str, Any]) -> Finished | None:
    """What is told of a mail with ``data`` once mails with ``before`` were seen; None: nothing."""
    found = shaped(bundle(html=made) if isinstance(made, str) else made)
    assert found is not None
    for _ in range(3):
        finished(found, before)
    return finished(found, data)
