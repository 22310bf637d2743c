"""For everybody: contrast as it is computed, names for everything, the keyboard, paper and small screens."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from platesieve.collector.records import CheckpointStatus, Quarantined, Rejection
from platesieve.collector.reveal import RevealRequest
from platesieve.dashboard.people import Role
from platesieve.domain.access import Purpose
from tests.fakes.passages import DEVICE

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.world import World

pytestmark = pytest.mark.integration
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
LEAST_OF_LARGE = 3.0

# Returns [text, contrast, wanted] for visible text that is too faint (WCAG 2.2, relative luminance).
TOO_FAINT = """([least, leastOfLarge]) => {
  const parse = (text) => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
  const light = ([r, g, b]) => { const f = [r, g, b].map((v) => { v /= 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * f[0] + 0.7152 * f[1] + 0.0722 * f[2]; };
  const over = ([r, g, b, a], under) => [r, g, b].map((v, i) => v * a + under[i] * (1 - a));
  const ground = (element) => { const all = [];
    for (let e = element; e; e = e.parentElement) all.push(parse(getComputedStyle(e).backgroundColor));
    return all.reverse().reduce((under, one) => over(one, under), [255, 255, 255]); };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const box = element.getBoundingClientRect(), style = getComputedStyle(element);
    if (!own || box.width < 2 || box.height < 2 || style.visibility === "hidden" || element.closest("svg")) continue;
    const back = ground(element), ink = over(parse(style.color), back);
    const [high, low] = [light(ink), light(back)].sort((a, b) => b - a);
    const contrast = (high + 0.05) / (low + 0.05), size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const wanted = large ? leastOfLarge : least;
    if (contrast < wanted) found.push([element.textContent.trim().slice(0, 40), contrast.toFixed(2), wanted]);
  }
  return found;
}"""

# Returns what a screen reader would stumble over.
UNNAMED = """() => {
  const faults = [], name = (e) => (e.getAttribute("aria-label") || e.textContent || e.getAttribute("alt") || "").trim()
    || [...(e.labels || [])].map((label) => label.textContent.trim()).join("");
  for (const e of document.querySelectorAll("input:not([type=hidden]), select, button, a[href], meter, progress, img"))
    if (!name(e)) faults.push(["no name", e.outerHTML.slice(0, 80)]);
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  ids.filter((id, at) => ids.indexOf(id) !== at).forEach((id) => faults.push(["id twice", id]));
  for (const what of ["main", "h1", "html[lang]", "head title"])
    if (document.querySelectorAll(what).length !== 1) faults.push(["not one", what]);
  const levels = [...document.querySelectorAll("h1, h2, h3")].map((e) => Number(e.tagName[1]));
  levels.forEach((level, at) => { if (at && level > levels[at - 1] + 1) faults.push(["heading skipped", level]); });
  for (const pointer of ["aria-describedby", "aria-labelledby"])
    for (const e of document.querySelectorAll(`[${pointer}]`))
      for (const id of e.getAttribute(pointer).split(/\\s+/))
        if (!document.getElementById(id)) faults.push(["points nowhere", id]);
  for (const e of document.querySelectorAll("th")) if (!e.textContent.trim()) faults.push(["empty heading", "th"]);
  return faults;
}"""


@pytest.fixture(scope="module")
def paths(world: World) -> list[str]:
    """Return the pages of an agency in which everything happens at once."""
    hit = world.hit()
    world.hit("hits-only")
    world.desks.retention.hold(hit, "sue", "26-004217", 90)
    world.desks.reveals.reveal(RevealRequest(hit, "sue", Purpose.ALERT_CHECK, "26-004217"))
    for site in ("bridge-7", "harbour", "ring-east"):
        world.health(replace(DEVICE, site=site))
    world.checkpoint(CheckpointStatus.FORKED, "a fork", replace(DEVICE, site="ring-east"))
    message = Quarantined(time.time_ns(), Rejection.MALFORMED, "ab" * 32, 12, "metro-pd/harbour/cam-1")
    world.store.quarantine(message)
    return [
        "/alerts?show=all",
        f"/alerts/{hit}",
        "/alerts/none",
        "/cases",
        "/case?number=26-004217",
        "/cameras",
        "/cameras/metro-pd/harbour/cam-1",
        "/map",
        "/quarantine",
        "/access",
        "/access/door",
        "/reports",
        "/people",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_can_be_read_by_everybody(
    scheme: str, paths: list[str], address: str, enter: Callable[..., Page]
) -> None:
    """Contrast of all text, names of all controls, one main and one h1, ids that are unique, by day and by night."""
    page = enter(address, "sue", Role.SUPERVISOR, color_scheme=scheme)
    stranger = enter(address, color_scheme=scheme)
    faults: dict[str, Any] = {}
    for visitor, path in [*((page, path) for path in paths), (stranger, "/sign-in"), (stranger, "/first")]:
        visitor.goto(path)
        found = visitor.evaluate(TOO_FAINT, [LEAST_CONTRAST, LEAST_OF_LARGE]) + visitor.evaluate(UNNAMED)
        if found:
            faults[path] = found
    assert faults == {}


def test_the_searches_find_what_is_wrong(enter: Callable[..., Page], address: str) -> None:
    """The control: faint text, a field without a label and two equal ids are found."""
    page = enter(address)
    page.set_content('<p style="color:#999">faint</p><input><b id=x></b><b id=x></b>')
    assert page.evaluate(TOO_FAINT, [LEAST_CONTRAST, LEAST_OF_LARGE])[0][0] == "faint"
    kinds = {fault for fault, _ in page.evaluate(UNNAMED)}
    assert {"no name", "id twice", "not one"} <= kinds


def test_the_keyboard_is_enough(paths: list[str], address: str, enter: Callable[..., Page]) -> None:
    """Tab reaches the skip link first, it shows, and Enter goes on; an alert opens by Enter, and focus is visible."""
    page = enter(address, "kay")
    page.goto(paths[0])
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    assert skip.evaluate("one => one === document.activeElement && one.getBoundingClientRect().top >= 0")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.locator(".hit a").first.focus()
    assert page.locator(".hit").first.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_selector("#purpose")


@pytest.mark.parametrize("width_px", [360, 768])
def test_no_page_is_wider_than_its_screen(
    width_px: int, paths: list[str], address: str, enter: Callable[..., Page]
) -> None:
    """Nothing sticks out to the right, and buttons are large enough for a thumb (WCAG 2.2, 2.5.8: 24 pixels)."""
    page = enter(address, "sue", Role.SUPERVISOR, viewport={"width": width_px, "height": 800})
    for path in paths:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width_px, path
        small = "all => all.filter(one => one.offsetParent && one.getBoundingClientRect().height < 24).length"
        assert page.eval_on_selector_all("button", small) == 0, path


def test_paper_has_what_matters_and_no_buttons(paths: list[str], address: str, enter: Callable[..., Page]) -> None:
    """Printed, a page has no navigation and no forms, and black ink."""
    page = enter(address, "kay")
    page.goto(paths[1])
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("nav").first.is_hidden()
    assert page.locator("button:visible").count() == 0
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.locator("#unverified").is_visible()
