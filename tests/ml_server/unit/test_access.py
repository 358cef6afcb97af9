"""Requests that change a model need the shared secret, or come from a program on this machine."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ml_server.app import create_app
from ml_server.settings import BadSetting, read_settings

TOKEN = "t" * 32
MUTATING = ["/api/v1/retrain", "/api/v1/models/breast-cancer-wisconsin/versions/1/promote"]
OPEN = ["/api/v1/status", "/api/v1/model-info", "/api/v1/models"]
BODY = {"params": {"unknown": 1}}  # a retrain that would start fails by its parameter
RIGHT = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return create_app(tmp_path_factory.mktemp("models"), read_token=lambda: TOKEN)


def statuses(client: FlaskClient, headers: dict[str, str], address: str = "127.0.0.1") -> set[int]:
    found: Any = {"REMOTE_ADDR": address}
    return {client.post(path, json=BODY, headers=headers, environ_base=found).status_code for path in MUTATING}


PASSED = {200, 422}  # promoted · the parameter is unknown


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-origin"},
        {"X-Forwarded-For": "192.0.2.1"},
        {"Via": "1.1 proxy"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {TOKEN}", "Origin": "null"},
    ],
)
def test_a_page_or_a_wrong_token_changes_nothing(guarded: Flask, headers: dict[str, str]) -> None:
    client = guarded.test_client()
    assert statuses(client, headers) == {403}
    assert all(client.get(path, headers=headers).status_code == 200 for path in OPEN)


def test_a_program_on_this_machine_needs_no_token(guarded: Flask, client: FlaskClient) -> None:
    for each in (guarded.test_client(), client):
        for address in ("127.0.0.1", "::1"):
            assert statuses(each, {}, address) == PASSED


def test_another_machine_needs_the_token(guarded: Flask, client: FlaskClient) -> None:
    for address in ("10.0.0.7", "2001:db8::1", ""):
        assert statuses(guarded.test_client(), {}, address) == {403}
        assert statuses(guarded.test_client(), RIGHT, address) == PASSED
        assert statuses(client, RIGHT, address) == {403}  # this server has no token


def test_the_token_is_enough_also_with_what_a_gateway_passes_on(guarded: Flask) -> None:
    assert statuses(guarded.test_client(), {**RIGHT, "Origin": "null", "X-Forwarded-For": "192.0.2.1"}) == PASSED


def test_a_refusal_says_what_to_do(guarded: Flask) -> None:
    answer = guarded.test_client().post(MUTATING[0], headers={"Origin": "null"})
    assert answer.get_json().keys() == {"error"}
    assert "ML_SERVER_TOKEN" in answer.get_json()["error"]


def test_predictions_are_open_to_the_network(guarded: Flask, example: dict[str, Any]) -> None:
    answer = guarded.test_client().post("/api/v1/predict", json=example, environ_base={"REMOTE_ADDR": "10.0.0.7"})
    assert answer.status_code == 200


def test_the_token_is_the_variable_or_the_file_that_make_up_keeps(tmp_path: Path) -> None:
    settings = read_settings({"VAR_DIR": str(tmp_path)})
    assert settings.token() == ""
    (tmp_path / "ml_server_token").write_text(f"{TOKEN}\n")
    assert settings.token() == TOKEN
    assert read_settings({"VAR_DIR": str(tmp_path), "ML_SERVER_TOKEN": "v" * 32}).token() == "v" * 32


def test_a_short_token_stops_the_start_and_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"^ML_SERVER_TOKEN is too short, 6 characters: set it to 32") as caught:
        read_settings({"VAR_DIR": str(tmp_path), "ML_SERVER_TOKEN": "secret"})
    assert "secret" not in str(caught.value)
