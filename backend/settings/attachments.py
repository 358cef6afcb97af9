"""Storages (folders, or buckets of S3) of attachments and of copies of the heads; which inputs are attachments."""

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
    return _bucket(bucket, querystring_expire=link_seconds)


def _bucket(name: str, **options: Any) -> dict[str, Any]:
    endpoint = env.url_or_none(_ENDPOINT, "http://127.0.0.1:9001", schemes=("http", "https"))
    region = env.text(_REGION, "")
    found = {"bucket_name": name, "endpoint_url": endpoint or None, "region_name": region or None, **options}
    return {"BACKEND": "attachments.storage.s3.S3", "OPTIONS": found}


def _read_head_copies() -> dict[str, Any]:
    """The entry `heads` of STORAGES, if there is one. Raises `BadSetting`."""
    text = env.text("HEADS_COPY_TO", "")
    if not text:
        return {}
    if not text.startswith("s3://"):
        location = str(env.folder("HEADS_COPY_TO", VAR_DIR))
        return {"heads": {"BACKEND": "attachments.storage.folder.Folder", "OPTIONS": {"location": location}}}
    bucket, _, prefix = text.removeprefix("s3://").partition("/")
    if not bucket:
        raise env.BadSetting("HEADS_COPY_TO", "names no bucket", "set it to s3://bucket/prefix, or to a folder")
    return {"heads": _bucket(bucket, location=prefix)}


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
    **_read_head_copies(),
}
HEADS_COPY_SECONDS = env.number("HEADS_COPY_SECONDS", 3600, minimum=1, maximum=86400, unit="seconds")
