"""The file of the keys that addresses in tracked mail are signed by (``[tracking] key_file``): the newest mints, all
verify. Blocks on disk.
"""

from typing import Final

from angarium.access.numbered_keys import NumberedKeyFile


class TrackingKeyError(Exception):
    """The file cannot be used; the text names it and says what to do."""


_FILE: Final = NumberedKeyFile(
    setting="tracking.key_file",
    head=(
        "# Keys of the addresses that Angarium puts into tracked mail: who has one can have people unsubscribed.\n"
        "# To rotate: append a line with the next number and `openssl rand -hex 32`, reload, and\n"
        "# delete the old line when tracking.link_days are over: links in mail of before lead nowhere then.\n"
    ),
    when_missing="the server makes it when it starts; restart it, or put it back",
    when_empty="delete it, and restart the server",
    error=TrackingKeyError,
)
make_tracking_keys: Final = _FILE.make
read_tracking_keys: Final = _FILE.read
