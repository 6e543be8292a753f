"""The template that a Mailgun request names, and what fills it. Pure. Raises FaultError, whose field is Mailgun's."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from angarium.api.compat.faults import invalid, json_object
from angarium.api.compat.mailgun.fields import Fields
from angarium.api.compat.mailgun.variables import Filling
from angarium.intake.order import FaultError, TemplateUse
from angarium.intake.recipient_places import RecipientPlaces
from angarium.tenancy.templates.model import MAX_TAG

NAME: Final = "template"
_VERSION: Final = "t:version"
_TEXT: Final = "t:text"
_VARIABLES: Final = "t:variables"


def read_template(
    fields: Fields, metadata: Mapping[str, Any], fill: Filling, places: RecipientPlaces | None
) -> TemplateUse | None:
    """Return None where none is named. ``metadata``: of v: and X-Mailgun-Variables, which are its variables, too.
    ``fill``: what t:variables has of the recipient; ``places``: what the template itself has.

    ``t:text`` changes nothing: a text part is there in any case, the template's or one made of its HTML.
    """
    name = fields.one(NAME)
    for each in (_VERSION, _TEXT, _VARIABLES):
        if not name and fields.one(each):
            raise FaultError(invalid(each, "is of a template: give template, too"))
    if not name:
        return None
    fields.is_on(_TEXT)
    data = {each: _unfolded(value) for each, value in metadata.items()}
    if written := fields.one(_VARIABLES):
        data.update(_filled(json_object(written, _VARIABLES), fill))
    return TemplateUse(name=name, version=_version(fields.one(_VERSION)), data=data, places=places)


def _filled(value: Any, fill: Filling) -> Any:
    """Places of recipient variables are filled in behind the JSON: no quote in a name ends a text."""
    match value:
        case str():
            return fill(value)
        case list():
            return [_filled(each, fill) for each in value]
        case dict():
            return {name: _filled(each, fill) for name, each in value.items()}
    return value


def _version(text: str) -> str | None:
    """A tag, or the number of a version without one."""
    if len(text) > MAX_TAG:
        raise FaultError(invalid(_VERSION, f"is a tag of at most {MAX_TAG} characters"))
    return text or None


def _unfolded(value: Any) -> Any:
    """A variable that came as JSON in a text, as clients send lists and objects."""
    if not isinstance(value, str) or not value.startswith(("{", "[")):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return value
