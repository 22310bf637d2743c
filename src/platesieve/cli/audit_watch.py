"""`platesieve audit watch`: be a witness over MQTT, of checkpoints and of nothing else."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from platesieve.cli.audit_thin import EveryDaysOption, HourlyDaysOption
from platesieve.cli.speech import say
from platesieve.domain.errors import AuditError, InputError

if TYPE_CHECKING:
    from platesieve.adapters.disk.witness_files import FolderOfWitness
    from platesieve.audit.cosignature import CosignerKey
    from platesieve.audit.growth import Growth
    from platesieve.audit.witness import Observation
    from platesieve.collector.records import Message

EXIT_CONTRADICTION = 73
_MAX_BYTES = 64 * 1024
_TOPIC = re.compile(r"platesieve/([^/]+/[^/]+/[^/]+)/checkpoint")


def watch(
    folder: Annotated[Path, typer.Argument(help="Folder of the witness files, one for each device; made if missing.")],
    agency: Annotated[str, typer.Option(help="Whose devices: the first part of their names.")],
    keys: Annotated[Path, typer.Option(help="Folder of AGENCY_SITE_DEVICE.vkey files, noted at enrolment.")],
    broker: Annotated[str, typer.Option(help="Host of the broker.")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="Its port for MQTT over TLS.")] = 8883,
    ca_file: Annotated[Path | None, typer.Option(help="The broker's CA; without it only this very machine.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="Certificate of this witness.")] = None,
    certificate_key: Annotated[Path | None, typer.Option(help="The certificate's private key.")] = None,
    name: Annotated[
        str | None, typer.Option(help="Cosign too, under this name; its key is made here: witness.key and .vkey.")
    ] = None,
    every_days: EveryDaysOption = 7,
    hourly_days: HourlyDaysOption = 731,
    until_quiet_s: Annotated[
        float | None, typer.Option("--until-quiet", help="End when nothing came for so many seconds.")
    ] = None,
) -> None:
    """Remember the checkpoints of all devices of an agency, hold each to those before, and cosign what only grew.

    Each file is thinned once a week, as `audit thin` does it.

    Each line on standard output is one JSON object: device, result, sentence. Give `witness.vkey` to the devices
    (audit.witnesses) and to auditors (audit verify --witness-key). Exit codes: 0 ended quietly; 66 a witness file
    cannot be read or written; 68 or 69 no broker; 73 a contradiction was seen; 77 no usable key; 130 interrupted.

    Examples:

      platesieve audit watch witness --agency metro-pd --keys enrolled --broker localhost --name city-hall
    """
    from platesieve.adapters.disk.witness_files import FolderOfWitness, load_or_create_cosigner
    from platesieve.adapters.mqtt.inbox import MqttInbox
    from platesieve.audit.thinning import Spacing
    from platesieve.collector.thinning import Thinning
    from platesieve.settings import Uplink

    files = FolderOfWitness(folder, keys)
    key = load_or_create_cosigner(folder / "witness.key", f"platesieve/{agency}/witness/{name}") if name else None
    where = Uplink(host=broker, port=port, ca_file=_text(ca_file), certificate_file=_text(certificate),
                   key_file=_text(certificate_key))  # fmt: skip
    inbox = MqttInbox(where, agency, f"witness:{agency}:{name or 'silent'}", None, _MAX_BYTES, kinds=("checkpoint",))
    thinning = Thinning(files, Spacing(every_days, hourly_days), time.time_ns())
    said, contradictions, heard_s = "", 0, time.monotonic()
    try:
        while until_quiet_s is None or time.monotonic() - heard_s < until_quiet_s:
            said = _said(inbox.state, said)
            thinning.step(time.time_ns())
            for message in inbox.take(0.5, 100):
                heard_s = time.monotonic()
                observation, answer = _seen(message, files, key)
                if answer is not None:
                    inbox.answer(_device(message), "cosigned", answer)
                inbox.done([message])
                contradictions += observation is not None and not observation.ok and observation.kept is not None
    finally:
        inbox.close()
    raise typer.Exit(EXIT_CONTRADICTION if contradictions else 0)


def _seen(message: Message, files: FolderOfWitness, key: CosignerKey | None) -> tuple[Observation | None, bytes | None]:
    """Hold one checkpoint to the file of its device; its line is durable before anything is answered."""
    from platesieve.audit.witness import cosign, observe

    device, answer = _device(message), None
    try:
        note, growth = _opened(message)
        verifier = files.verifier(device)
        if verifier is None:
            _tell(device, "unknown", "the audit key of this device is not in --keys: nothing about it is believed")
            return None, None
        now_ns = time.time_ns()
        with files.alone(device):
            kept = files.kept(device)
            if key is None:
                observation = observe(kept, note, now_ns, verifier, growth)
            else:
                observation, answer = cosign(kept, note, now_ns, verifier, growth, key)
            if observation.kept is not None:
                files.add(device, observation.kept)
    except (AuditError, InputError) as error:
        _tell(device, "refused", error.message)
        return None, None
    _tell(device, observation.seen.value, observation.sentence)
    return observation, answer


def _opened(message: Message) -> tuple[bytes, Growth]:
    from platesieve.audit.growth import NoGrowth, parse_proofs

    try:
        event: dict[str, Any] = json.loads(message.payload)
        data = event.get("data", event)
        note = str(data["checkpoint"]).encode()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError("this is no checkpoint event", "see who may write to the topics of this device") from error
    return note, parse_proofs(data["consistency"]) if "consistency" in data else NoGrowth()


def _device(message: Message) -> str:
    found = _TOPIC.fullmatch(message.topic)
    return found[1] if found else "unknown"


def _tell(device: str, result: str, sentence: str) -> None:
    typer.echo(json.dumps({"device": device, "result": result, "sentence": sentence}))


def _said(state: str, before: str) -> str:
    if state != before:
        say(f"broker: {state}")
    return state


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
