"""Cameras: how they are, under which policy, how far their logs are witnessed, and where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response

from platesieve.collector.records import CheckpointStatus
from platesieve.dashboard.doorway import GUEST_CSP, Page, RefusalError, Visit
from platesieve.dashboard.people import Permission
from platesieve.dashboard.places import draw, places_told
from platesieve.dashboard.wording import plain
from platesieve.domain.disclosure import Kind
from platesieve.policy.load import load_pack
from platesieve.policy.packs import pack_ids, pack_text
from platesieve.policy.page import page as policy_page

if TYPE_CHECKING:
    from platesieve.collector.records import Camera, ListFreshness

STRAINED = 0.10  # a tenth of the frames came too fast to be looked at
_HITS_FOR_PLACES = 500
_GOOD = {"reading"}
_PAUSED = {"suspended", "stopped", "not-reading", "unknown"}
_CHECKPOINTS = {
    CheckpointStatus.WITNESSED: ("good", "witnessed"),
    CheckpointStatus.BEHIND: ("warn", "behind"),
    CheckpointStatus.FORKED: ("bad", "contradicts itself"),
    CheckpointStatus.UNKNOWN: ("", "not witnessed"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A camera for a page; `tone` is the colour of its state."""

    camera: Camera
    hotlist: ListFreshness | None

    @property
    def tone(self) -> str:
        """Return the colour class of the camera's state."""
        if self.camera.checkpoint_status is CheckpointStatus.FORKED:
            return "bad"
        if self.camera.state in _GOOD:
            return "warn" if self.strained or self.stale else "good"
        return "warn" if self.camera.state in _PAUSED else "bad"

    @property
    def state(self) -> str:
        """Return what it does, in a word or two."""
        return plain(self.camera.state).replace("-", " ")

    @property
    def summary(self) -> str:
        """Return the one thing to know first: what is wrong, or else what it does."""
        if self.camera.checkpoint_status is CheckpointStatus.FORKED:
            return "its log contradicts itself"
        if self.camera.state in _GOOD and self.stale:
            return "hot list is stale"
        if self.camera.state in _GOOD and self.strained:
            return "cannot keep up"
        return self.state

    @property
    def strained(self) -> bool:
        """Return whether it cannot keep up."""
        return self.camera.strain is not None and self.camera.strain > STRAINED

    @property
    def stale(self) -> bool:
        """Return whether its hot list is older than its policy allows: alerts from it have stopped."""
        hotlist = self.camera.health.get("hotlist")
        return isinstance(hotlist, dict) and hotlist.get("stale") is True

    @property
    def checkpoint(self) -> tuple[str, str]:
        """Return colour class and word of its checkpoint status."""
        return _CHECKPOINTS[self.camera.checkpoint_status]


def _rows(visit: Visit) -> list[Row]:
    store, now_ns = visit.parts.store, visit.parts.now_ns()
    lists = {one.device: one for one in store.hotlists(now_ns)}
    return [Row(camera, lists.get(camera.device)) for camera in store.cameras(now_ns)]


def _cameras(visit: Visit) -> Response:
    rows = _rows(visit)
    well = sum(row.tone == "good" for row in rows)
    return visit.page("cameras.html", rows=rows, well=well)


def _camera(visit: Visit) -> Response:
    device = visit.request.path_params["device"]
    row = next((row for row in _rows(visit) if row.camera.device == device), None)
    if row is None:
        raise RefusalError(404, "No camera of this name ever spoke to this collector.")
    known = _pack_with(str(row.camera.policy.get("sha256", ""))) is not None
    return visit.page("camera.html", row=row, camera=row.camera, known=known)


def _map(visit: Visit) -> Response:
    rows = {row.camera.device: row for row in _rows(visit)}
    hits = visit.parts.store.newest(_HITS_FOR_PLACES, (Kind.HIT,))
    places = {name: place for name, place in {**places_told(hits), **visit.parts.places}.items() if name in rows}
    drawing = draw(places, {name: (row.tone, row.summary) for name, row in rows.items()})
    homeless = sorted(set(rows) - set(places))
    return visit.page("map.html", drawing=drawing, places=places, rows=rows, homeless=homeless)


def _policy(visit: Visit) -> Response:
    """Show what a policy means, where its hash is that of a pack that ships: nothing else is known for certain."""
    digest = visit.request.path_params["sha256"]
    pack = _pack_with(digest)
    if pack is None:
        return visit.page("policy_unknown.html", status=404, digest=digest)
    return HTMLResponse(policy_page(load_pack(pack)), headers={"Content-Security-Policy": GUEST_CSP})


def _pack_with(digest: str) -> str | None:
    """Return the id of the pack with this SHA-256, or None."""
    return next((pack for pack in pack_ids() if sha256(pack_text(pack)).hexdigest() == digest), None)


PAGES = (
    Page("/cameras", _cameras, Permission.SEE_CAMERAS),
    Page("/cameras/{device:path}", _camera, Permission.SEE_CAMERAS),
    Page("/map", _map, Permission.SEE_CAMERAS),
    Page("/policies/{sha256}", _policy, Permission.SEE_CAMERAS),
)
