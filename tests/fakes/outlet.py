"""The camera process's end of the pipe, as a list.

Usage::

    outlet = FakeOutlet(story)
    outlet.coming_back.append(Erased(3, "expired"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.domain.disclosure import Disclosure, Kind, Stretch
    from platesieve.domain.notice import Notice


class FakeOutlet:
    """Keeps what was sent; tells the story that it is given."""

    def __init__(self, story: list[str] | None = None) -> None:
        self.sent: list[Disclosure] = []
        self.coming_back: list[Notice] = []
        self.stretched: list[Stretch] = []
        self._story = story if story is not None else []

    def send(self, disclosure: Disclosure) -> None:
        """See ports.Outlet."""
        self.sent.append(disclosure)
        self._story.append(f"sent {disclosure.kind.value}")

    def stretch(self, stretches: Sequence[Stretch]) -> None:
        """See ports.Outlet."""
        self.stretched += stretches

    def notices(self) -> Sequence[Notice]:
        """See ports.Outlet."""
        taken, self.coming_back = self.coming_back, []
        return taken

    def drain(self, timeout_s: float) -> bool:  # noqa: ARG002 - the port's signature
        """See ports.Outlet."""
        return True

    def close(self) -> None:
        """See ports.Outlet."""

    def of_kind(self, kind: Kind) -> list[Disclosure]:
        """Return what was sent of one kind."""
        return [disclosure for disclosure in self.sent if disclosure.kind is kind]
