"""The doctor's check of the storage of files."""

import hashlib
from uuid import uuid4

from django.core.files.storage import storages

from attachments import storage
from attachments.descriptors import Attachment
from attachments.exceptions import NoSuchFile, StorageUnavailable
from common.doctor import Wrong

_CONTENT = b"doctor"


def files() -> str:
    """Writes, reads and deletes a small file, encrypted if there are `DATA_KEYS`. Raises `Wrong`."""
    digest = hashlib.sha256(_CONTENT).hexdigest()
    file = Attachment("", f"doctor/{uuid4()}", "doctor", "text/plain", len(_CONTENT), digest)
    try:
        storage.put(file.key, _CONTENT)
        storage.read(file)
        storage.remove(file.key)
    except StorageUnavailable as exc:
        mend = "Let this user write to VAR_DIR/files, or correct FILES_S3_BUCKET, FILES_S3_ENDPOINT_URL and the keys."
        raise Wrong(str(exc).partition(". ")[0], mend) from None
    except NoSuchFile:
        raise Wrong("returns other bytes than were written", "Look at the storage service.") from None
    return f"{type(storages['default']).__name__} storage writes, reads and deletes"
