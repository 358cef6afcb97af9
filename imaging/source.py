"""The record source of calls of providers."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from attachments import storage
from attachments.source import AttachmentSource
from imaging.models import ProviderCall
from imaging.records import ProviderCallRecord
from imaging.services.storage import FOLDER
from recording.sources import Filter


class ProviderCallSource(AttachmentSource):
    """Stores calls in `ProviderCall`."""

    record = ProviderCallRecord
    model = ProviderCall
    filters: ClassVar[Mapping[str, Filter]] = {
        "service": Filter("service"),
        "caller": Filter("caller"),
        "job": Filter("job"),
    }
    whole_column = "answer"

    def encrypt_files(self) -> Iterator[bool]:
        """Attachments, and the pictures that were made."""
        yield from super().encrypt_files()
        yield from map(storage.encrypt_unlisted, list(storage.keys(FOLDER)))

    def keys_of_files(self) -> Iterator[str]:
        """Of attachments, and of the pictures that were made."""
        yield from super().keys_of_files()
        found = map(storage.data_key_of_unlisted, list(storage.keys(FOLDER)))
        yield from (key for key in found if key is not None)


PROVIDER_CALLS = ProviderCallSource()
