"""Images over HTTP."""

import json
import random
from io import BytesIO
from pathlib import Path
from time import process_time
from typing import Any

import jsonschema
import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from ml_server.app import MAX_BODY_BYTES, create_app
from ml_server.dataset import Dataset
from tests.ml_server.unit.sample_images import encoded, in_base64, malicious_images, multipart, noise

PREDICT = "/api/v1/predict"
DIGITS = "handwritten-digits"
FORM = "multipart/form-data; boundary=b"
NAMES = {"doctor_name": "Dr. Kim (synthetic)", "patient_name": "이서연 (synthetic)"}
FUZZ_SECONDS = 20  # of CPU time; normally a few are enough


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, digit: bytes) -> Path:
    folder = tmp_path_factory.mktemp("images")
    (folder / "a.png").write_bytes(digit)
    return folder


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> FlaskClient:
    """A server with IMAGE_DIR."""
    return create_app(tmp_path_factory.mktemp("models"), image_dir=folder).test_client()


@pytest.fixture(scope="module")
def metadata(client: FlaskClient) -> Any:
    return client.get("/api/v1/model-info").get_json()["models"][1]


@pytest.fixture(scope="module")
def digit() -> bytes:
    """An image of a seven."""
    rows = ("........", ".#####..", "....##..", "....##..", "...##...", "...##...", "..##....", "..##....")
    pixels = np.array([[230 if pixel == "#" else 0 for pixel in row] for row in rows], dtype=np.uint8)
    return encoded(Image.fromarray(pixels))


def upload(client: FlaskClient, raw: bytes, **fields: str) -> Any:
    return client.post(PREDICT, data=multipart(NAMES | {"model": DIGITS} | fields, raw), content_type=FORM)


def test_model_info_describes_what_an_image_model_accepts(client: FlaskClient, metadata: Any, digits: Dataset) -> None:
    assert (metadata["name"], metadata["task"], metadata["classes"]) == (
        DIGITS,
        "image-classification",
        list("0123456789"),
    )
    jsonschema.Draft202012Validator.check_schema(metadata["input_schema"])
    jsonschema.validate(metadata["example"], metadata["input_schema"])
    answer = client.post(PREDICT, json=NAMES | metadata["example"]).get_json()
    assert answer["model"] == {"name": DIGITS, "version": "1"}
    assert metadata["lineage"]["data"]["sha256"] == digits.sha256


def test_it_answers_the_same_for_each_way_to_send_an_image(images: FlaskClient, digit: bytes) -> None:
    by_base64 = images.post(PREDICT, json=NAMES | {"model": DIGITS, "image": in_base64(digit)})
    by_path = images.post(PREDICT, json=NAMES | {"model": DIGITS, "image_path": "a.png"})
    by_field = images.post(
        PREDICT, data=NAMES | {"model": DIGITS, "image": in_base64(digit)}, content_type="multipart/form-data"
    )
    answers = [each.get_json() for each in (upload(images, digit), by_base64, by_path, by_field)]
    assert answers == [answers[0]] * 4
    predictions = answers[0]["predictions"]
    assert predictions[0]["label"] == "7"
    assert len(predictions) == 5
    confidences = [each["confidence"] for each in predictions]
    assert confidences == sorted(confidences, reverse=True)
    assert upload(images, digit, version="1").get_json() == answers[0]


@pytest.mark.parametrize(
    ("body", "field", "detail"),
    [
        ({}, "image", "is required, or image_path instead, but not both"),
        ({"image": "", "image_path": "a.png"}, "image", "is required, or image_path instead, but not both"),
        ({"image": 7}, "image", "must be of type string"),
        ({"image_path": ["a.png"]}, "image_path", "must be of type string"),
        ({"image": "%"}, "image", "must be base64"),
        ({"image": ""}, "image", "must be a readable JPEG, PNG or WebP file"),
        ({"image_path": "../a.png"}, "image_path", "must be the path of a file within IMAGE_DIR, without links and .."),
        ({"image": "", "version": 1}, "version", "must be of type string"),
    ],
)
def test_it_names_the_invalid_field_and_the_reason(
    images: FlaskClient, body: dict[str, Any], field: str, detail: str
) -> None:
    answer = images.post(PREDICT, json={"model": DIGITS} | body)
    assert (answer.status_code, answer.get_json()["fields"]) == (422, [{"field": field, "detail": detail}])


