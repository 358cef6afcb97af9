"""Names of form fields and files in any script reach history, links and downloads as they were sent."""

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from tests.ml_proxy.integration.test_multipart import IMAGE, NAMES, form
from tests.support.gateway import predict
from tests.support.stored_files import get_inference

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("files_folder")]


def assert_is_the_file(gateway: Client, row: dict[str, Any], pointer: str, name: str) -> None:
    """The row's only file has this name in `files`, and its download too."""
    [shown] = row["files"]
    assert (shown["pointer"], shown["filename"]) == (pointer, name)
    given = gateway.get(shown["url"])
    told = given["Content-Disposition"]
    assert given.content == IMAGE
    assert f"filename*=utf-8''{quote(name)}" in told or f'filename="{name}"' in told


@pytest.mark.parametrize(
    "name", ["사진.png", "café.png", "日本語.png", unicodedata.normalize("NFD", "사진.png"), "a b'(1).png"]
)
def test_a_field_and_a_file_keep_their_names(gateway: Client, process_records: Callable[[], None], name: str) -> None:
    answer = predict(gateway, **form([*NAMES, ("메모", "재검"), ("파일", (name, "image/png", IMAGE))]))
    assert answer.status_code == 200, answer.content
    process_records()
    row = get_inference(gateway, answer["X-Inference-ID"])
    assert (row["input_data"]["메모"], row["input_data"]["파일"]["filename"]) == ("재검", name)
    assert_is_the_file(gateway, row, "/파일", name)


def test_an_extended_parameter_is_the_files_name(
    gateway: Client, process_records: Callable[[], None], files_folder: Path
) -> None:
    """RFC 5987: `filename*`, which some clients send beside a `filename` in ASCII."""
    asked = form([*NAMES, ("image", ("x.png", "image/png", IMAGE))])
    extended = f"filename=\"x.png\"; filename*=UTF-8''{quote('사진.png')}".encode()
    asked["body"] = asked["body"].replace(b'filename="x.png"', extended)
    answer = predict(gateway, **asked)
    assert answer.status_code == 200, answer.content
    process_records()
    row = get_inference(gateway, answer["X-Inference-ID"])
    assert row["input_data"]["image"]["filename"] == "사진.png"
    assert_is_the_file(gateway, row, "/image", "사진.png")
