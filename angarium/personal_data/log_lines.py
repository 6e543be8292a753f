"""A line of the mail log without a person. Pure."""

from typing import Any, Final

import msgspec

from angarium.personal_data.store import Subject

# As the log has it, so that no other line has to be read
_FETCHED: Final = b'"event":"fetched"'
_READER: Final = "client"


class LineEraser:
    """Goes through lines in their order, and remembers which recipients of which messages the person is: who fetched
    something is named by that alone.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._theirs: set[str] = set()  # ids of recipients

    def change(self, line: bytes) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return the line as it is, and as it is to be; None: it is already, or is another tenant's."""
        person = self._subject.person
        if not person.is_known_in(line) and (_FETCHED not in line or not self._theirs):
            return None
        try:
            found: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.MsgspecError:
            found = {"text": line.decode("utf-8", "replace").rstrip("\n")}
        if self._subject.tenant is not None and found.get("tenant") != self._subject.tenant:
            return None
        after = person.out_of(self._without_reader(found))
        return None if after == found else (found, after)

    def _without_reader(self, found: dict[str, Any]) -> dict[str, Any]:
        known = self._subject.person.is_known_as
        id_ = str(found.get("id", ""))
        if known(str(found.get("recipient", ""))):
            self._theirs.add(id_)
        elif id_ not in self._theirs or found.get("event") != "fetched":
            for at, each in enumerate(found.get("recipients", ())):
                if known(str(each)):
                    self._theirs.add(f"{found.get('message')}.{at}")
            return found
        return {name: value for name, value in found.items() if name != _READER}


def own_line(found: dict[str, Any], subject: Subject) -> dict[str, Any]:
    """Return what of a line the person may have: of several recipients, themselves."""
    if "recipients" not in found:
        return found
    theirs = [each for each in found["recipients"] if subject.person.is_in_text(each)]
    return {**found, "recipients": theirs}
