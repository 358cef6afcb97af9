"""Errors of attachments.

GatewayError
├─ NoSuchFile         404   not in the storage, or not a link of this gateway
├─ LinkExpired        403
└─ Unavailable        503
   └─ StorageUnavailable    the storage does not answer
"""

from http import HTTPStatus

from common.exceptions import GatewayError, Unavailable


class NoSuchFile(GatewayError):
    """The storage has no such file, or a different one than the log describes; or the link is not one of ours."""

    status = HTTPStatus.NOT_FOUND
    kind = "no-such-file"
    title = "No such file"


class LinkExpired(GatewayError):
    """The link to a file is too old; history returns a new one."""

    status = HTTPStatus.FORBIDDEN
    kind = "link-expired"
    title = "The link has expired"


class StorageUnavailable(Unavailable):
    """The storage does not answer, or not in time."""

    kind = "storage-down"
    title = "The storage does not answer"
