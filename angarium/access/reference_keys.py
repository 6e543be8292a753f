"""The file of the keys that references to sent mail are signed by (``[feedback] key_file``): the newest mints, all
verify. Blocks on disk.
"""

from typing import Final

from angarium.access.numbered_keys import NumberedKeyFile


class ReferenceKeyError(Exception):
    """The file cannot be used; the text names it and says what to do."""


_FILE: Final = NumberedKeyFile(
    setting="feedback.key_file",
    head=(
        "# Keys of Angarium's references to sent mail: who has one can have addresses suppressed.\n"
        "# To rotate: append a line with the next number and `openssl rand -hex 32`, reload, and\n"
        "# delete the old line when feedback.token_days are over.\n"
    ),
    when_missing="the server makes it when it starts; restart it, or put it back",
    when_empty="delete it, and restart the server",
    error=ReferenceKeyError,
)
make_key_file: Final = _FILE.make
read_keys: Final = _FILE.read
