"""Cosignatures that come back: kept apart from commands, and a witness that nobody named is mentioned once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from platesieve.domain.errors import AuditError
from platesieve.domain.notice import Command
from platesieve.flow.witnessing import WitnessedOutlet
from tests.fakes.outlet import FakeOutlet

if TYPE_CHECKING:
    import pytest

    from platesieve.domain.disclosure import Json

NOTE = b"metro-pd/bridge-7/cam-1\n3\nhash\n\n\xe2\x80\x94 stranger sig\n"


class Nobody:
    """A Testimony of a device that knows no witness."""

    def believe(self, note: bytes) -> None:  # noqa: ARG002 - the port's signature
        """Refuse it."""
        raise AuditError("no witness of this device made it", "name the witness's .vkey file in audit.witnesses")

    def proofs(self) -> Json:
        """Return none."""
        return []


def test_a_cosigned_checkpoint_is_no_command_even_where_no_witness_is_named(caplog: pytest.LogCaptureFixture) -> None:
    """It comes with every checkpoint; the log says so once, and the flow never sees it."""
    pipe = FakeOutlet()
    outlet = WitnessedOutlet(pipe, Nobody())
    command = Command(b'{"verb": "suspend"}')
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            pipe.coming_back += [Command(NOTE), command]
            assert outlet.notices() == [command]
    (said,) = caplog.records
    assert "name the witness's .vkey file" in said.getMessage()
