"""What an officer does with an alert, over a real broker and collector; and what a hostile device cannot do."""

from __future__ import annotations

import base64
import json
import threading
import time
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from platesieve.adapters.mqtt.demo_broker import demo_broker
from platesieve.adapters.mqtt.wire import Address, encode
from platesieve.bootstrap.collector import collector_process
from platesieve.collector.records import CheckpointStatus
from platesieve.collector.reveal import RevealDesk
from platesieve.dashboard.limits import Limit
from platesieve.dashboard.parts import Options
from platesieve.dashboard.people import Role
from platesieve.domain.access import OutcomeCode, Purpose
from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import AuditError
from platesieve.policy.seal import seal, sealing_info
from platesieve.settings import Uplink
from tests.browser.conftest import quiet_page
from tests.browser.world import PLATE
from tests.fakes.passages import AGENCY_PUBLIC, DEVICE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from playwright.sync_api import Page

    from platesieve.audit.entry import Entry
    from platesieve.domain.disclosure import Disclosure, Json
    from tests.browser.world import World

pytestmark = pytest.mark.integration
CASE = "26-004217"
PAYLOADS = (
    "<script>window.hacked=1</script>",
    '"><img src=x onerror="window.hacked=1">',
    "{{ 7 * 7 }}<svg onload=window.hacked=1>",
    "javascript:window.hacked=1",
    "\u202e\u0000evil\x1b[2J",
)


@pytest.fixture(scope="module")
def publish(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Disclosure], float]]:
    """Run a real mosquitto and the real collector; return a way to publish, which gives the moment it was done."""
    over = threading.Event()
    with demo_broker(tmp_path_factory.mktemp("broker")) as broker:
        assert broker.protocol == "5", "mosquitto is needed: apt-get install mosquitto"
        settings = replace(world.settings, broker=Uplink(host=broker.host, port=broker.port))
        collector = threading.Thread(target=collector_process, args=(settings, over.is_set), daemon=True)
        collector.start()
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        client.connect(broker.host, broker.port)
        client.loop_start()

        def now(disclosure: Disclosure) -> float:
            where = Address.from_device(DEVICE)
            at_s = time.monotonic()
            client.publish(where.topic(disclosure.kind), encode(disclosure, where), qos=1).wait_for_publish(10)
            return at_s

        warm_up = world.disclosure()
        end_s = time.monotonic() + 20
        while world.store.event(warm_up.id) is None and time.monotonic() < end_s:
            now(warm_up)
            time.sleep(0.2)
        yield now
        client.disconnect()
        client.loop_stop()
        over.set()
        collector.join(10)


def reveal(page: Page, hit: str, purpose: str = "alert-check", case: str = CASE) -> None:
    """Fill the form of an alert and send it, whatever the browser itself would say to that."""
    page.goto(f"/alerts/{hit}")
    page.select_option("#purpose", purpose)
    page.fill("#case", case)
    page.eval_on_selector_all("[required]", "all => all.forEach(one => one.required = false)")
    page.click("text=Log and open")


def test_a_hit_appears_without_a_reload_within_a_second(
    world: World, address: str, enter: Callable[..., Page], publish: Callable[[Disclosure], float]
) -> None:
    """From the device's publish over mosquitto and the collector to the officer's screen, and said aloud."""
    page = enter(address, "lena")
    with quiet_page(page) as complaints:
        page.goto("/alerts")
        page.evaluate("window.stayed = true")
        page.wait_for_selector("#live[data-state=on]")
        took_s = []
        for _ in range(5):
            disclosure = world.disclosure()
            before_s = publish(disclosure)
            page.wait_for_selector(f"#alert-{disclosure.id}", state="attached", timeout=5000)
            took_s.append(time.monotonic() - before_s)
        assert page.evaluate("window.stayed") is True
        assert page.locator(".hit").first.get_attribute("id") == f"alert-{disclosure.id}"
        assert page.locator("#say").inner_text().startswith("New alert: Stolen, metro-pd/bridge-7/cam-1")
        assert "not grounds for a stop" in page.locator(".hit").first.inner_text()
    assert median(took_s) < 1.0, took_s
    assert max(took_s) < 5.0, took_s
    assert complaints == []
    assert PLATE not in page.content()


@pytest.mark.parametrize(
    ("purpose", "case", "complaint"),
    [
        ("", CASE, "Choose the purpose"),
        ("alert-check", "", "Give the case number"),
        ("alert-check", PLATE, "not written like a case number"),
        ("", "", "Choose the purpose. Give the case number"),
    ],
)
def test_nothing_opens_without_purpose_and_case(
    purpose: str, case: str, complaint: str, world: World, address: str, enter: Callable[..., Page]
) -> None:
    """The server refuses what the browser would have refused; the log has no entry, because nothing was opened."""
    hit, page = world.hit(), enter(address, "omar")
    reveal(page, hit, purpose, case)
    assert complaint in page.locator("#problem").inner_text()
    assert page.locator("#opened").count() == 0
    assert world.store.accesses(10, hit) == []


