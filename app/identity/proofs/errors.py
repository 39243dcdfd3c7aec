"""What can be wrong with a proof."""

from app.platform.errors import AppError, ErrorCode


class ProofInvalid(AppError):
    """No proof of ours, one that was used, or one that a newer replaced."""

    code = ErrorCode.TOKEN_INVALID
    message = "This link or code is not valid, or was used already. Ask for a new one."
    field = ("token",)


class ProofExpired(AppError):
    """A proof of ours whose time is over."""

    code = ErrorCode.TOKEN_EXPIRED
    message = "This link or code has expired. Ask for a new one."
    field = ("token",)
