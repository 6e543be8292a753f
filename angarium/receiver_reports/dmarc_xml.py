"""DMARC aggregate reports, of RFC 9990 and of RFC 7489 appendix C, and as vendors write them. Pure.

Elements go by their local names at their places, whatever their namespace; others are passed over. Read by expat as a
stream: no tree is built, no DTD and no entity taken, and depth, elements and texts are bounded (C3).
"""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any, Final
from xml.parsers import expat

from angarium.receiver_reports.model import (
    MAX_COUNT,
    MAX_NAME,
    MAX_RESULTS,
    MAX_ROWS,
    MAX_SPAN_S,
    MAX_TEXT,
    AuthResult,
    Disposition,
    DmarcReport,
    DmarcRow,
    Override,
    PublishedPolicy,
    cut,
    domain_name,
    without_addresses,
)

# Ours (C3)
MAX_DEPTH: Final = 16
MAX_ELEMENTS: Final = 1_500_000
MAX_ATTRIBUTES: Final = 4096  # octets of one start tag
MAX_ERRORS: Final = 20
_PIECE: Final = 1 << 16
_BOM: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_DECLARED: Final = re.compile(rb"""\A<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})""")
# What vendors declare, and expat does not know by itself
_LATIN: Final = frozenset({"windows-1252", "cp1252", "iso-8859-15", "latin1", "latin-1"})
_DISPOSITIONS: Final[dict[str, Disposition]] = {
    "none": "none",
    "pass": "none",  # RFC 9990: it passed, and nothing was done
    "quarantine": "quarantine",
    "reject": "reject",
}
_MILLISECONDS: Final = 10**11  # a time above it is given in them


class DmarcXmlError(ValueError):
    """It is no DMARC report that can be taken; says why."""


class _StopError(Exception):
    """A bound is exceeded, or something is in it that none has."""


def read_dmarc(octets: bytes) -> DmarcReport:
    """Raises DmarcXmlError. A row that cannot be read is counted and left out."""
    reading = _Reading()
    try:
        _parse(octets, reading)
    except (_StopError, expat.ExpatError) as error:
        raise DmarcXmlError(_why(error, reading)) from None
    except LookupError as error:  # its declaration names it
        raise DmarcXmlError(f"it is in an encoding that is none: {cut(str(error), 60)}") from None
    if reading.root != "feedback":
        raise DmarcXmlError(
            f"it is XML, and no DMARC report: its root is <{cut(reading.root, 60)}>"
        )
    return reading.report()


def _why(error: Exception, reading: "_Reading") -> str:
    if isinstance(error, _StopError):
        return str(error)
    place = f"line {reading.parser.CurrentLineNumber}"
    return f"it is no XML from {place} on: {expat.ErrorString(getattr(error, 'code', 0)) or error}"


def _parse(octets: bytes, reading: "_Reading") -> None:
    """Raises _StopError, expat.ExpatError."""
    octets, encoding = _decoded(octets)
    parser = reading.parser = expat.ParserCreate(encoding, namespace_separator=" ")
    parser.buffer_text = True
    parser.buffer_size = _PIECE
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.text
    # No report has a DTD: with it go entities, of whatever kind, and what they grow to
    parser.StartDoctypeDeclHandler = reading.refuse_doctype
    parser.EntityDeclHandler = reading.refuse_doctype
    parser.ExternalEntityRefHandler = lambda *_: 0
    if hasattr(parser, "SetReparseDeferralEnabled"):
        # Else a token that never ends would be looked at anew with each piece only where enough has come
        parser.SetReparseDeferralEnabled(True)
    for at in range(0, len(octets), _PIECE):
        before = parser.CurrentByteIndex
        parser.Parse(octets[at : at + _PIECE], False)
        # A tag or comment that is longer than four pieces is an attack; expat would keep all of it
        if at > 4 * _PIECE and parser.CurrentByteIndex == before:
            reading.stuck += 1
            if reading.stuck > 4:
                raise _StopError("a single tag or comment in it has no end")
        else:
            reading.stuck = 0
    parser.Parse(b"", True)


def _decoded(octets: bytes) -> tuple[bytes, str | None]:
    """Return what expat is to read, and in which encoding; None: as it declares."""
    if octets.startswith(_BOM):
        return octets, None
    octets = octets.lstrip()
    declared = _DECLARED.match(octets)
    if declared is not None and declared[1].decode().lower() in _LATIN:
        return octets.decode("cp1252", "replace").encode(), "utf-8"
    if declared is None or declared[1].lower() in (b"utf-8", b"us-ascii"):
        # What says UTF-8 and is not: a text of one comment is no reason to lose a report
        try:
            octets.decode()
        except UnicodeDecodeError:
            return octets.decode("latin-1").encode(), "utf-8"
    return octets, None


