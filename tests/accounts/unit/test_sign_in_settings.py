"""Settings of sign-in: mistakes stop the start, and what is not configured is not loaded."""

from pathlib import Path

import pytest

from tests.support.settings_process import SERVER, run_with_settings

PROVIDER = {
    "OIDC_ISSUER": "https://login.hospital.example",
    "OIDC_CLIENT_ID": "gateway",
    "OIDC_CLIENT_SECRET": "s3cret",
}
SET_UP = """
import django, os, sys
os.environ['DJANGO_SETTINGS_MODULE'] = 'backend.settings'
django.setup()
import backend.urls
"""
LOADED = "print(sorted({name.split('.')[0] for name in sys.modules} & {'allauth', 'jwt', 'oauthlib'}))"
ONE_CLICK = """
from accounts.local_admin import for_one_click, password_file
from django.http import HttpRequest
password_file().write_text('generated')
request = HttpRequest()
request.META['REMOTE_ADDR'] = '127.0.0.1'
print(for_one_click(request))
"""


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"OIDC_CLIENT_ID": ""}, "OIDC_CLIENT_ID is not set, and OIDC_ISSUER is: set it"),
        ({"OIDC_CLIENT_SECRET": ""}, "OIDC_CLIENT_SECRET is not set, and OIDC_ISSUER is: set it"),
        (
            {"OIDC_ISSUER": "http://127.0.0.1:8080"},
            "OIDC_ISSUER can't be 'http://127.0.0.1:8080': set it to a URL that",
        ),
        ({"OIDC_ISSUER": "hospital"}, "OIDC_ISSUER can't be 'hospital': set it to a URL such as https://"),
        ({"OIDC_ISSUER": "http://login.example", "DEBUG": "1"}, "OIDC_ISSUER can't be 'http://login.example': set it"),
        ({"OIDC_ROLES": "doctors=clinician"}, 'OIDC_ROLES is not JSON: set it to a JSON object such as {"clinic-'),
        ({"OIDC_ROLES": '["clinician"]'}, "OIDC_ROLES is not an object of texts: set it"),
        ({"OIDC_ROLES": '{"doctors": ["clinician"]}'}, "OIDC_ROLES is not an object of texts: set it"),
        ({"LOGIN_FAILURES": "0"}, "LOGIN_FAILURES can't be '0': set it to a whole number from 1 to 1000"),
        ({"SESSION_SECONDS": "5"}, "SESSION_SECONDS can't be '5': set it to a whole number from 60"),
    ],
)
def test_a_wrong_setting_stops_the_process_with_one_line(tmp_path: Path, variables: dict[str, str], line: str) -> None:
    result = run_with_settings(tmp_path, **SERVER | PROVIDER | variables)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith(f"ml-proxy: {line}")
    assert "s3cret" not in result.stderr


@pytest.mark.parametrize(("variables", "loaded"), [({}, []), (PROVIDER, ["allauth", "jwt"])])
def test_the_provider_s_libraries_are_loaded_only_with_a_provider(
    tmp_path: Path, variables: dict[str, str], loaded: list[str]
) -> None:
    result = run_with_settings(tmp_path, SET_UP + LOADED, **SERVER | variables)
    assert result.stdout.strip() == str(loaded), result.stderr


def test_production_has_no_sign_in_with_one_click(tmp_path: Path) -> None:
    result = run_with_settings(tmp_path, SET_UP + ONE_CLICK, **SERVER)
    assert result.stdout.strip() == "None", result.stderr