def test_it_reads_no_path_without_image_dir(client: FlaskClient) -> None:
    answer = client.post(PREDICT, json={"model": DIGITS, "image_path": "a.png"})
    assert (
        answer.get_json()["fields"][0]["detail"]
        == "can't be used, because this server has no IMAGE_DIR: send image instead"
    )


def test_it_accepts_each_form_field_only_once(client: FlaskClient, digit: bytes) -> None:
    twice = [(BytesIO(digit), "a.png"), (BytesIO(digit), "b.png")]
    answer = client.post(PREDICT, data={"model": DIGITS, "image": twice}, content_type="multipart/form-data")
    assert answer.get_json()["fields"] == [{"field": "image", "detail": "must be given once"}]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b",
        b"--b\r\n",
        b"--b\r\n\r\n",
        b'--b\r\nContent-Disposition: form-data; name="image"; filename="x"\r\n\r\n\x89PNG',
        b'--b\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--b--',
        b"--b\r\n" + b"A: b\r\n" * 9999 + b"\r\n--b--",
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 9999 + b"--b--",
    ],
)
@pytest.mark.parametrize("kind", [FORM, "multipart/form-data", "multipart/form-data; boundary="])
def test_it_rejects_a_malformed_form(client: FlaskClient, body: bytes, kind: str) -> None:
    answer = client.post(PREDICT, data=body, content_type=kind)
    assert 400 <= answer.status_code < 500
    assert answer.get_json()["error"]


def test_it_accepts_an_image_below_the_limit_and_rejects_a_body_above_it(client: FlaskClient, digit: bytes) -> None:
    near = digit + bytes(MAX_BODY_BYTES - len(digit) - 2000)
    assert upload(client, near).status_code == 200
    text = in_base64(near[: MAX_BODY_BYTES * 7 // 10])
    assert client.post(PREDICT, json={"model": DIGITS, "image": text}).status_code == 200
    assert upload(client, near + bytes(4000)).status_code == 413


def mutate(rng: random.Random, raw: bytes) -> bytes:
    """Applies random changes: bytes replaced, deleted, repeated or overwritten."""
    data = bytearray(raw)
    for _ in range(rng.randint(1, 8)):
        place = rng.randrange(len(data))
        kind = rng.randrange(4)
        if kind == 0:
            data[place] = rng.randrange(256)
        elif kind == 1:
            del data[place : place + rng.randint(1, 40)]
        elif kind == 2:
            data[place:place] = data[place : place + rng.randint(1, 40)]
        else:
            data[place : place + 4] = rng.choice([b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"\xff\xda\xff\xd9"])
        data = data or bytearray(b"\0")
    return bytes(data)


def seeds() -> list[bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = noise(24, 16)
    jpegs = [encoded(image, "JPEG", exif=exif), encoded(image, "JPEG", progressive=True)]
    return [encoded(image), *jpegs, encoded(image, "WEBP"), encoded(image, "WEBP", lossless=True)]


def test_it_survives_a_thousand_mutated_images_and_all_malicious_ones(images: FlaskClient) -> None:
    rng, valid = random.Random(6), seeds()
    images_sent = [mutate(rng, rng.choice(valid)) for _ in range(1000)] + list(malicious_images().values())
    started, statuses = process_time(), []
    for raw in images_sent:
        answer = upload(images, raw)
        statuses.append(answer.status_code)
        assert answer.status_code in {200, 413, 422}, raw[:200]
        assert answer.status_code == 200 or answer.get_json()["error"]
    assert process_time() - started < FUZZ_SECONDS
    assert 300 < statuses.count(422) < 1000  # otherwise it would pass by rejecting everything
    assert all(upload(images, raw).status_code == 200 for raw in valid)


def test_it_survives_a_thousand_mutated_bodies(images: FlaskClient, digit: bytes) -> None:
    rng = random.Random(6)
    body = json.dumps(NAMES | {"model": DIGITS, "version": "1", "image": in_base64(digit)}).encode()
    form = multipart({"model": DIGITS}, digit)
    started = process_time()
    for raw, kind in [(body, "application/json"), (form, FORM)] * 500:
        answer = images.post(PREDICT, data=mutate(rng, raw), content_type=kind)
        assert answer.status_code in {200, 400, 404, 413, 422}
        assert answer.is_json
    assert process_time() - started < FUZZ_SECONDS