class _Reading:
    """What was read so far: the path of elements, and texts by it."""

    parser: Any

    def __init__(self) -> None:
        self.root = ""
        self.stuck = 0
        self._path: list[str] = []
        self._elements = 0
        self._text: list[str] = []
        self._text_length = 0
        self._head: dict[str, str] = {}
        self._errors: list[str] = []
        self._rows: list[DmarcRow] = []
        self._row: _Row | None = None
        self._skipped = 0
        self._skipped_why = ""

    # --- what expat calls ---

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise _StopError(f"it has more than {MAX_ELEMENTS:,} elements")
        if len(self._path) >= MAX_DEPTH:
            raise _StopError(f"its elements are nested more than {MAX_DEPTH} deep")
        if sum(len(key) + len(value) for key, value in attributes.items()) > MAX_ATTRIBUTES:
            raise _StopError(f"a tag in it has more than {MAX_ATTRIBUTES} octets of attributes")
        local = name.rpartition(" ")[2]
        if not self._path:
            self.root = local
            if local != "feedback":
                raise _StopError(f"it is XML, and no DMARC report: its root is <{cut(local, 60)}>")
        self._path.append(local)
        self._text.clear()
        self._text_length = 0
        place = self._path[1:]
        if place == ["record"]:
            self._row = _Row()
        elif self._row is not None and place[0] == "record":
            self._row.begin(place[1:])

    def text(self, text: str) -> None:
        if self._text_length < MAX_TEXT * 2:
            self._text.append(text[: MAX_TEXT * 2])
            self._text_length += len(text)

    def end(self, _name: str) -> None:
        text = cut("".join(self._text))
        self._text.clear()
        self._text_length = 0
        place = self._path[1:]
        self._path.pop()
        if not place:
            return
        if place == ["record"]:
            self._end_row()
        elif place[0] == "record" and self._row is not None:
            self._row.take(place[1:], text)
        elif place[-1] == "error" and place[0] == "report_metadata":
            if (error := without_addresses(text)) and len(self._errors) < MAX_ERRORS:
                self._errors.append(error)
        elif len(place) <= 3 and text:
            self._head.setdefault("/".join(place), text)

    def refuse_doctype(self, *_: object) -> None:
        raise _StopError("it has a DTD or entities, which no report has")

    def _end_row(self) -> None:
        row, self._row = self._row, None
        assert row is not None  # it began
        if len(self._rows) >= MAX_ROWS:
            raise _StopError(f"it has more than {MAX_ROWS:,} records")
        try:
            self._rows.append(row.made(self._head.get("policy_published/domain", "")))
        except ValueError as error:
            self._skipped += 1
            self._skipped_why = self._skipped_why or f"record {self._count}: {error}"

    @property
    def _count(self) -> int:
        return len(self._rows) + self._skipped

    # --- what it comes to ---

    def report(self) -> DmarcReport:
        """Raises DmarcXmlError."""
        head = self._head
        begin = _time(head, "begin")
        end = max(begin, _time(head, "end"))
        if end - begin > MAX_SPAN_S:
            raise DmarcXmlError(f"it spans {(end - begin) // 86_400} days: reports are of one")
        organization = head.get("report_metadata/org_name") or _mail_domain(head)
        report_id = head.get("report_metadata/report_id", "")
        domain = domain_name(head.get("policy_published/domain", ""))
        for name, value in (
            ("report_metadata/org_name", organization),
            ("report_metadata/report_id", report_id),
            ("policy_published/domain", domain),
        ):
            if not value:
                raise DmarcXmlError(f"it has no <{name.replace('/', '><')}>")
        if not self._rows and self._skipped:
            raise DmarcXmlError(f"none of its records can be read; {self._skipped_why}")
        return DmarcReport(
            organization=cut(organization.rpartition("@")[2], MAX_NAME),
            report_id=cut(report_id, MAX_NAME),
            begin=begin,
            end=end,
            policy=_policy(head, domain),
            rows=tuple(self._rows),
            contact=without_addresses(head.get("report_metadata/extra_contact_info", "")),
            generator=cut(head.get("report_metadata/generator", ""), MAX_NAME),
            version=cut(head.get("version", ""), 20),
            errors=tuple(self._errors),
            skipped=self._skipped,
            skipped_why=self._skipped_why,
        )


