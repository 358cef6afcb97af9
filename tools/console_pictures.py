"""Takes pictures of the console's pages, to look at: `python -m tools.console_pictures http://127.0.0.1:8000 FOLDER`.

The gateway must be open (`make up`). Each page is taken at the widths of a phone and of a desktop, in both languages
and both colour schemes. Needs Chromium on the path.
"""

import argparse
import re
import shutil
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

PATHS = ("sign-in", "predict", "history", "training", "insight", "questions", "pictures", "system", "account")
WIDTHS = (390, 1440)  # CSS pixels
HEIGHT = 900
# The buttons of the page of pictures, in both languages
EXAMPLE = re.compile("A drawn desk|그린 책상")
ASK = re.compile("Is it a desk|책상인가요")
DRAW = re.compile("Make a better desk|더 나은 책상")
LOOKS = (("en", "light"), ("ko", "dark"))


def take(browser: Browser, url: str, folder: Path, paths: tuple[str, ...]) -> None:
    """Takes all pictures. Raises Playwright's errors."""
    for width, (language, scheme) in product(WIDTHS, LOOKS):
        context = browser.new_context(
            viewport={"width": width, "height": HEIGHT}, color_scheme="dark" if scheme == "dark" else "light"
        )
        context.add_init_script(f"localStorage.setItem('language', '{language}')")
        page = context.new_page()
        for path in paths:
            page.goto(f"{url}/{path}")
            page.wait_for_load_state("networkidle")
            _fill(page, path)
            page.screenshot(path=folder / f"{path}-{width}-{language}-{scheme}.png", full_page=True)
        context.close()


def _fill(page: Page, path: str) -> None:
    """Brings a page to a state worth a look."""
    if path == "questions" and (suggestion := page.locator("main li button")).count():
        suggestion.first.click()
        page.get_by_test_id("result").wait_for()
        page.locator(".cm-content").wait_for()
        page.wait_for_load_state("networkidle")
    if path == "pictures":
        _make_picture(page)
    if path == "system":
        page.locator("main button[type=submit]").first.click()
        page.get_by_test_id("access-log").wait_for()
    if path != "predict":
        return
    page.locator("main select").nth(1).select_option(index=1)
    page.get_by_role("spinbutton").first.wait_for()
    page.locator("main button[type=submit]").first.click()
    page.get_by_test_id("top-label").wait_for()
    page.wait_for_load_state("networkidle")


def _make_picture(page: Page) -> None:
    """Asks about the first example, and has it drawn anew. The models must be there."""
    ask, draw = page.get_by_role("button", name=ASK), page.get_by_role("button", name=DRAW)
    page.get_by_role("button", name=EXAMPLE).click()
    ask.click()
    page.get_by_test_id("verdict").wait_for()
    draw.click()
    page.get_by_test_id("models").wait_for(timeout=120_000)
    page.wait_for_load_state("networkidle")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", nargs="*", default=PATHS)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        take(browser, given.url.rstrip("/"), given.folder, tuple(given.pages))
        browser.close()


if __name__ == "__main__":
    main()
