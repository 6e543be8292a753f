"""Spans of time and sizes as people read them. Pure."""

from angarium.telemetry.timestamp import rfc3339


def span_text(milliseconds: int) -> str:
    """The two largest units: ``3 d 4 h``, ``5 min 2 s``, ``12 s``, ``40 ms``."""
    if milliseconds < 1000:
        return f"{max(milliseconds, 0)} ms"
    seconds = milliseconds // 1000
    found: list[str] = []
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        number, seconds = divmod(seconds, size)
        if number:
            found.append(f"{number} {name}")
        elif found:
            break
        if len(found) == 2:
            break
    return " ".join(found)


def octets_text(octets: int) -> str:
    """``512 octets``, ``20.0 KB``, ``1.2 MB``."""
    if octets < 1000:
        return f"{octets} octets"
    number = float(octets)
    for unit in ("KB", "MB", "GB", "TB"):
        number /= 1000
        if number < 1000:
            return f"{number:.1f} {unit}"
    return f"{number:.0f} TB"


def count_text(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


def time_text(at: int) -> str:
    return rfc3339(at)[:19].replace("T", " ") + " UTC"
