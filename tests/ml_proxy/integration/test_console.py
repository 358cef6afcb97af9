"""`/`, the console: its links, the files that it loads, and its restrictions."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from pytest_django import Settings

from common.export_formats import FORMS

STATIC = "/static/"


class Page(HTMLParser):
    """A page's elements and its scripts' texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.inline = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] in {"script", "style"}:
            self.inline += data.strip()

    def values(self, *names: str) -> list[str]:
        """Returns the values of these attributes of all elements."""
        return [attributes[name] for _, attributes in self.elements for name in names if name in attributes]

    def named(self, tag: str) -> list[dict[str, str]]:
        """Returns the attributes of each element with this name."""
        return [attributes for found, attributes in self.elements if found == tag]


@pytest.fixture
def page(client: Client) -> Page:
    response = client.get("/")
    assert response.status_code == 200
    return Page(response.content.decode())


def loaded(page: Page) -> dict[str, str]:
    """Every file that the page loads, by URL, including imported modules."""
    waiting = [
        *(it["src"] for it in page.named("script") + page.named("img")),
        *(it["href"] for it in page.named("link")),
    ]
    files: dict[str, str] = {}
    while waiting:
        url = waiting.pop()
        if url not in files:
            found = finders.find(url.removeprefix(STATIC))
            assert found, url
            files[url] = Path(found).read_text()
            waiting += [urljoin(url, name) for name in re.findall(r'from "([^"]+)"', files[url])]
    return files


def test_it_contains_the_url_of_every_endpoint_that_it_uses(page: Page) -> None:
    assert set(page.values("data-url", "data-history-url")) == {
        "/readyz",
        "/ml/v1/model-info/",
        "/ml/v1/predict/",
        "/ml/v1/history/",
    }


def test_it_offers_history_as_a_file_in_each_form(page: Page) -> None:
    files = {link["data-format"]: link["href"] for link in page.named("a") if "data-format" in link}
    expected = {form: f"/ml/v1/history/export/?format={form}" for form in FORMS}
    assert files == expected | {"csv": f"{expected['csv']}&bom=1"}  # people open it in a spreadsheet


def test_its_scripts_contain_no_urls(page: Page) -> None:
    scripts = [text for url, text in loaded(page).items() if url.endswith(".js")]
    assert len(scripts) > 5
    assert not re.search(r"https?://|[\"'`]/(ml|readyz|admin|api)\b", "".join(scripts))


def test_it_links_to_the_other_services(page: Page) -> None:
    assert {"/admin/", "/api/docs/"} <= {link["href"] for link in page.named("a")}


def test_it_loads_nothing_from_another_host(page: Page) -> None:
    assert all(url.startswith(f"{STATIC}ml_proxy/") for url in loaded(page))
    styles = "".join(text for url, text in loaded(page).items() if url.endswith(".css"))
    assert "url(" not in styles
    assert "@import" not in styles


def test_it_has_no_inline_scripts_or_styles(page: Page) -> None:
    assert page.inline == ""
    assert not page.named("style")
    attributes = {name for _, found in page.elements for name in found}
    assert not {name for name in attributes if name.startswith("on") or name == "style"}


def test_its_scripts_insert_text_and_never_markup(page: Page) -> None:
    scripts = "".join(text for url, text in loaded(page).items() if url.endswith(".js"))
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", scripts)


def test_its_content_security_policy_allows_only_its_own_origin(client: Client) -> None:
    policy = client.get("/")["Content-Security-Policy"]
    directives = dict(directive.strip().split(" ", 1) for directive in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert {directives[name] for name in ("script-src", "style-src", "img-src", "connect-src")} == {"'self'"}
    assert "unsafe" not in policy


def test_its_forms_do_not_put_values_into_the_url(page: Page) -> None:
    forms = page.named("form")
    assert len(forms) == 2
    assert {form["method"] for form in forms} == {"post"}  # without scripts, a GET would put the names into the URL
    submits = [button for button in page.named("button") if button["type"] == "submit"]
    assert all("disabled" in button for button in submits)


def test_it_labels_every_control(page: Page) -> None:
    labels = {label["for"] for label in page.named("label") if "for" in label}
    controls = page.named("input") + page.named("textarea") + page.named("select")
    assert {control["id"] for control in controls if control.get("type") != "checkbox"} == labels
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    referred = {name for value in page.values("aria-labelledby", "aria-describedby") for name in value.split()}
    assert referred <= set(ids)


def test_it_sets_the_csrf_token_for_a_session(client: Client) -> None:
    assert client.get("/").cookies["csrftoken"].value


@pytest.mark.parametrize(
    ("host", "flower"), [("localhost:8000", "http://localhost:5999/"), ("[::1]:8000", "http://[::1]:5999/")]
)
def test_it_links_to_flower_in_debug_mode(client: Client, settings: Settings, host: str, flower: str) -> None:
    settings.DEBUG, settings.FLOWER_PORT, settings.ALLOWED_HOSTS = True, 5999, ["localhost", "[::1]"]
    page = Page(client.get("/", headers={"host": host}).content.decode())
    assert flower in {link["href"] for link in page.named("a")}


def test_outside_debug_mode_it_has_no_flower_link_and_no_example_names(client: Client, settings: Settings) -> None:
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["testserver"]
    page = Page(client.get("/").content.decode())
    assert all(not urlsplit(link["href"]).netloc for link in page.named("a"))
    assert not any(box.get("value") for box in page.named("input"))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_it_can_only_be_read(method: str) -> None:
    response = Client(enforce_csrf_checks=True).generic(method, "/")
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")
    assert response["Content-Type"] == "application/problem+json"


def test_its_files_are_served(client: Client, page: Page) -> None:
    for url, text in loaded(page).items():
        response: Any = client.get(url)
        assert b"".join(response.streaming_content).decode() == text
