"""Where files lie, as Django's STORAGES says it: a folder, or a bucket where one is named."""

from pathlib import Path
from typing import Any

from backend import env

BUCKET, ENDPOINT, REGION = "FILES_S3_BUCKET", "FILES_S3_ENDPOINT_URL", "FILES_S3_REGION"
KEY, SECRET = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"


def file_storage(var_dir: Path, *, link_seconds: int) -> dict[str, Any]:
    """The entry `default` of STORAGES. Raises `BadSetting`."""
    bucket = env.text(BUCKET, "")
    endpoint = env.url_or_none(ENDPOINT, "http://127.0.0.1:9001", schemes=("http", "https"))
    region = env.text(REGION, "")
    if not bucket:
        _refuse_without_bucket(**{ENDPOINT: endpoint, REGION: region})
        return {"BACKEND": "attachments.storage.folder.Folder", "OPTIONS": {"location": str(var_dir / "files")}}
    _require_both_or_none()
    options = {
        "bucket_name": bucket,
        "endpoint_url": endpoint or None,
        "region_name": region or None,
        "querystring_expire": link_seconds,
    }
    return {"BACKEND": "attachments.storage.s3.S3", "OPTIONS": options}


def _refuse_without_bucket(**given: str) -> None:
    for name, value in given.items():
        if value:
            raise env.BadSetting(BUCKET, f"is not set, and {name} is", f"name the bucket, or leave {name} empty")


def _require_both_or_none() -> None:
    """With none, a role or a profile of the machine's own says who asks."""
    for name, other in ((KEY, SECRET), (SECRET, KEY)):
        if env.text(other, "") and not env.text(name, ""):
            raise env.BadSetting(name, f"is not set, and {other} is", "set both, or neither")
