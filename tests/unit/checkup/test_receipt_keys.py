"""The doctor says when nobody's receipt could end the stay of an event in the outbox."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from platesieve.adapters.disk.key_files import new_key_files
from platesieve.adapters.disk.key_text import KeyKind
from platesieve.checkup.rules import policy
from platesieve.settings import Settings, Uplink

if TYPE_CHECKING:
    from pathlib import Path


def test_a_policy_that_waits_for_a_receipt_wants_its_key(tmp_path: Path) -> None:
    """A warning with the setting to make; none once it is made, nor where nothing is sent anyway."""
    _, agency = new_key_files(KeyKind.AGENCY, tmp_path)
    _, receipt = new_key_files(KeyKind.RECEIPT, tmp_path)
    alone = Settings(policy="hits-only", recipients={"agency": str(agency)}, state=str(tmp_path / "state"))
    sending = replace(alone, uplink=Uplink(host="mqtt.example"))

    warned = policy(sending)
    assert (warned.mark, "collector `agency`" in warned.found) == ("warn", True)
    assert warned.remedy == "name its public key: collectors.agency = receipt.pub"
    assert policy(replace(sending, collectors={"agency": str(receipt)})).mark == "pass"
    assert policy(alone).mark == "pass"
