"""Pages out of templates: escaping is always on, and a name that a template does not know is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from platesieve import __version__
from platesieve.dashboard import wording
from platesieve.dashboard.people import Permission

if TYPE_CHECKING:
    from datetime import tzinfo

    from platesieve.dashboard.doorway import Visit
    from platesieve.domain.errors import PlatesieveError

_NAV: tuple[tuple[Permission, str, str], ...] = (
    (Permission.SEE_HITS, "/alerts", "Alerts"),
    (Permission.SEE_CAMERAS, "/cameras", "Cameras"),
    (Permission.SEE_CAMERAS, "/map", "Map"),
    (Permission.SEE_QUARANTINE, "/quarantine", "Quarantine"),
    (Permission.SEE_ACCESS_LOG, "/access", "Access log"),
    (Permission.SEE_REPORTS, "/reports", "Reports"),
    (Permission.END_SESSIONS, "/people", "People"),
)


class Screen:
    """The templates of this package.

    Args:
        zone: time zone in which moments are shown.
    """

    def __init__(self, zone: tzinfo) -> None:
        self._templates = Environment(
            loader=PackageLoader("platesieve.dashboard"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "plain": wording.plain,
            "span": wording.span,
            "iso": wording.iso,
            "clock": lambda at_ns: wording.moment(at_ns, zone).strftime("%H:%M:%S"),
            "day": lambda at_ns: wording.moment(at_ns, zone).strftime("%-d %b %Y"),
            "zone": lambda at_ns: wording.moment(at_ns, zone).strftime("%Z"),
        }
        self._templates.globals |= {
            "version": __version__,
            "field_names": wording.FIELDS,
            "purposes": wording.PURPOSES,
            "outcomes": wording.OUTCOMES,
            "tones": wording.TONES,
        }

    def page(self, visit: Visit, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page for somebody."""
        parts, path = visit.parts, visit.request.url.path
        nav = [(to, title) for permission, to, title in _NAV if visit.may(permission)]
        here = next((to for to, _ in nav if path == to or path.startswith(f"{to}/")), "")
        forked = parts.watcher.forked() if visit.signed_in else ()
        drawn = self._templates.get_template(template).render(
            visit=visit,
            nav=nav,
            here=here,
            forked=forked,
            agency=parts.options.agency,
            now_ns=parts.now_ns(),
            ago=lambda at_ns: wording.ago(at_ns, parts.now_ns()),
            **values,
        )
        return HTMLResponse(drawn, status_code=status)

    def fragment(self, template: str, **values: Any) -> str:
        """Return a part of a page."""
        return self._templates.get_template(template).render(**values)

    def refusal(self, error: PlatesieveError, status: int) -> HTMLResponse:
        """Return a page that says what was refused and what to do."""
        return HTMLResponse(self.fragment("refusal.html", error=error, status=status), status_code=status)
