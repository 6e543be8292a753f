"""The table ``[retention]``. Frozen values; only types are checked."""

from angarium.config.shape import Days, Table


class Retention(Table, frozen=True, kw_only=True):
    """How long is kept what has no table of its own. The other kinds have their key there (docs/data-protection.md);
    `postmaster retention` shows all of them.
    """

    # who opened a mail and followed its links, in the history; figures of it are kept as `analytics.keep_days` says
    opens_and_clicks_days: Days = 90
    # lines of the mail log, by the file that they are in: one that is older by its last line is deleted, and one that
    # begins more than a tenth of this ago is rotated
    mail_log_days: Days = 90
    audit_days: Days = 365  # who did what; the rest of the chain can still be verified
