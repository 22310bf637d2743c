"""Pages out of templates: escaping is always on, and a name that a template does not know is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from platesieve import __version__
from platesieve.dashboard import wording

if TYPE_CHECKING:
    from datetime import tzinfo


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
            "ordered": wording.ordered,
            "told": lambda text: wording.moments_told(text, zone),
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

    def fragment(self, template: str, **values: Any) -> str:
        """Return a part of a page."""
        return self._templates.get_template(template).render(**values)

    def refusal(self, sentence: str, hint: str, status: int) -> HTMLResponse:
        """Return a page that says what was refused and what to do."""
        page = self.fragment("refusal.html", sentence=sentence, hint=hint, status=status)
        return HTMLResponse(page, status_code=status)
