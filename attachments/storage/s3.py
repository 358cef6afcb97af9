"""Files in a bucket of S3, MinIO or another S3-compatible service.

https://django-storages.readthedocs.io/en/latest/backends/amazon-S3.html
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.utils.http import content_disposition_header
from storages.backends.s3 import S3Storage

from attachments.descriptors import Attachment

CONNECT_SECONDS = 2
READ_SECONDS = 5  # without receiving any data


class S3(S3Storage):  # type: ignore[misc] # the library has no types
    """`S3Storage` with timeouts, and without the checksums that only Amazon's servers support."""

    # The library asks a server that redirects for the bucket's region, and if that is redirected too, asks again.
    failures: ClassVar = (OSError, BotoCoreError, Boto3Error, ClientError, RecursionError)

    def __init__(self, **options: Any) -> None:
        super().__init__(
            client_config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"total_max_attempts": 2, "mode": "standard"},
                signature_version="s3v4",
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
            transfer_config=TransferConfig(use_threads=False),
            **options,
        )

    def link(self, file: Attachment) -> str:
        """A presigned URL; it is made without a request."""
        parameters = {
            "ResponseContentDisposition": content_disposition_header(True, file.filename),
            "ResponseContentType": file.content_type,
        }
        return str(self.url(file.key, parameters=parameters))

    def discard_drafts(self, prefix: str) -> None:
        """A bucket has none: an object is there once it is whole."""

    def keys(self, prefix: str) -> Iterator[str]:
        """By pages of 1,000."""
        return (item.key for item in self.bucket.objects.filter(Prefix=prefix))
