"""What a client raises. Plain values in exceptions."""


class ConnectionFailedError(Exception):
    """No answer came, also not to the last try. What was sent with a key may be sent again with the same one."""


class ApiError(Exception):
    """The server refused. Nothing was done, unless ``status`` is 5xx and not 503 or 507: then nobody knows."""

    def __init__(
        self,
        *,
        status: int,
        error: str,
        message: str,
        field: str = "",
        line: int | None = None,
        column: int | None = None,
        retry_after_s: int | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(f"{error}: {message}")
        self.status = status  # of HTTP
        self.error = error  # a word for programs: VALIDATION_ERROR, RATE_LIMIT_EXCEEDED, ...
        self.message = message  # for people
        self.field = field  # which is wrong: to[1], headers.X-A; ""
        self.line = line  # of that field, where it is a part of a template
        self.column = column
        self.retry_after_s = retry_after_s
        self.request_id = request_id  # names the request in the server's log
