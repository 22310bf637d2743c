"""Who is kept out of the installer's page, when it closes, and that what it showed is kept nowhere."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from platesieve.audit.entry import AimingClosed, AimingEnd
from tests.browser.aiming import PLATES, device, enter, shot

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser


pytestmark = pytest.mark.integration


def test_a_wrong_code_opens_nothing_and_is_limited(browser: Browser, tmp_path: Path) -> None:
    """Five wrong ones, and even the right one must wait; without a session nothing is answered; a code counts once."""
    with device(tmp_path, code="BRIDGE-SEVEN") as one:
        context = browser.new_context(base_url=one.address)
        page = context.new_page()
        page.goto("/")
        for said in (*["That is not the code"] * 4, "Too many tries"):
            page.get_by_label("Code that the device shows").fill("AAAA-AAAA")
            with page.expect_response("**/enter"):
                page.get_by_role("button", name="Open the page").click()
            page.locator("#problem", has_text=said).wait_for()
        page.get_by_label("Code that the device shows").fill("BRIDGE-SEVEN")
        with page.expect_response("**/enter") as answer:
            page.get_by_role("button", name="Open the page").click()
        shot(page, "door")
        assert answer.value.status == 429
        refused = {path: page.request.get(path).status for path in ("/picture", "/told")}
        one.clock.ahead_ns += 61 * 10**9
        page.get_by_role("button", name="Open the page").click()
        page.locator("#view").wait_for()
        other = browser.new_context(base_url=one.address).new_page()
        other.goto("/")
        other.get_by_label("Code that the device shows").fill("BRIDGE-SEVEN")
        other.get_by_role("button", name="Open the page").click()
        other.get_by_text("That is not the code").wait_for()

    assert refused == {"/picture": 401, "/told": 401}
    assert len(one.codes) == 2  # the second one was drawn when the first was used


def test_another_site_can_write_nothing(browser: Browser, tmp_path: Path) -> None:
    """Without our origin, without the page's token, or as a form: refused. The control is the page itself."""
    with device(tmp_path) as one:
        page = enter(browser, one)
        token = page.locator("meta[name=page-token]").get_attribute("content") or ""
        ours = {"Origin": one.address, "Content-Type": "application/json", "X-Page": token}
        tries: tuple[dict[str, str], ...] = (
            ours,
            {**ours, "Origin": "http://evil.example"},
            {**ours, "X-Page": "0" * 64},
            {**ours, "Content-Type": "text/plain"},
            {**ours, "Host": "evil.example"},
        )
        found = [page.request.post("/areas", headers=headers, data='{"masks": []}').status for headers in tries]
        wrong = page.request.post("/areas", headers=ours, data='{"masks": [[[0, 0], [2, 0], [0, 1]]]}')

    assert found == [200, 403, 403, 415, 421]
    assert (wrong.status, "vision.masks.0" in wrong.text()) == (422, True)


def test_after_the_time_the_port_is_closed(browser: Browser, tmp_path: Path) -> None:
    """The open page says so, the server ends by itself, and the log says why."""
    with device(tmp_path) as one:
        page = enter(browser, one)
        one.clock.ahead_ns += 30 * 60 * 10**9
        page.get_by_role("heading", name="This page has ended").wait_for()
        assert not page.locator("#picture").is_visible()
        shot(page, "over")
        one.answering.join(10)
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(one.address, timeout=2)  # noqa: S310 - our own address
        assert not one.answering.is_alive()

    (closed,) = (e for e in one.entries() if isinstance(e, AimingClosed))
    assert closed.reason is AimingEnd.TIME_OVER


def test_reads_are_shown_for_a_minute_and_leave_nothing(browser: Browser, tmp_path: Path) -> None:
    """Before the check no answer holds a plate; during it the page shows one; afterwards no answer and no file does."""
    with device(tmp_path) as one:
        answers: list[str] = []
        page = enter(browser, one, viewport={"width": 390, "height": 844})
        page.on("response", lambda response: answers.append(response.url) if "told" in response.url else None)
        page.locator("#verdict h2", has_text="Good for").wait_for(timeout=60_000)
        before = page.request.get("/told").text() + page.content()
        page.get_by_role("button", name="Check for 60 seconds").click()
        page.locator("#reads li").first.wait_for(timeout=60_000)
        during = page.request.get("/told").text()
        shown = page.locator("#reads b").first.inner_text()
        shot(page, "check")
        on_disk_meanwhile = one.holds(shown)
        one.clock.ahead_ns += 61 * 10**9
        page.get_by_text("Erased. There were").wait_for()
        shot(page, "check-erased")
        after = page.request.get("/told").text() + page.content()
        (tmp_path / "planted").write_text(shown)
        planted = one.holds(shown)  # the control: the search finds what is there
        (tmp_path / "planted").unlink()

    check = json.loads(during)["check"]
    assert check["reads"][-1]["text"] == shown
    assert shown in PLATES
    assert not any(plate in before or plate in after for plate in PLATES)
    assert answers
    assert (on_disk_meanwhile, planted, one.holds(shown)) == (False, True, False)
