"""Settings of the storage: a folder by default, or a bucket, with the AWS libraries' credentials."""

from pathlib import Path

import pytest

from tests.support.settings_process import run_with_settings

SHOWN = "from backend import settings as s; print(s.STORAGES['default'])"
SECRET = "tell-nobody"
BUCKET = {"FILES_S3_BUCKET": "inputs"}


def test_it_is_a_folder_by_default(tmp_path: Path) -> None:
    options = {"location": str(tmp_path / "files")}
    output = run_with_settings(tmp_path, SHOWN, DEBUG="1").stdout
    assert output == f"{ ({'BACKEND': 'attachments.storage.folder.Folder', 'OPTIONS': options}) }\n"


def test_it_is_a_bucket_if_one_is_named_and_loads_no_library_for_it(tmp_path: Path) -> None:
    url = "https://files.example"
    code = f"{SHOWN}; import sys; print('botocore' in sys.modules)"
    variables = {
        **BUCKET,
        "FILES_S3_ENDPOINT_URL": f"{url}/",
        "FILES_S3_REGION": "eu-central-1",
        "FILE_LINK_SECONDS": "60",
    }
    options = {"bucket_name": "inputs", "endpoint_url": url, "region_name": "eu-central-1", "querystring_expire": 60}
    output = run_with_settings(tmp_path, code, DEBUG="1", **variables).stdout
    assert output == f"{ ({'BACKEND': 'attachments.storage.s3.S3', 'OPTIONS': options}) }\nFalse\n"


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"FILES_S3_REGION": "eu-central-1"}, "FILES_S3_BUCKET is not set, and FILES_S3_REGION is: name the bucket"),
        ({"FILES_S3_ENDPOINT_URL": "http://a.example"}, "FILES_S3_BUCKET is not set, and FILES_S3_ENDPOINT_URL is:"),
        ({**BUCKET, "FILES_S3_ENDPOINT_URL": "a.example"}, "FILES_S3_ENDPOINT_URL can't be 'a.example': set it to"),
        ({**BUCKET, "AWS_SECRET_ACCESS_KEY": SECRET}, "AWS_ACCESS_KEY_ID is not set, and AWS_SECRET_ACCESS_KEY is:"),
        (
            {**BUCKET, "AWS_ACCESS_KEY_ID": SECRET},
            "AWS_SECRET_ACCESS_KEY is not set, and AWS_ACCESS_KEY_ID is: set both",
        ),
        ({"INLINE_MAX_BYTES": "10"}, "INLINE_MAX_BYTES can't be '10': set it to a whole number from 1024 to"),
        ({"FILE_LINK_SECONDS": "0"}, "FILE_LINK_SECONDS can't be '0': set it to a whole number from 1 to 604800"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_line(tmp_path: Path, variables: dict[str, str], message: str) -> None:
    done = run_with_settings(tmp_path, DEBUG="1", **variables)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(f"ml-proxy: {message}")
    assert SECRET not in done.stderr
