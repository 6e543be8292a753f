"""The table ``[[summary]]``. Frozen values; only types are checked."""

from angarium.config.shape import Name, Table


class MailSummary(Table, frozen=True, kw_only=True):
    """A day's mail in a letter, every day: figures beside what is usual, and what is different (docs/insights.md)."""

    name: Name  # as logs call it
    to: tuple[str, ...]  # whom it is sent to, by this server's own queue
    sender: str | None = None  # omitted: postmaster@ and server.hostname
    tenant: str | None = None  # only its mail; omitted: of the whole server
    at: str = "07:00"  # when it is sent; it is about the last day (UTC) that was over then
    zone: str = "UTC"  # of `at`: "Europe/Berlin"
    empty: bool = False  # it is sent too if nothing happened
