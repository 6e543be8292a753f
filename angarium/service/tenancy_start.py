"""What is to be done of tenants before any process of a server reads of them. Blocks; before privileges are dropped."""

from pathlib import Path

from angarium.config.schema import Config
from angarium.host.identity import Identity
from angarium.host.owner import acting_as_owner
from angarium.host.sysexits import EX_CONFIG, EX_TEMPFAIL, StartError
from angarium.telemetry.log import log
from angarium.tenancy.location import has_database, sqlite_path
from angarium.tenancy.model import TenancySetupError
from angarium.tenancy.secret_file import make_secret_file, secret_path
from angarium.tenancy.snapshot_file import FILE_NAME


def prepare_tenancy(config: Config, identity: Identity | None) -> None:
    """Make the file of the secret where there is none, and publish what is in the database, if there is one.

    A PostgreSQL that cannot be reached stops no start for which an earlier state is there: mail goes on by that one.
    Raises StartError.
    """
    data_dir = Path(config.server.data_dir)
    try:
        make_secret_file(secret_path(config), identity)
        if not has_database(config):
            return
        is_file = sqlite_path(config.tenancy.database, data_dir) is not None
    except TenancySetupError as error:
        raise StartError(str(error), EX_CONFIG) from None
    try:
        with acting_as_owner(data_dir):
            _publish(config)
    except TenancySetupError as error:
        if is_file:
            raise StartError(str(error), EX_CONFIG) from None
        if not (data_dir / FILE_NAME).exists():
            raise StartError(str(error), EX_TEMPFAIL) from None
        log("tenancy_database_unreachable", "error", problem=str(error))


def _publish(config: Config) -> None:
    # Imported where there is a database: SQLAlchemy is 25 MB
    from angarium.tenancy.platform import Platform

    with Platform.open(config, actor="server") as platform:
        platform.publish()
