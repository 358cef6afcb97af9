"""Errors of questions in SQL.

GatewayError
├─ StatementRefused          422   the guard refuses the statement
├─ ModelNeeded               422   no verified example equals the question
├─ CannotAnswer              422   the question can't be answered from the tables
├─ NotAnswered               422   the model's SQL can't run
├─ ModelNotAccepted          503   the model was evaluated, and found worse than the accepted one
├─ StatementFailed           422   the database refuses the statement
├─ StatementCancelled        503   nobody waits for its rows any more
├─ CredentialsUnavailable    503   no key can encrypt or decrypt a password
├─ TargetError               502   the registered database can't be used
│  └─ TargetTimeout          504
└─ LanguageModelError        502   the language model can't be used
   ├─ LanguageModelRefused         it refuses the key, the model's name, or the request
   ├─ LanguageModelUnusable        its answer can't be read
   ├─ LanguageModelTimeout   504
   └─ LanguageModelBusy      503   too many calls
      └─ LanguageModelQuota        its quota is used up
"""

import math
from collections.abc import Collection
from http import HTTPStatus
from typing import ClassVar

from common.exceptions import GatewayError, Unavailable

_LONGEST_WAIT = 86_400  # seconds


class StatementRefused(GatewayError):
    """The guard refuses the statement; it did not reach the database. `reason` is that of `guard.QueryRefused`."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    kind = "statement-refused"
    title = "This statement may not run"

    def __init__(self, detail: str, *, reason: str = "") -> None:
        super().__init__(detail)
        self.reason = reason


class ModelNeeded(GatewayError):
    """No verified example equals the question, and no model is connected."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    kind = "model-needed"
    title = "This question needs a model"


class CannotAnswer(GatewayError):
    """The model says what is missing in the tables."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    kind = "cannot-answer"
    title = "These tables can't answer the question"


class ModelNotAccepted(GatewayError):
    """The model with this prompt was evaluated, and found worse than the accepted one."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    kind = "model-not-accepted"
    title = "This model may not answer"


class NotAnswered(GatewayError):
    """The model wrote no SQL that may run, also after it was told why."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    kind = "not-answered"
    title = "The model found no SQL for this question"


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


class LanguageModelError(GatewayError):
    """The language model can't be reached, or breaks its answer off.

    `words` are what its server says, for the log only: they may quote the question. `may_retry` says whether the same
    call may succeed, `wait` after how many seconds the server wants it again.
    """

    status = HTTPStatus.BAD_GATEWAY
    kind = "language-model"
    title = "The language model can't be used"
    may_retry: ClassVar[bool] = True
    outcome: ClassVar[str] = "failed"

    def __init__(self, detail: str, *, words: str = "", wait: float | None = None) -> None:
        super().__init__(detail)
        self.words = words
        self.wait = wait


class LanguageModelRefused(LanguageModelError):
    """The server refuses the key, the model's name, or the request.

    `parameters` are optional members of the request that it does not know.
    """

    kind = "language-model-refused"
    title = "The language model refuses the request"
    may_retry = False
    outcome = "refused"

    def __init__(self, detail: str, *, words: str = "", parameters: Collection[str] = ()) -> None:
        super().__init__(detail, words=words)
        self.parameters = parameters


class LanguageModelUnusable(LanguageModelError):
    """The answer can't be read."""

    kind = "language-model-unusable"
    title = "The language model's answer can't be used"
    outcome = "unusable"


class LanguageModelTimeout(LanguageModelError):
    """The question's deadline has passed."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    kind = "language-model-timeout"
    title = "The language model took too long"
    may_retry = False
    outcome = "timed-out"


class LanguageModelBusy(LanguageModelError):
    """Too many calls."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    kind = "language-model-busy"
    title = "The language model takes no calls now"
    retry_after = 30
    outcome = "refused"

    def __init__(self, detail: str, *, words: str = "", wait: float | None = None) -> None:
        super().__init__(detail, words=words, wait=wait)
        if wait is not None and 0 < wait <= _LONGEST_WAIT:
            self.headers["Retry-After"] = str(math.ceil(wait))


class LanguageModelQuota(LanguageModelBusy):
    """The quota is used up: a retry soon does not help."""

    kind = "language-model-quota"
    title = "The language model's quota is used up"
    retry_after = 3600
    may_retry = False
