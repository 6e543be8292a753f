"""What cannot be translated, and where it stands. Pure."""


class MustacheError(Exception):
    """Its text is for the template's author. ``offset`` is in characters of the source."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset
