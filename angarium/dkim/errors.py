"""What can go wrong with signing, by whose fault it is."""


class DkimError(Exception):
    """Base of this package's errors."""


class KeyFileError(DkimError):
    """A key file or its entry in the configuration cannot be used; the message names the file."""


class UnsignableMessageError(DkimError):
    """A signature over this message would not mean what it says. Nothing was signed."""