def test_a_reveal_is_logged_first_shown_for_a_while_and_kept_nowhere(world: World, enter: Callable[..., Page]) -> None:
    """Crop beside text and unsure glyphs; then the page takes itself back, and the back button brings nothing."""
    hit = world.hit()
    with world.serving(Options(relock_s=7)) as address:
        page = enter(address, "omar")
        with quiet_page(page) as complaints, page.expect_response("**/reveal") as answered:
            reveal(page, hit)
        assert page.locator("#plate").inner_text() == PLATE
        assert page.locator("img[alt*='plate as the camera saw']").evaluate("one => one.naturalWidth") > 50
        assert page.locator(".glyph").count() == len(PLATE)
        assert page.locator(".glyph.unsure").first.inner_text().split() == [
            "8",
            "91",
            "%",
            "or",
            "B",
            "7",
            "%",
            "or",
            "3",
            "1",
            "%",
        ]
        assert answered.value.headers["cache-control"] == "no-store"
        assert answered.value.headers["refresh"] == f"7; url=/alerts/{hit}"
        (access,) = world.store.accesses(10, hit)
        assert (access.user, access.purpose, access.case) == ("omar", Purpose.ALERT_CHECK, CASE)
        page.wait_for_url(f"**/alerts/{hit}", timeout=20_000)
        assert page.locator("#opened").count() == 0
        page.go_back()
        assert PLATE not in page.content()
        assert complaints == []


