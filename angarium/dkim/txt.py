"""TXT records as zone files hold them. Pure."""

from typing import Final

STRING_OCTETS: Final = 255  # RFC 1035 section 3.3.14: of one character-string


def txt_strings(text: str) -> list[str]:
    """Return the record cut into its strings; whoever reads it joins them again."""
    return [text[start : start + STRING_OCTETS] for start in range(0, len(text), STRING_OCTETS)]


def txt_zone_line(name: str, text: str) -> str:
    """Return the record as a line of a zone file (RFC 1035 section 5.1)."""
    quoted = " ".join(f'"{each}"' for each in txt_strings(text))
    return f"{name}. 3600 IN TXT ( {quoted} )"
