"""What the token of a session looks like. Pure; apart from ``sign_in``, which reads SQL."""

from typing import Final

TOKEN_MARK: Final = "ang_session_"  # noqa: S105 - what it begins with
