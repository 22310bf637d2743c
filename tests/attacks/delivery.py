"""Attack the way in of signed documents, and print what became of each attack beside its control.

`PYTHONPATH=src python -m tests.attacks.delivery [--json]`, from the checkout. Exit code 1 where an attack changes a
device, or where a control is turned away that must be accepted.

Every attack begins with a device that has taken in a first state. What an attacker may do is said with each: some hold
keys. An attack is beaten when it is turned away with one sentence and a remedy, not one byte on the disk differs, and
the rules in RAM are the same object as before. A control is the same attack with one check taken out of the device:
then it must succeed, or the attack proves nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from platesieve.domain.errors import PlatesieveError
from tests.attacks import delivery_keyholders as keyholders
from tests.attacks import delivery_mirror as mirror
from tests.attacks.delivery_controls import REMOVED, without
from tests.attacks.delivery_world import Attack, a_world, make_template

ATTACKS: tuple[Attack, ...] = (
    mirror.rollback,
    mirror.replayed_timestamp,
    keyholders.rolled_back_snapshot,
    mirror.freeze,
    keyholders.expired_role,
    mirror.mix_and_match,
    keyholders.wrong_device,
    keyholders.list_of_another_site,
    keyholders.list_encrypted_to_another,
    keyholders.plaintext_list,
    keyholders.oversize_document,
    mirror.oversize_metadata,
    mirror.endless_metadata,
    mirror.endless_document,
    mirror.truncated_document,
    mirror.truncated_metadata,
    mirror.swapped_document,
    mirror.missing_document,
    mirror.wrong_key,
    keyholders.below_threshold,
    keyholders.signed_twice_by_one,
    keyholders.policy_signed_by_the_lists_key,
    keyholders.path_traversal,
    keyholders.unknown_address,
    keyholders.unknown_field_of_a_policy,
    keyholders.unknown_column_of_a_list,
    keyholders.unknown_field_of_keys,
    keyholders.unusable_key,
    keyholders.two_policies,
    keyholders.policy_for_other_readers,
    mirror.link_on_a_stick,
    mirror.pipe_on_a_stick,
    mirror.nested_json,
)


@dataclass(frozen=True)
class Outcome:
    """What became of an attack."""

    name: str
    what: str
    rejected: bool
    unchanged: bool
    sentence: str

    @property
    def beaten(self) -> bool:
        """Return whether nothing changed and one sentence was said."""
        return self.rejected and self.unchanged and bool(self.sentence)


def play(attack: Attack, template_folder: Path, folder: Path) -> Outcome:
    """Run one attack and look at the device afterwards."""
    world = a_world(template_folder, folder, short=attack is mirror.freeze)
    source = replace(attack(world), name="the mirror")
    before, generation = world.device.on_disk(), world.device.generation
    sentence, rejected = "", False
    try:
        world.device.take(source)
    except PlatesieveError as error:
        rejected, sentence = bool(error.hint), error.message
    unchanged = world.device.on_disk() == before and world.device.generation is generation
    name = attack.__name__.replace("_", " ")
    return Outcome(name, (attack.__doc__ or "").strip(), rejected, unchanged, sentence)


def attack_all() -> dict[str, Any]:
    """Run every attack and every control."""
    with TemporaryDirectory(prefix="platesieve-") as scratch:
        first = Path(scratch) / "template"
        make_template(first)
        outcomes = [play(attack, first, Path(scratch) / attack.__name__) for attack in ATTACKS]
        controls = {check: without(check, first, Path(scratch) / f"without-{n}") for n, check in enumerate(REMOVED)}
        world = a_world(first, Path(scratch) / "good")
        world.second_state()
    return {"attacks": outcomes, "controls": controls, "unattacked accepted": True}


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks.delivery", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    as_json = parser.parse_args().json
    found = attack_all()
    outcomes: list[Outcome] = found["attacks"]
    beaten = sum(outcome.beaten for outcome in outcomes)
    if as_json:
        rows = [{**vars(outcome), "beaten": outcome.beaten} for outcome in outcomes]
        sys.stdout.write(json.dumps({**found, "attacks": rows}, indent=2) + "\n")
    else:
        width = max(len(outcome.name) for outcome in outcomes)
        for outcome in outcomes:
            marks = (
                f"{'rejected' if outcome.rejected else 'ACCEPTED'}  {'unchanged' if outcome.unchanged else 'CHANGED'}"
            )
            sys.stdout.write(f"{outcome.name:{width}}  {marks}  {outcome.sentence}\n")
        for check, broken in found["controls"].items():
            sys.stdout.write(f"control without {check}: {'accepted, as it must be' if broken else 'STILL REJECTED'}\n")
        sys.stdout.write(
            f"{beaten} of {len(outcomes)} attacks beaten, state unchanged; the unattacked state is accepted\n"
        )
    return 0 if beaten == len(outcomes) and all(found["controls"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
