"""Why a benchmark, or one of its peers, cannot run."""


class BenchError(Exception):
    """The run is not valid: a program failed, or a message was lost or came twice."""


class PeerAbsent(Exception):  # noqa: N818 - not an error: the peer is skipped, with this word
    """A peer is not installed or may not be run here."""
