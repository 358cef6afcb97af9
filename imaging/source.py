"""The record source of calls of providers."""

from collections.abc import Mapping
from typing import ClassVar

from attachments.source import AttachmentSource
from imaging.models import ProviderCall
from imaging.records import ProviderCallRecord
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


PROVIDER_CALLS = ProviderCallSource()
