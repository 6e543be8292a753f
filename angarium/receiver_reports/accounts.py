"""The accounts that the configuration names."""

from pathlib import Path

from angarium.config.schema import Config
from angarium.receiver_reports import postmaster_tools, snds
from angarium.receiver_reports.polling import Account


def accounts_of(config: Config) -> tuple[Account, ...]:
    table = config.receiver_reports
    google = Account(
        provider="google",
        key_file=Path(table.google_key_file),
        url=table.google_url or postmaster_tools.URL,
        token_url=table.google_token_url,
        domains=table.google_domains,
    )
    microsoft = Account(
        provider="microsoft",
        key_file=Path(table.snds_key_file),
        url=table.snds_url or snds.URL,
        token_url=table.snds_token_url,
    )
    used = ((table.google_key_file, google), (table.snds_key_file, microsoft))
    return tuple(account for key_file, account in used if key_file)
