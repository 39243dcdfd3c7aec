"""Errors of one-time proofs."""

from app.platform.errors import AppError, ErrorCode


class ProofInvalid(AppError):
    """The token or code is unknown, was used already, or was replaced by a newer one."""

    code = ErrorCode.TOKEN_INVALID
    message = "This link or code is not valid, or was used already. Ask for a new one."
    field = ("token",)


class ProofExpired(AppError):
    """The proof was issued here but its lifetime is over."""

    code = ErrorCode.TOKEN_EXPIRED
    message = "This link or code has expired. Ask for a new one."
    field = ("token",)
