"""Attachments: their storage (a folder, or a bucket of S3), and the size above which an input becomes one."""

from typing import Any

from backend import env
from backend.settings.machine import VAR_DIR

_BUCKET, _ENDPOINT, _REGION = "FILES_S3_BUCKET", "FILES_S3_ENDPOINT_URL", "FILES_S3_REGION"
_KEY, _SECRET = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"


def _read_storage(*, link_seconds: int) -> dict[str, Any]:
    """The entry `default` of STORAGES. Raises `BadSetting`."""
    bucket = env.text(_BUCKET, "")
    endpoint = env.url_or_none(_ENDPOINT, "http://127.0.0.1:9001", schemes=("http", "https"))
    region = env.text(_REGION, "")
    if not bucket:
        _refuse_without_bucket(**{_ENDPOINT: endpoint, _REGION: region})
        return {"BACKEND": "attachments.storage.folder.Folder", "OPTIONS": {"location": str(VAR_DIR / "files")}}
    _require_both_keys_or_none()
    options = {
        "bucket_name": bucket,
        "endpoint_url": endpoint or None,
        "region_name": region or None,
        "querystring_expire": link_seconds,
    }
    return {"BACKEND": "attachments.storage.s3.S3", "OPTIONS": options}


def _refuse_without_bucket(**variables: str) -> None:
    for name, value in variables.items():
        if value:
            raise env.BadSetting(_BUCKET, f"is not set, and {name} is", f"name the bucket, or leave {name} empty")


def _require_both_keys_or_none() -> None:
    """Without keys, the AWS libraries use the machine's own role or profile."""
    for name, other in ((_KEY, _SECRET), (_SECRET, _KEY)):
        if env.text(other, "") and not env.text(name, ""):
            raise env.BadSetting(name, f"is not set, and {other} is", "set both, or neither")


INLINE_MAX_BYTES = env.integer("INLINE_MAX_BYTES", env.MIB, minimum=1024, maximum=1024 * env.MIB, unit="bytes")
FILE_LINK_SECONDS = env.integer("FILE_LINK_SECONDS", 300, minimum=1, maximum=7 * 86400, unit="seconds")
STORAGES = {
    "default": _read_storage(link_seconds=FILE_LINK_SECONDS),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
