"""Options that several verbs share, and how they become Settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from platesieve.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platesieve.settings import Settings

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings file (TOML); options below are laid over it.")
]
CameraOption = Annotated[
    str | None,
    typer.Option(
        help="picamera2[:WxH@FPS], usb:0, /dev/video0, rtsp://..., a clip or a folder; picamera2 unless given."
    ),
]
BrokerOption = Annotated[str | None, typer.Option(help="HOST[:PORT] of an MQTT broker; 8883 unless given.")]
PolicyOption = Annotated[
    str | None, typer.Option("--policy", "-p", help="Name of a pack (see `platesieve policy list`) or a policy file.")
]
HotlistOption = Annotated[
    str | None, typer.Option("--hotlist", help="CSV of plate,category,list,expires; held in RAM only.")
]
StateOption = Annotated[
    str | None,
    typer.Option("--state", help="Folder for audit log, keys and outbox; ~/.local/state/platesieve unless given."),
]
RecipientOption = Annotated[
    list[str] | None,
    typer.Option("--recipient", help="NAME=FILE: public key for what the policy seals to NAME; may be repeated."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document for machines.")]


def settings_from(config: Path | None, overrides: Mapping[str, object], recipients: list[str] | None) -> Settings:
    """Return settings of a file with options laid over them.

    Raises:
        ConfigError: all faults at once.
    """
    from platesieve.adapters.disk.config_file import load_settings

    laid = dict(overrides)
    for pair in recipients or ():
        name, separator, file = pair.partition("=")
        if not separator or not file or not name.replace("-", "").replace("_", "").isalnum():
            raise ConfigError("--recipient is not NAME=FILE", "write for example --recipient agency=agency.pub")
        laid[f"recipients.{name}"] = file
    return load_settings(config, laid)


def device_parts(device: str | None) -> dict[str, object]:
    """Return the settings that AGENCY/SITE/DEVICE stands for."""
    if device is None:
        return {}
    parts = device.split("/")
    if len(parts) != 3:  # noqa: PLR2004 - agency, site, device
        raise typer.BadParameter("write AGENCY/SITE/DEVICE, for example metro-pd/bridge-7/cam-1", param_hint="--device")
    return dict(zip(("device.agency", "device.site", "device.device"), parts, strict=True))


def broker_parts(broker: str | None) -> dict[str, object]:
    """Return the settings that HOST[:PORT] stands for."""
    if broker is None:
        return {}
    host, separator, port = broker.rpartition(":")
    if not separator:
        return {"uplink.host": broker}
    if not port.isdigit():
        raise typer.BadParameter("write HOST or HOST:PORT", param_hint="--broker")
    return {"uplink.host": host.strip("[]"), "uplink.port": int(port)}
