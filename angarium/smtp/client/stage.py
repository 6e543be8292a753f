"""What a reply answers, in a session from the client's side: a closed set, so that a slip is a type error."""

from typing import Literal

# RFC 5321 section 3: ``banner`` is no command's reply, ``final_dot`` the one to the content, sent by DATA or BDAT.
ClientStage = Literal[
    "banner",
    "ehlo",
    "helo",
    "starttls",
    "auth",
    "rset",
    "mail",
    "rcpt",
    "data",
    "final_dot",
    "quit",
]