class _Row:
    """A record under way."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        # Each of the elements that may come several times, as its children's texts
        self._several: dict[str, list[dict[str, str]]] = {"reason": [], "dkim": [], "spf": []}

    def begin(self, place: list[str]) -> None:
        name = self._list_of(place)
        if name and len(place) == (3 if name == "reason" else 2):
            if len(self._several[name]) >= MAX_RESULTS:
                self._several[name].pop()
            self._several[name].append({})

    def take(self, place: list[str], text: str) -> None:
        if not text:
            return
        name = self._list_of(place)
        depth = 3 if name == "reason" else 2
        if name and len(place) == depth + 1 and self._several[name]:
            self._several[name][-1].setdefault(place[-1], text)
        elif len(place) <= 3:
            self._texts.setdefault("/".join(place), text)

    @staticmethod
    def _list_of(place: list[str]) -> str:
        """Return which of the repeated elements the place is of or in; "": none."""
        if place[:2] == ["row", "policy_evaluated"] and len(place) > 2 and place[2] == "reason":
            return "reason"
        # RFC 7489 says auth_results; so do all vendors
        if place[0] == "auth_results" and len(place) > 1 and place[1] in ("dkim", "spf"):
            return place[1]
        return ""

    def made(self, policy_domain: str) -> DmarcRow:
        """Raises ValueError: what cannot be done without is not there, or is not what it should be."""
        texts = self._texts
        address = texts.get("row/source_ip", "")
        try:
            source = ip_address(address)
        except ValueError:
            raise ValueError(f"<source_ip> is no address: {address[:60]!r}") from None
        mapped = getattr(source, "ipv4_mapped", None)
        # Some call it identities
        header_from = texts.get("identifiers/header_from") or texts.get("identities/header_from")
        envelope = texts.get("identifiers/envelope_from") or texts.get("identities/envelope_from")
        to = texts.get("identifiers/envelope_to", "")
        return DmarcRow(
            address=str(mapped or source),
            count=_number(texts.get("row/count", ""), "count"),
            disposition=_disposition(texts.get("row/policy_evaluated/disposition", "none")),
            dkim=texts.get("row/policy_evaluated/dkim", "").lower() == "pass",
            spf=texts.get("row/policy_evaluated/spf", "").lower() == "pass",
            header_from=domain_name((header_from or policy_domain).rpartition("@")[2]),
            envelope_from=domain_name((envelope or "").rpartition("@")[2]),
            envelope_to=domain_name(to.rpartition("@")[2]),
            overrides=tuple(
                Override(
                    type=each["type"].lower()[:60],
                    comment=without_addresses(each.get("comment", "")),
                )
                for each in self._several["reason"]
                if each.get("type")
            ),
            dkim_results=tuple(_results(self._several["dkim"])),
            spf_results=tuple(_results(self._several["spf"])),
        )


def _results(several: list[dict[str, str]]) -> Iterator[AuthResult]:
    for each in several:
        if each.get("domain") or each.get("result"):
            yield AuthResult(
                domain=domain_name(each.get("domain", "").rpartition("@")[2]),
                result=each.get("result", "none").lower()[:30],
                selector=cut(each.get("selector", ""), MAX_NAME),
                scope=each.get("scope", "").lower()[:30],
            )


def _policy(head: dict[str, str], domain: str) -> PublishedPolicy:
    def of(name: str) -> str:
        return head.get(f"policy_published/{name}", "").lower()[:60]

    return PublishedPolicy(
        domain=domain,
        p=of("p") or "none",
        sp=of("sp"),
        np=of("np"),
        adkim=of("adkim"),
        aspf=of("aspf"),
        pct=of("pct"),
        fo=of("fo"),
        testing=of("testing"),
        discovery=of("discovery_method"),
    )


def _time(head: dict[str, str], name: str) -> int:
    """Raises DmarcXmlError."""
    text = head.get(f"report_metadata/date_range/{name}", "")
    try:
        found = _number(text.partition(".")[0], name)
    except ValueError as error:
        raise DmarcXmlError(f"in <date_range> {error}") from None
    found = found // 1000 if found > _MILLISECONDS else found
    if found == 0:
        raise DmarcXmlError(f"in <date_range> <{name}> is 0: it says no time")
    return found


def _number(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 15 or int(text) > MAX_COUNT * 8:
        raise ValueError(f"<{name}> is no number: {text[:60]!r}")
    return int(text)


def _disposition(text: str) -> Disposition:
    found = _DISPOSITIONS.get(text.lower())
    if found is None:
        raise ValueError(f"<disposition> is none that there is: {text[:60]!r}")
    return found


def _mail_domain(head: dict[str, str]) -> str:
    """What names a reporter that has no name."""
    return domain_name(head.get("report_metadata/email", "").rpartition("@")[2].strip("<>"))