def test_no_log_no_reveal(world: World, enter: Callable[..., Page], monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that cannot be written keeps everything sealed; the control: with the log back the same form opens."""

    class FullLog:
        def append(self, _entries: Sequence[Entry]) -> str:
            raise AuditError("the log cannot be written: no space left", "make room")

    hit, whole = world.hit(), world.desks.reveals
    assert isinstance(whole, RevealDesk)
    broken = RevealDesk(whole._store, FullLog(), whole._opener, whole._clock, whole._random)
    monkeypatch.setattr(world, "desks", replace(world.desks, reveals=broken))
    with world.serving() as address:
        page = enter(address, "omar")
        reveal(page, hit)
        assert "Nothing was opened" in page.locator("#problem").inner_text()
        assert PLATE not in page.content()
        assert world.store.accesses(10, hit) == []
    monkeypatch.setattr(world, "desks", replace(world.desks, reveals=whole))
    with world.serving() as address:
        page = enter(address, "omar")
        reveal(page, hit)
        assert PLATE in page.content()


def test_an_outcome_counts(world: World, address: str, enter: Callable[..., Page]) -> None:
    """What an officer found is in the statutory counters, and the newest word counts."""
    hit, page = world.hit(), enter(address, "omar")
    before = world.store.outcome_counts().get(OutcomeCode.DOES_NOT_CORRELATE, 0)
    page.goto(f"/alerts/{hit}")
    page.click("button[value=confirmed]")
    page.click("button[value=does-not-correlate]")
    assert "Does not correlate" in page.locator(".head").inner_text()
    assert world.store.outcome_counts()[OutcomeCode.DOES_NOT_CORRELATE] == before + 1
    assert [one.code for one in world.store.outcomes(hit)] == ["does-not-correlate", "confirmed"]


def test_an_auditor_reads_who_opened_what(world: World, address: str, enter: Callable[..., Page]) -> None:
    """Name, purpose, case and log entry stand in the access log and its export, and no plate does."""
    hit, officer = world.hit(), enter(address, "pia")
    reveal(officer, hit)
    page = enter(address, "aud", Role.AUDITOR)
    page.goto("/access?who=pia")
    row = page.locator("tbody tr").first.inner_text()
    assert all(word in row for word in ("pia", "Check a live alert by eye", CASE))
    exported = page.request.get("/access/export.csv").text()
    assert f"pia,Metro Police,alert-check,{CASE},{hit}" in exported
    assert PLATE not in page.content() + exported
    page.goto(f"/alerts/{hit}")
    assert page.locator("text=Log and open").count() == 0


def hostile_hit(id_: str, payload: str) -> dict[str, Json]:
    """Return data in which every field says the payload, the sealed ones once they are opened."""
    device = "metro-pd/bridge-7/cam-1"
    fields = ("time", "location", "device", "direction", "lane", "confidence", "category", "list", "time_quality")
    data: dict[str, Json] = dict.fromkeys((*fields, "match", "notice", "disposition"), payload)
    data["policy"] = {"id": payload, "version": payload, "sha256": payload}
    agency, site, name = device.split("/")
    who = replace(DEVICE, agency=agency, site=site, device=name)
    for field in ("plate", "plate_region", "plate_crop", "scene_crop"):
        info = sealing_info(who, Kind.HIT, id_, field, payload)
        sealed = seal(AGENCY_PUBLIC, json.dumps(payload).encode(), info)
        data[field] = {"sealed": base64.b64encode(sealed).decode(), "to": "agency"}
    data["direction"] = {"pseudonym": payload, "epoch": payload}
    data["lane"] = [payload, {payload: payload}]
    return data


@pytest.mark.parametrize("number", range(len(PAYLOADS)))
def test_what_a_device_says_is_text_and_nothing_more(
    number: int, world: World, address: str, enter: Callable[..., Page]
) -> None:
    """Markup in every field of hit and health, sealed or not, live and on each page: shown as letters, never obeyed."""
    payload, id_ = PAYLOADS[number], f"hostile{number}"
    page = enter(address, "xena", Role.SUPERVISOR)
    with quiet_page(page) as complaints:
        page.goto("/alerts")
        page.wait_for_selector("#live[data-state=on]")
        world.hostile(id_, hostile_hit(id_, payload))
        page.wait_for_selector(f"#alert-{id_}", state="attached")
        device = replace(DEVICE, site=f"hostile-{number}")
        mapping: dict[str, Json] = {"id": payload, "sha256": payload, "version": payload}
        said: dict[str, Json] = dict.fromkeys(("state", "reason", "fps", "clock", "version"), payload)
        world.health(device, **said, policy=mapping)
        world.checkpoint(CheckpointStatus.WITNESSED, payload, device)
        reveal(page, id_)
        paths = (f"/alerts/{id_}", "/alerts?show=all", "/cameras", f"/cameras/metro-pd/hostile-{number}/cam-1", "/map")
        for path in (None, *paths):
            if path is not None:
                page.goto(path)
            assert page.evaluate("window.hacked") is None
            assert page.locator("img[src=x], [onerror], [onload], main script, a[href^=javascript]").count() == 0
            assert "49<svg" not in page.content()
            assert not set("\u202e\x00\x1b") & set(page.content())
    assert [one for one in complaints if "Content Security Policy" in one or "dialog" in one] == []


def test_the_payloads_would_fire_where_nothing_holds_them_back(enter: Callable[..., Page], address: str) -> None:
    """The control: the same markup on a page without escaping or policy does run."""
    page = enter(address)
    page.set_content(f"<p>{PAYLOADS[0]}{PAYLOADS[1]}</p>")
    page.wait_for_function("window.hacked === 1", timeout=5000)


def test_a_fork_raises_the_alarm_on_an_open_page(world: World, address: str, enter: Callable[..., Page]) -> None:
    """No reload: the banner comes within seconds, names the camera, and is an alert to a screen reader."""
    device = replace(DEVICE, site="ring-east")
    world.health(device)
    world.checkpoint(CheckpointStatus.WITNESSED, "the log grew", device)
    page = enter(address, "lena")
    page.goto("/alerts")
    page.wait_for_selector("#live[data-state=on]")
    assert page.locator(".alarm").count() == 0
    world.checkpoint(
        CheckpointStatus.FORKED, "a fork: the first 12 entries are not those that were seen before", device
    )
    page.wait_for_selector(".alarm", timeout=5000)
    assert "metro-pd/ring-east/cam-1" in page.locator("#alarm[role=alert]").inner_text()
    page.goto("/cameras")
    assert "contradicts itself" in page.locator("main").inner_text()


def test_it_works_without_script(world: World, address: str, enter: Callable[..., Page]) -> None:
    """The list loads itself again, a reveal opens, and the browser locks it again by the header alone."""
    hit, page = world.hit(), enter(address, "noel", java_script_enabled=False)
    page.goto("/alerts")
    assert page.locator(f"#alert-{hit}").count() == 1
    assert 'http-equiv="refresh"' in page.content()
    page.goto(f"/alerts/{hit}")
    page.select_option("#purpose", "alert-check")
    page.fill("#case", CASE)
    with page.expect_response("**/reveal") as answered:
        page.click("text=Log and open")
    assert answered.value.headers["refresh"].startswith("60; url=/alerts/")
    assert page.locator("#plate").inner_text() == PLATE


def test_a_scraper_runs_into_a_wall(world: World, enter: Callable[..., Page], monkeypatch: pytest.MonkeyPatch) -> None:
    """More reveals an hour than anybody needs are refused, before the log is asked."""
    hit = world.hit()
    monkeypatch.setattr("platesieve.dashboard.parts.REVEALS", Limit(3, 3600))
    with world.serving() as address:
        page = enter(address, "greedy")
        page.goto(f"/alerts/{hit}")
        token = page.locator("input[name=form_token]").first.get_attribute("value")
        form: dict[str, str | float | bool] = {"form_token": token or "", "purpose": "alert-check", "case": CASE}
        headers = {"origin": address}
        statuses = [page.request.post(f"/alerts/{hit}/reveal", form=form, headers=headers).status for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    assert len(world.store.accesses(100, hit)) == 3


def test_what_is_not_a_hit_is_no_alert(world: World, address: str, enter: Callable[..., Page]) -> None:
    """A count or a read has no page, and nor has an id that nobody knows."""
    page = enter(address, "lena")
    told = replace(world.disclosure(), kind=Kind.READ, id="a-read")
    world.keep(told)
    assert page.request.get("/alerts/a-read").status == 404
    assert page.request.get("/alerts/nothing").status == 404
