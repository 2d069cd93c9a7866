"""What the API answers when it does not do what was asked, as Kubernetes' Status objects say it."""


class ApiError(Exception):
    """An answer other than success. `code` is HTTP's; `retry_after` in seconds, None where the header is absent; `by`
    names the object that stands in the way, such as a budget."""

    code = 500
    reason = "InternalError"

    def __init__(
        self, message: str, *, cause: str = "", retry_after: int | None = None, by: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause
        self.retry_after = retry_after
        self.by = by


class NotFound(ApiError):
    code, reason = 404, "NotFound"


class AlreadyExists(ApiError):
    code, reason = 409, "AlreadyExists"


class Conflict(ApiError):
    """The object changed since it was read, or a precondition (UID) does not hold."""

    code, reason = 409, "Conflict"


class Forbidden(ApiError):
    """Admission refused: quota, limits, a terminating namespace."""

    code, reason = 403, "Forbidden"


class TooManyRequests(ApiError):
    """An eviction that the budget does not allow now."""

    code, reason = 429, "TooManyRequests"


class ServerError(ApiError):
    code, reason = 500, "InternalError"


class Unavailable(ApiError):
    """No answer: the API is gone, refuses, or the caller is cut off from it."""

    code, reason = 503, "ServiceUnavailable"
