"""Sign-in with an identity provider: the whole flow over HTTP, with a real provider and a real gateway."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from tests.support.access_log import noted_in
from tests.support.oidc_provider import CLIENT_ID, CLIENT_SECRET, Claims, OidcProvider, new_key
from tests.support.sign_in import PASSWORD
from tests.support.system import System
from tests.support.translations import english

pytestmark = pytest.mark.any_database

ROLES = '{"/clinic/doctors": "clinician", "reviewers": "reviewer"}'
BEGIN, CALLBACK, ACCOUNT = "/accounts/oidc/login/", "/accounts/oidc/callback/", "/accounts/"
DEADLINE_SECONDS = 5  # a busy machine needs more than one second for the token and its keys
LOCAL_USERS = [
    ("taken", "taken@clinic.example", False),
    ("boss", "boss@clinic.example", True),
    ("irene", "irene@clinic.example", False),
    ("twin-1", "twin@clinic.example", False),
    ("twin-2", "Twin@clinic.example", False),
]


class Hospital(NamedTuple):
    """A gateway and its identity provider."""

    system: System
    provider: OidcProvider

    def browser(self) -> "Browser":
        return Browser(self.system.url)

    def log(self) -> str:
        return self.system.log_of("web")

    def sql(self, statement: str) -> list[Any]:
        return self.system.sql(statement)


class Browser(requests.Session):
    """A browser that follows no redirect by itself."""

    def __init__(self, gateway: str) -> None:
        super().__init__()
        self.trust_env = False
        self.gateway = gateway

    def open(self, path: str) -> requests.Response:
        url = path if path.startswith("http") else f"{self.gateway}{path}"
        return self.get(url, allow_redirects=False, timeout=30)

    def consent(self, sub: str, begin: str = BEGIN) -> str:
        """Begins, and signs in at the provider; returns the URL that the provider sends the browser to."""
        to_provider = self.open(begin).headers["Location"]
        answer = requests.post(to_provider, data={"sub": sub}, allow_redirects=False, timeout=30)
        return answer.headers["Location"]

    def sign_in(self, sub: str, begin: str = BEGIN) -> requests.Response:
        return self.open(self.consent(sub, begin))

    def me(self) -> Any:
        return self.open("/ml/v1/me/").json()

    def is_signed_in(self) -> bool:
        return self.open(ACCOUNT).status_code == 200

    def post(self, path: str, **form: str) -> requests.Response:  # type: ignore[override]
        """Posts a form with its CSRF token."""
        fields = {**form, "csrfmiddlewaretoken": self.cookies["csrftoken"]}
        return self.request("POST", f"{self.gateway}{path}", data=fields, allow_redirects=False, timeout=30)


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    server = OidcProvider()
    yield server
    server.close()


def _start(make: Callable[..., System], provider: OidcProvider, **more: str) -> Hospital:
    system = make(
        API_AUTH="required",
        OIDC_ISSUER=provider.url,
        OIDC_CLIENT_ID=CLIENT_ID,
        OIDC_CLIENT_SECRET=CLIENT_SECRET,
        OIDC_NAME="Synthetic Hospital ID",
        OIDC_ROLES=ROLES,
        OIDC_DOCTOR_CLAIM="doctor",
        OIDC_TOTAL_SECONDS=str(DEADLINE_SECONDS),
        SIGN_IN_CONTACT="the help desk, extension 1234",
        **more,
    )
    system.manage("migrate", "-v0")
    hospital = Hospital(system, provider)
    hashed = PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=1000)
    for name, email, is_staff in LOCAL_USERS:
        system.sql(
            "INSERT INTO auth_user (username, email, password, is_staff, is_superuser, is_active, first_name, "  # noqa: S608
            f"last_name, date_joined) VALUES ('{name}', '{email}', '{hashed}', {is_staff}, false, true, '', '', "
            "CURRENT_TIMESTAMP)"
        )
    system.start("web")
    return hospital


@pytest.fixture(scope="module")
def shared(make_shared_system: Callable[..., System], provider: OidcProvider) -> Hospital:
    return _start(make_shared_system, provider)


@pytest.fixture
def hospital(shared: Hospital) -> Iterator[Hospital]:
    shared.provider.reset()
    shared.provider.add_user("1", preferred_username="dr-kim", groups=["/clinic/doctors", "others"])
    yield shared
    shared.provider.reset()


def test_it_signs_in_with_the_roles_of_the_groups(hospital: Hospital) -> None:
    browser = hospital.browser()
    page = browser.open("/accounts/login/?next=/api/docs/")
    assert "Sign in with Synthetic Hospital ID" in page.text
    assert f'href="{BEGIN}?next=%2Fapi%2Fdocs%2F"' in page.text
    answer = browser.sign_in("1", f"{BEGIN}?next=/api/docs/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/api/docs/")
    me = browser.me()
    assert (me["name"], me["roles"], me["signed_in_by"]) == ("dr-kim", ["clinician"], "oidc")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_the_request_to_the_provider_has_state_nonce_and_pkce(hospital: Hospital) -> None:
    location = urlsplit(hospital.browser().open(BEGIN).headers["Location"])
    query = {name: values[0] for name, values in parse_qs(location.query).items()}
    assert query["code_challenge_method"] == "S256"
    assert query["redirect_uri"] == f"{hospital.system.url}{CALLBACK}"
    assert set(query["scope"].split()) == {"openid", "profile", "email"}
    assert min(len(query[name]) for name in ("state", "nonce", "code_challenge")) >= 16


def test_roles_follow_the_groups_at_each_sign_in(hospital: Hospital) -> None:
    hospital.provider.add_user("2", preferred_username="dr-lee", groups=["/clinic/doctors"])
    browser = hospital.browser()
    browser.sign_in("2")
    hospital.sql(
        "INSERT INTO auth_user_groups (user_id, group_id) SELECT u.id, g.id FROM auth_user u, auth_group g "
        "WHERE u.username = 'dr-lee' AND g.name = 'auditor'"
    )
    hospital.provider.add_user("2", preferred_username="renamed", groups=["reviewers"])
    browser.sign_in("2")
    assert (browser.me()["name"], browser.me()["roles"]) == ("dr-lee", ["auditor", "reviewer"])


def test_the_doctor_follows_the_claim(hospital: Hospital) -> None:
    found = []
    for name in ("  Dr.   Kim ", None, "x" * 101, "Dr. Kim"):
        hospital.provider.add_user("9", preferred_username="dr-kim-9", groups=["/clinic/doctors"], doctor=name)
        browser = hospital.browser()
        browser.sign_in("9")
        found.append(browser.me()["doctors"])
    assert found == [["Dr.   Kim"], ["dr-kim-9"], ["dr-kim-9"], ["Dr. Kim"]]


def test_who_has_no_mapped_group_gets_no_role_and_a_page_that_says_whom_to_ask(hospital: Hospital) -> None:
    hospital.provider.add_user("3", preferred_username="visitor", groups=["others"])
    browser = hospital.browser()
    assert browser.sign_in("3").headers["Location"] == ACCOUNT
    page = browser.open(ACCOUNT)
    assert "you have no role" in page.text
    assert "the help desk, extension 1234" in page.text
    assert browser.me()["roles"] == []
    assert browser.open("/ml/v1/history/").status_code == 403


def test_groups_may_come_from_userinfo(hospital: Hospital) -> None:
    hospital.provider.spoil = lambda claims: {name: value for name, value in claims.items() if name != "groups"}
    browser = hospital.browser()
    browser.sign_in("1")
    assert browser.me()["roles"] == ["clinician"]
    assert "/userinfo" in hospital.provider.calls


def _refused(hospital: Hospital, answer: requests.Response, browser: Browser, status: int, text: str) -> None:
    assert (answer.status_code, text in answer.text) == (status, True), answer.text
    assert "a local account still works" in answer.text
    assert not browser.is_signed_in()


def _changed(**changes: Any) -> Callable[[Claims], Claims]:
    return lambda claims: {name: value for name, value in {**claims, **changes}.items() if value is not None}


SPOILED = {
    "nonce": _changed(nonce="another"),
    "no nonce": _changed(nonce=None),
    "expired": _changed(exp=int(time.time()) - 3600),
    "no expiry": _changed(exp=None),
    "of the future": _changed(iat=int(time.time()) + 3600),
    "audience": _changed(aud="another-client"),
    "one audience of two": _changed(aud=[CLIENT_ID, "another-client"], azp="another-client"),
    "issuer": _changed(iss="https://evil.example"),
    "no subject": _changed(sub=None),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED.keys())
def test_it_believes_no_spoiled_token(hospital: Hospital, spoil: Callable[[Claims], Claims]) -> None:
    hospital.provider.spoil = spoil
    browser = hospital.browser()
    _refused(hospital, browser.sign_in("1"), browser, 401, "can&#x27;t be trusted")


def _with_public_key_as_secret(provider: OidcProvider, claims: Claims) -> str:
    return provider.sign(claims, key=CLIENT_SECRET.ljust(32, "."), algorithm="HS256")


FORGED: dict[str, Callable[[OidcProvider, Claims], str]] = {
    "a stranger's key": lambda provider, claims: provider.sign(claims, key=new_key()),
    "an unknown key id": lambda provider, claims: provider.sign(claims, key=new_key(), kid="unknown"),
    "no signature": lambda _, claims: jwt.encode(claims, "", algorithm="none"),
    "a shared secret": _with_public_key_as_secret,
    "no token": lambda *_: "",
    "not a token": lambda *_: "a.b.c",
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_it_believes_no_forged_signature(hospital: Hospital, forge: Callable[[OidcProvider, Claims], str]) -> None:
    hospital.provider.encode = partial(forge, hospital.provider)
    browser = hospital.browser()
    _refused(hospital, browser.sign_in("1"), browser, 401, "can&#x27;t be trusted")


def test_it_believes_no_userinfo_about_somebody_else(hospital: Hospital) -> None:
    hospital.provider.spoil = _changed(groups=None)
    hospital.provider.userinfo = {"sub": "another", "groups": ["/clinic/doctors"]}
    browser = hospital.browser()
    _refused(hospital, browser.sign_in("1"), browser, 401, "can&#x27;t be trusted")


def test_a_callback_is_for_the_browser_that_began_and_only_once(hospital: Hospital) -> None:
    browser, victim = hospital.browser(), hospital.browser()
    url = browser.consent("1")
    _refused(hospital, victim.open(url), victim, 400, "Begin again")
    forged = url.replace("state=", "state=x")
    _refused(hospital, browser.open(forged), browser, 400, "Begin again")
    assert browser.open(url).status_code == 302
    other = hospital.browser()
    _refused(hospital, other.open(url), other, 400, "Begin again")
    assert browser.open(url).status_code == 400


def test_a_refusal_by_the_provider_is_a_page(hospital: Hospital) -> None:
    browser = hospital.browser()
    [state] = parse_qs(urlsplit(browser.open(BEGIN).headers["Location"]).query)["state"]
    answer = browser.open(f"{CALLBACK}?error=access_denied&state={state}")
    _refused(hospital, answer, browser, 400, "did not sign you in")


def test_the_next_page_is_one_of_this_gateway(hospital: Hospital) -> None:
    for url in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        assert hospital.browser().sign_in("1", f"{BEGIN}?next={url}").headers["Location"] == "/"


def test_a_link_can_not_connect_the_identity_to_another_account(hospital: Hospital) -> None:
    hospital.provider.add_user("4", preferred_username="dr-park", groups=["reviewers"])
    browser = hospital.browser()
    browser.sign_in("1")
    browser.sign_in("4", f"{BEGIN}?process=connect&action=reauthenticate&auth_params=nonce%3Dchosen&scope=admin")
    assert browser.me()["name"] == "dr-park"
    other = hospital.browser()
    other.sign_in("4")
    assert other.me()["name"] == "dr-park"


def test_a_sign_in_gets_a_new_session(hospital: Hospital) -> None:
    browser = hospital.browser()
    url = browser.consent("1")
    before = browser.cookies["sessionid"]
    browser.open(url)
    assert browser.cookies["sessionid"] != before


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/oauth2/token", "/jwks"])
def test_a_provider_that_is_down_is_a_clear_page(hospital: Hospital, path: str) -> None:
    browser = hospital.browser()
    url = browser.consent("1")
    hospital.provider.answers = {path: 503}
    _refused(hospital, browser.open(url), browser, 502, "does not answer as it should")
    begun = hospital.browser().open(BEGIN)
    assert begun.status_code == (502 if "openid" in path else 302)


def test_a_provider_that_hangs_is_given_up(hospital: Hospital) -> None:
    for path in ("/.well-known/openid-configuration", "/oauth2/token"):
        browser = hospital.browser()
        url = browser.consent("1")
        hospital.provider.hangs = path
        _refused(hospital, browser.open(url), browser, 502, "does not answer as it should")
        hospital.provider.reset()


def test_the_log_says_why_for_the_operator(hospital: Hospital) -> None:
    hospital.provider.spoil = SPOILED["nonce"]
    before = len(hospital.log())
    hospital.browser().sign_in("1")
    line = "sign-in with the identity provider failed: the ID token belongs to another sign-in (nonce)"
    assert line in hospital.log()[before:]


def test_a_local_account_signs_in_while_the_provider_is_down(hospital: Hospital) -> None:
    hospital.provider.answers = dict.fromkeys(("/.well-known/openid-configuration", "/oauth2/token"), 500)
    browser = hospital.browser()
    browser.open("/accounts/login/")
    answer = browser.post("/accounts/login/", username="taken", password=PASSWORD)
    assert answer.status_code == 302
    assert browser.me()["signed_in_by"] == "password"


def test_a_name_that_is_taken_is_not_taken_over(hospital: Hospital) -> None:
    for number, name in enumerate(("taken", "TAKEN", "boss")):
        email = f"{name}@clinic.example"
        hospital.provider.add_user(f"5{number}", preferred_username=name, email=email, email_verified=True)
        browser = hospital.browser()
        _refused(hospital, browser.sign_in(f"5{number}"), browser, 403, "an account with your name already")
    assert hospital.sql("SELECT count(*) FROM socialaccount_socialaccount WHERE uid LIKE '5%'") == [(0,)]


@pytest.mark.parametrize("name", [None, "", "with a blank", 7, "x" * 151, "nul\0"])
def test_an_unusable_name_is_a_clear_page(hospital: Hospital, name: Any) -> None:
    hospital.provider.add_user("6", preferred_username=name)
    browser = hospital.browser()
    answer = browser.sign_in("6")
    _refused(hospital, answer, browser, 403, "no user name that can be used here")


def test_a_closed_account_stays_closed(hospital: Hospital) -> None:
    hospital.provider.add_user("7", preferred_username="gone", groups=["reviewers"])
    browser = hospital.browser()
    browser.sign_in("7")
    hospital.sql("UPDATE auth_user SET is_active = false WHERE username = 'gone'")
    other = hospital.browser()
    _refused(hospital, other.sign_in("7"), other, 403, "Your account is closed")


def test_sign_out_ends_the_session_and_offers_the_providers_sign_out(hospital: Hospital) -> None:
    browser = hospital.browser()
    browser.sign_in("1")
    browser.open(ACCOUNT)
    kept = browser.cookies["sessionid"]
    page = browser.post("/accounts/logout/")
    assert f"{hospital.provider.url}/oauth2/end_session?client_id={CLIENT_ID}" in page.text
    browser.cookies.set("sessionid", kept)
    assert not browser.is_signed_in()


def test_a_korean_browser_reads_korean_from_sign_in_to_sign_out(hospital: Hospital) -> None:
    hospital.provider.add_user("10", preferred_username="taken", email="taken@clinic.example", email_verified=True)
    hospital.provider.add_user("11", preferred_username="with a blank")
    browser, strangers = hospital.browser(), [hospital.browser() for _ in range(3)]
    for each in (browser, *strangers):
        each.headers["Accept-Language"] = "ko"
    pages = [browser.open("/accounts/login/"), strangers[0].sign_in("10"), strangers[1].sign_in("11")]
    pages.append(strangers[2].open(f"{CALLBACK}?state=lost"))
    browser.sign_in("1")
    pages += [browser.open(ACCOUNT), browser.post("/accounts/logout/")]
    assert [page.status_code for page in pages] == [200, 403, 403, 400, 200, 200]
    names = ("Synthetic", "Hospital", "ID", "the", "help", "desk", "extension", "dr", "kim", "clinician")
    for page in pages:
        assert '<html lang="ko">' in page.text
        assert english(page.text, *names) == set(), page.text


def test_what_is_kept_of_a_person_is_little_and_the_log_has_no_name(hospital: Hospital) -> None:
    hospital.provider.add_user(
        "8",
        preferred_username="dr-choi",
        groups=["reviewers"],
        email="choi@clinic.example",
        name="Choi Min",
        given_name="Min",
    )
    hospital.browser().sign_in("8")
    kept = repr(
        hospital.sql("SELECT * FROM socialaccount_socialaccount WHERE uid = '8'")
        + hospital.sql("SELECT username, first_name, last_name, email FROM auth_user WHERE username = 'dr-choi'")
    )
    assert "dr-choi" in kept
    for text in ("choi@clinic.example", "Min", CLIENT_SECRET):
        assert text not in kept
        assert text not in hospital.log()
    assert "dr-choi" not in hospital.log()


@pytest.fixture(scope="module")
def linking(shared: Hospital) -> Hospital:
    """The same hospital, which now links by e-mail."""
    shared.provider.reset()
    shared.system.kill("web")
    shared.system.environment["OIDC_LINK_CLAIM"] = "email"
    shared.system.start("web")
    return shared


@pytest.mark.parametrize(
    ("email", "verified", "links"),
    [
        ("Taken@clinic.example", False, False),
        ("taken@clinic.example", None, False),
        ("taken@clinic.example", "true", False),
        ("twin@clinic.example", True, False),  # two local users have it
        ("\u0131rene@clinic.example", True, False),  # in upper case, as PostgreSQL compares, a dotless i is an I
        ("boss@clinic.example", True, False),  # the admin is open to that one
        ("Taken@clinic.example", True, True),
    ],
)
def test_a_verified_email_links_one_ordinary_user(linking: Hospital, email: str, verified: Any, links: bool) -> None:
    sub = f"{email}-{verified}".replace("\u0131", "dotless-i")  # a subject is ASCII
    linking.provider.add_user(sub, email=email, email_verified=verified, groups=["reviewers"])
    browser = linking.browser()
    answer = browser.sign_in(sub)
    if links:
        assert browser.me()["name"] == "taken"
        notes = [each.detail for each in noted_in(linking.system.folder) if "social account" in each.detail]
        assert any(note.startswith("created") and "of taken" in note and sub in note for note in notes), notes
        linking.provider.add_user("thief", email=email, email_verified=True)
        thief = linking.browser()
        _refused(linking, thief.sign_in("thief"), thief, 403, "an account with your name already")
    else:
        _refused(linking, answer, browser, 403, "")
