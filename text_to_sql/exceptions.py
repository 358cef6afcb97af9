"""Errors of questions in SQL.

GatewayError
├─ StatementRefused          422   the guard refuses the statement
├─ ModelNeeded               422   no verified example equals the question
├─ StatementFailed           422   the database refuses the statement
├─ StatementCancelled        503   nobody waits for its rows any more
├─ CredentialsUnavailable    503   no key can encrypt or decrypt a password
└─ TargetError               502   the registered database can't be used
   └─ TargetTimeout          504
"""

from http import HTTPStatus

from common.exceptions import GatewayError, Unavailable


class StatementRefused(GatewayError):
    """The guard refuses the statement; it did not reach the database."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    kind = "statement-refused"
    title = "This statement may not run"


class ModelNeeded(GatewayError):
    """No verified example equals the question, and no model is connected."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    kind = "model-needed"
    title = "This question needs a model"


class StatementFailed(GatewayError):
    """The database refuses the statement, or can't run it. The detail has its words."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    kind = "statement-failed"
    title = "The database can't run this statement"


class StatementCancelled(GatewayError):
    """The caller hung up, or the job was cancelled. The database was told to stop."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    kind = "statement-cancelled"
    title = "This statement was cancelled"


class CredentialsUnavailable(Unavailable):
    """A password can't be encrypted or decrypted."""

    kind = "credentials-unavailable"
    title = "Passwords of databases can't be read"


class TargetError(GatewayError):
    """The registered database refuses connections, or breaks one off."""

    status = HTTPStatus.BAD_GATEWAY
    kind = "target-database"
    title = "The registered database can't be used"


class TargetTimeout(TargetError):
    """The registered database exceeded a deadline."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    kind = "target-database-timeout"
    title = "The registered database took too long"
