"""Reports about whole domains, known by their form: DMARC aggregates (RFC 9990) and TLS-RPT (RFC 8460). Pure."""

import re
from typing import Final

from angarium.feedback.mail.parts import ParsedMail, file_name
from angarium.feedback.mail.wording import phrases

# RFC 7489 section 7.2.1.1: receiver!policy-domain!begin!end[!unique].xml[.gz|.zip]
_DMARC_NAME: Final = re.compile(
    r"[^!\s/]{1,255}![^!\s/]{1,255}!\d{6,12}!\d{6,12}(?:![^!\s/]{1,255})?(?:\.xml)?(?:\.gz|\.zip|\.gzip)?",
    re.IGNORECASE,
)
_DMARC_SUBJECT: Final = re.compile(
    r"report[ -]?domain:?\s*\S{1,255}.{0,300}(?:submitter|report-id)", re.IGNORECASE
)
_DMARC_WORDS: Final = re.compile(
    r"\bdmarc\b.{0,40}\b(?:aggregate|report|rua)\b|\baggregate report\b", re.IGNORECASE
)
_TLS_TYPES: Final = frozenset(
    {"application/tlsrpt+gzip", "application/tlsrpt+json", "application/tlsrpt+zip"}
)
_TLS_NAME: Final = re.compile(
    r"[^!\s/]{1,255}![^!\s/]{1,255}!\d{6,12}!\d{6,12}(?:![^!\s/]{1,255})?\.json(?:\.gz|\.zip)?",
    re.IGNORECASE,
)
_PACKED: Final = frozenset(
    phrases(
        """
    application/zip | application/gzip | application/x-zip-compressed | application/x-gzip | text/xml |
    application/xml | application/octet-stream | application/x-zip | application/gzip-compressed
    """
    )
)


def is_tls_report(mail: ParsedMail) -> bool:
    if (
        mail.parameters.get("report-type", "").lower() == "tlsrpt"
        or "tls-report-domain" in mail.fields
    ):
        return True
    return any(
        each.content_type in _TLS_TYPES or _TLS_NAME.fullmatch(file_name(each))
        for each in mail.parts
    )


def is_dmarc_report(mail: ParsedMail) -> bool:
    files = [file_name(each) for each in mail.parts]
    if any(_DMARC_NAME.fullmatch(each) and not _TLS_NAME.fullmatch(each) for each in files):
        return True
    subject = mail.fields.text("subject")[:1000]
    if not (
        _DMARC_SUBJECT.search(subject) or re.match(r"\s*report[ -]domain:", subject, re.IGNORECASE)
    ):
        is_named = _DMARC_WORDS.search(subject) or _DMARC_WORDS.search(mail.fields.text("from"))
        if not is_named:
            return False
    return any(each.content_type in _PACKED for each in mail.parts)
