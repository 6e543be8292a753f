"""The keys of tracked mail, as a role reads them at its start and at each reload."""

from pathlib import Path

from angarium.access.tracking_keys import TrackingKeyError, read_tracking_keys
from angarium.config.schema import Tracking
from angarium.host.sysexits import EX_CONFIG, StartError
from angarium.tracking.tokens import TrackingKeys


def load_tracking_keys(config: Tracking) -> TrackingKeys:
    """Raises StartError."""
    try:
        return TrackingKeys(read_tracking_keys(Path(config.key_file)), config.link_days)
    except TrackingKeyError as error:
        raise StartError(str(error), EX_CONFIG) from error


def find_tracking_keys(config: Tracking) -> TrackingKeys | None:
    """None: there is no file, as where nothing was ever tracked. Raises StartError."""
    return load_tracking_keys(config) if Path(config.key_file).is_file() else None
