"""Pictures over HTTP."""

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
from ml_server.dataset import DataSet
from tests.ml_server.unit.pictures import bombs, encoded, in_base64, multipart, noise

PREDICT = "/api/v1/predict"
DIGITS = "handwritten-digits"
FORM = "multipart/form-data; boundary=b"
NAMES = {"doctor_name": "Dr. Kim (synthetic)", "patient_name": "이서연 (synthetic)"}
FUZZ_SECONDS = 20  # of CPU for all of it; a few are enough


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, digit: bytes) -> Path:
    folder = tmp_path_factory.mktemp("images")
    (folder / "a.png").write_bytes(digit)
    return folder


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> FlaskClient:
    """A server that may read the folder of images."""
    return create_app(tmp_path_factory.mktemp("models"), images=folder).test_client()


@pytest.fixture(scope="module")
def card(client: FlaskClient) -> Any:
    return client.get("/api/v1/model-info").get_json()["models"][1]


@pytest.fixture(scope="module")
def digit() -> bytes:
    """A seven, drawn by hand in these lines."""
    rows = ("........", ".#####..", "....##..", "....##..", "...##...", "...##...", "..##....", "..##....")
    pixels = np.array([[230 if pixel == "#" else 0 for pixel in row] for row in rows], dtype=np.uint8)
    return encoded(Image.fromarray(pixels))


def upload(client: FlaskClient, raw: bytes, **fields: str) -> Any:
    return client.post(PREDICT, data=multipart(NAMES | {"model": DIGITS} | fields, raw), content_type=FORM)


def test_it_describes_pictures_so_that_a_stranger_can_send_one(client: FlaskClient, card: Any, digits: DataSet) -> None:
    assert (card["name"], card["task"], card["classes"]) == (DIGITS, "image-classification", list("0123456789"))
    jsonschema.Draft202012Validator.check_schema(card["input_schema"])
    jsonschema.validate(card["example"], card["input_schema"])
    answer = client.post(PREDICT, json=NAMES | card["example"]).get_json()
    assert answer["model"] == {"name": DIGITS, "version": "1"}
    assert card["lineage"]["data"]["sha256"] == digits.sha256


def test_it_answers_the_same_however_a_picture_comes(images: FlaskClient, digit: bytes) -> None:
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
        ({}, "image", "is needed, or image_path in its place; not both"),
        ({"image": "", "image_path": "a.png"}, "image", "is needed, or image_path in its place; not both"),
        ({"image": 7}, "image", "must be of type string"),
        ({"image_path": ["a.png"]}, "image_path", "must be of type string"),
        ({"image": "%"}, "image", "is not base64"),
        ({"image": ""}, "image", "is no JPEG, PNG or WebP file that can be read"),
        ({"image_path": "../a.png"}, "image_path", "is no file in the folder of images; links and .. are not followed"),
        ({"image": "", "version": 1}, "version", "must be of type string"),
    ],
)
def test_it_names_the_field_and_why(images: FlaskClient, body: dict[str, Any], field: str, detail: str) -> None:
    answer = images.post(PREDICT, json={"model": DIGITS} | body)
    assert (answer.status_code, answer.get_json()["fields"]) == (422, [{"field": field, "detail": detail}])


def test_it_reads_no_path_unless_a_folder_is_set(client: FlaskClient) -> None:
    answer = client.post(PREDICT, json={"model": DIGITS, "image_path": "a.png"})
    assert answer.get_json()["fields"][0]["detail"] == "can't be used here: IMAGE_DIR is not set"


def test_it_takes_each_field_of_a_form_once(client: FlaskClient, digit: bytes) -> None:
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
def test_it_refuses_a_broken_form(client: FlaskClient, body: bytes, kind: str) -> None:
    answer = client.post(PREDICT, data=body, content_type=kind)
    assert 400 <= answer.status_code < 500
    assert answer.get_json()["error"]


def test_it_takes_a_picture_near_the_cap_and_refuses_a_body_over_it(client: FlaskClient, digit: bytes) -> None:
    near = digit + bytes(MAX_BODY_BYTES - len(digit) - 2000)
    assert upload(client, near).status_code == 200
    text = in_base64(near[: MAX_BODY_BYTES * 7 // 10])
    assert client.post(PREDICT, json={"model": DIGITS, "image": text}).status_code == 200
    assert upload(client, near + bytes(4000)).status_code == 413


def mangled(rng: random.Random, raw: bytes) -> bytes:
    """Cut, flipped, repeated or spliced."""
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


def test_it_survives_a_thousand_mangled_pictures_and_all_known_bombs(images: FlaskClient) -> None:
    rng, sound = random.Random(6), seeds()
    pictures = [mangled(rng, rng.choice(sound)) for _ in range(1000)] + list(bombs().values())
    started, statuses = process_time(), []
    for raw in pictures:
        answer = upload(images, raw)
        statuses.append(answer.status_code)
        assert answer.status_code in {200, 413, 422}, raw[:200]
        assert answer.status_code == 200 or answer.get_json()["error"]
    assert process_time() - started < FUZZ_SECONDS
    assert 300 < statuses.count(422) < 1000  # it is no test of refusing everything
    assert all(upload(images, raw).status_code == 200 for raw in sound)


def test_it_survives_a_thousand_mangled_bodies(images: FlaskClient, digit: bytes) -> None:
    rng = random.Random(6)
    body = json.dumps(NAMES | {"model": DIGITS, "version": "1", "image": in_base64(digit)}).encode()
    form = multipart({"model": DIGITS}, digit)
    started = process_time()
    for raw, kind in [(body, "application/json"), (form, FORM)] * 500:
        answer = images.post(PREDICT, data=mangled(rng, raw), content_type=kind)
        assert answer.status_code in {200, 400, 404, 413, 422}
        assert answer.is_json
    assert process_time() - started < FUZZ_SECONDS
