"""How polling providers goes, on disk: when each was tried, and tokens that came in place of others. Blocks."""

from angarium.queue.model import UnixMs
from angarium.receiver_reports.figures import Source
from angarium.receiver_reports.report_file import ReportFile


class PollKeeper:
    """All methods raise ReportsAwayError; what they write is on disk when they return."""

    def __init__(self, file: ReportFile) -> None:
        self._file = file

    def note(self, provider: Source, now: UnixMs, problem: str) -> None:
        """``problem`` "": it went well."""
        succeeded = None if problem else now
        with self._file.writing() as db:
            db.execute(
                "INSERT INTO poll VALUES (?, ?, ?, ?, ?) ON CONFLICT (provider) DO UPDATE SET tried = excluded.tried,"
                " succeeded = coalesce(excluded.succeeded, succeeded), problem = excluded.problem,"
                " failures = CASE excluded.problem WHEN '' THEN 0 ELSE failures + 1 END",
                (provider, now, succeeded, problem, int(bool(problem))),
            )

    def due(self, provider: Source, every_ms: int, first_retry_ms: int) -> UnixMs:
        """Return when it is to be tried next: each time that it fails again, twice as much later."""
        with self._file.writing() as db:
            row = db.execute(
                "SELECT tried, failures FROM poll WHERE provider = ?", (provider,)
            ).fetchone()
        if row is None:
            return UnixMs(0)
        tried, failures = row
        if not failures:
            return UnixMs(tried + every_ms)
        return UnixMs(tried + min(every_ms, first_retry_ms << min(failures - 1, 20)))

    def token(self, provider: Source, seed: bytes) -> str:
        """Return the refresh token that counts in place of the key file's; "": that one does."""
        with self._file.writing() as db:
            row = db.execute(
                "SELECT token FROM token WHERE provider = ? AND seed = ?", (provider, seed)
            ).fetchone()
        return "" if row is None else str(row[0])

    def keep_token(self, provider: Source, seed: bytes, token: str) -> None:
        with self._file.writing() as db:
            db.execute("INSERT OR REPLACE INTO token VALUES (?, ?, ?)", (provider, seed, token))
