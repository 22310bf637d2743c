"""Debian's Chromium over the real dashboard. Playwright drives it and downloads nothing."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import sync_playwright

from platesieve.dashboard.doorway import COOKIE
from platesieve.dashboard.people import Role
from tests.browser.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Playwright

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.integration


@pytest.fixture(scope="session")
def driver() -> Iterator[Playwright]:
    """Return what starts browsers."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture
def browser(driver: Playwright) -> Iterator[Browser]:
    """Return a Chromium of the test's own: its end takes every page along, where closing one context may hang."""
    chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    yield chromium
    chromium.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return an agency of its own for the tests of one file."""
    agency = World(tmp_path_factory.mktemp("agency"))
    yield agency
    agency.close()


@pytest.fixture(scope="module")
def address(world: World) -> Iterator[str]:
    """Return where its dashboard answers."""
    with world.serving() as where:
        yield where


@pytest.fixture
def enter(browser: Browser, world: World) -> Callable[..., Page]:
    """Return a way to open a page as somebody who has signed in."""

    def as_somebody(address: str, name: str | None = None, role: Role = Role.OFFICER, **options: Any) -> Page:
        context = browser.new_context(base_url=address, **options)
        context.set_default_timeout(15_000)
        if name is not None:
            put_cookie(context, address, world.cookie(name, role))
        return context.new_page()

    return as_somebody


def put_cookie(context: BrowserContext, address: str, value: str) -> None:
    """Give a browser the cookie of a session."""
    context.add_cookies(
        [
            {
                "name": COOKIE,
                "value": value,
                "url": address.replace("http:", "https:"),
                "secure": True,
                "httpOnly": True,
                "sameSite": "Strict",
            }
        ]
    )


@contextmanager
def quiet_page(page: Page) -> Iterator[list[str]]:
    """Collect what a page complains about: errors, violations of the content security policy, dialogs."""
    complaints: list[str] = []

    def refuse(dialog: Dialog) -> None:
        complaints.append("dialog")
        dialog.dismiss()

    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", refuse)
    yield complaints
