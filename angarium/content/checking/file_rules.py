"""Attachments: what receivers refuse, and what is not what it is called. Pure."""

import io
import zipfile
from collections.abc import Iterator
from typing import Final

from angarium.content.checking.mail import File
from angarium.content.checking.rule import Broken, Rule, RulePart
from angarium.content.checking.view import View

_PROGRAMS: Final = """
    ade adp apk appx appxbundle app application bas bat cab chm cmd com cpl crt dll dmg ex ex_ exe gadget hlp
    hta inf ins iso isp img jar jnlp js jse lib lnk mde msc msi msix msixbundle msp mst nsh pif ps1 ps1xml ps2
    psc1 psc2 reg scr sct shb sys url vb vbe vbs vhd vhdx vxd wsc wsf wsh xll
"""
# Of files that Gmail and Outlook refuse, whatever is in them
PROGRAMS: Final = frozenset(_PROGRAMS.split())
_MACROS: Final = frozenset({"docm", "dotm", "xlsm", "xltm", "xlam", "pptm", "potm", "ppsm", "ppam"})
_ACTIVE: Final = frozenset({"htm", "html", "shtml", "xhtml", "svg", "xml", "mht", "mhtml"})
_ARCHIVES: Final = frozenset(
    {"zip", "rar", "7z", "gz", "tgz", "bz2", "xz", "tar", "ace", "arj", "lzh"}
)
# How files of a name begin
_BEGINNINGS: Final = {
    "pdf": (b"%PDF",),
    "png": (b"\x89PNG",),
    "jpg": (b"\xff\xd8",),
    "jpeg": (b"\xff\xd8",),
    "gif": (b"GIF8",),
    "zip": (b"PK",),
    "docx": (b"PK",),
    "xlsx": (b"PK",),
    "pptx": (b"PK",),
}
MAX_ENTRIES: Final = 1000  # of an archive that are looked at
MAX_ARCHIVE: Final = 52_428_800  # octets of an archive whose list is read
MAX_FILES: Final = 200  # attachments that are looked at

RULES: Final = (
    Rule(
        code="file_program",
        level="blocker",
        points=3.0,
        wrong="a file is a program, or may run as one",
        remedy="link to it instead",
        reason="Gmail, Outlook and most others refuse the mail",
    ),
    Rule(
        code="file_program_in_archive",
        level="blocker",
        points=3.0,
        wrong="an archive has a program in it",
        remedy="link to it instead",
        reason="Gmail, Outlook and most others look into archives, and refuse the mail",
    ),
    Rule(
        code="file_encrypted",
        points=1.5,
        wrong="an archive is encrypted",
        remedy="link to it instead",
        reason="scanners cannot look into it: Gmail refuses or warns, and malware comes so",
    ),
    Rule(
        code="file_macros",
        points=2.0,
        wrong="a document may have macros",
        remedy="send it as .docx, .xlsx, .pptx or .pdf",
        reason="malware comes so: many companies refuse it",
    ),
    Rule(
        code="file_active",
        points=1.0,
        wrong="a file is a page that may run scripts (HTML, SVG, XML)",
        remedy="send a PDF or a picture, or link to the page",
        reason="phishing comes so: many companies refuse it",
    ),
    Rule(
        code="file_is_something_else",
        points=1.0,
        wrong="a file does not begin as files of its name do",
        remedy="see that it is whole and named as what it is",
        reason="readers cannot open it, and filters count it",
    ),
    Rule(
        code="file_empty",
        wrong="a file is empty",
        remedy="see that it was read before it was sent",
        reason="readers cannot open it",
    ),
    Rule(
        code="file_without_name",
        wrong="a file has no name",
        remedy="give it one, with its extension",
        reason="programs call it noname or ATT00001, and cannot open it",
    ),
)


def _find(view: View) -> Iterator[Broken]:
    for at, file in enumerate(view.mail.files[:MAX_FILES]):
        for code in _codes(file):
            part = "filename" if file.filename else "content"
            shown = (file.filename,) if file.filename else ()
            yield Broken(code=code, field=f"attachments[{at}].{part}", examples=shown)


def _codes(file: File) -> Iterator[str]:
    # Also what stands behind a dot before blanks and dots, which Windows drops
    extension = file.filename.rstrip(". ").rpartition(".")[2].lower()
    is_program = extension in PROGRAMS or file.content.startswith((b"MZ", b"\x7fELF"))
    if is_program:
        yield "file_program"
    if extension in _MACROS:
        yield "file_macros"
    if extension in _ACTIVE or file.content_type in ("text/html", "image/svg+xml"):
        yield "file_active"
    if not file.content:
        yield "file_empty"
    elif extension in _BEGINNINGS and not _begins_so(file.content, extension):
        yield "file_is_something_else"
    if not file.filename and not file.content_id:
        yield "file_without_name"
    if file.content.startswith(b"PK") and extension not in ("docx", "xlsx", "pptx"):
        yield from _of_archive(file.content)


def _begins_so(content: bytes, extension: str) -> bool:
    if extension == "pdf":  # some programs write something before it, and readers search
        return b"%PDF" in content[:1024]
    return content.startswith(_BEGINNINGS[extension])


def _of_archive(content: bytes) -> Iterator[str]:
    """By the list at its end: nothing is unpacked."""
    if len(content) > MAX_ARCHIVE:
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()[:MAX_ENTRIES]
    except Exception:  # noqa: BLE001 - it is damaged, or no archive: zipfile raises whatever it meets
        return
    if any(each.flag_bits & 1 for each in entries):
        yield "file_encrypted"
    names = [each.filename.rstrip(". ").rpartition(".")[2].lower() for each in entries]
    if not PROGRAMS.isdisjoint(names):
        yield "file_program_in_archive"


FILES: Final = RulePart(title="Attachments", rules=RULES, find=_find)
