"""A thousand malformed forms: each is read completely, or refused with a 400 that says why."""

import random

import pytest
from django.test import Client

from tests.support.model import ScriptedModel

pytestmark = pytest.mark.any_database

WHOLE = (
    b'--b\r\nContent-Disposition: form-data; name="doctor_name"\r\n\r\nDr. A\r\n'
    b'--b\r\nContent-Disposition: form-data; name="patient_name"\r\nContent-Type: text/plain\r\n\r\n\xec\x9d\xb4\r\n'
    b'--b\r\nContent-Disposition: form-data; name="image"; filename="x.png"\r\nContent-Type: image/png\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\n"
)
PIECES = [
    b"--b",
    b"--",
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"\0",
    b"\xff\xfe",
    b'"',
    b";",
    b"=",
    b"name*=UTF-8''%ff",
    b"filename=",
    b"filename*=x''y",
    b"Content-Type: multipart/mixed; boundary=c\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"Content-Length: 9\r\n",
    b"a" * 5000,
    b"\xed\xa0\x80",
    b"../../x",
    b"name",
    b"iVB",
    b": ",
    b"--b--",
]
TYPES = ["multipart/form-data; boundary=b"] * 6 + [
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=\x7f",
    'multipart/form-data; boundary="b',
    "multipart/form-data; boundary=" + "b" * 300,
    "multipart/mixed; boundary=b",
    "multipart/form-data; charset=x; boundary=b",
    "multipart/form-data; boundary=b; boundary*=utf-8''c",
    "MULTIPART/FORM-DATA;BOUNDARY=b",
    "multipart/form-data; boundary=\xe9",
]


def damaged(chance: random.Random) -> bytes:
    body = bytearray(WHOLE)
    for _ in range(chance.randint(0, 4)):
        start = chance.randrange(len(body))
        end = start + chance.choice([0, 0, 1, 3, 40, 400])
        body[start:end] = chance.choice([b"", chance.randbytes(3), *PIECES])
        if not body:
            return b""
    return bytes(body)


@pytest.mark.django_db
def test_each_is_read_completely_or_refused(gateway: Client, model: ScriptedModel) -> None:
    chance = random.Random(6)  # the same thousand in each run
    answers: dict[int, int] = {}
    for _ in range(1000):
        media, body = chance.choice(TYPES), damaged(chance)
        response = gateway.generic("POST", "/ml/v1/predict/", body, content_type=media)
        assert response.status_code in {200, 400, 415}, (media, body, response.content)
        assert response.status_code == 200 or response.json()["detail"]
        answers[response.status_code] = answers.get(response.status_code, 0) + 1
    assert min(answers[200], answers[400], answers[415]) > 20, answers
