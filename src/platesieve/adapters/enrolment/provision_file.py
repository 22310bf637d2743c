"""The file that an installer puts on the card's FAT partition: what it may say, and that it says nothing else."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, time
from functools import cache
from ipaddress import ip_address
from typing import Annotated, Any, ClassVar, Literal

import tomli_w
from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import StringConstraints, TypeAdapter, ValidationError

from platesieve.adapters.delivery.stored import check_root
from platesieve.domain.errors import ConfigError, PlatesieveError
from platesieve.domain.instant import NS_PER_S, Instant
from platesieve.enrolment.certificates import certificate_facts
from platesieve.policy.force import device_refusals
from platesieve.policy.load import load_pack
from platesieve.settings import Audit, Device, Exposure, Settings, out_of_bounds

MAX_BYTES = 64 * 1024
NAME = "platesieve.toml"
ROOT, DELIVERY_CA = "root.json", "delivery-ca.crt"  # beside the settings
SERVICE_PORT = "192.168.7.1"  # as firmware/overlay sets it up: 70-platesieve-service-port.network

_STRICT: dict[str, Any] = {"extra": "forbid"}
_KeyLine = Annotated[str, StringConstraints(pattern=r"^platesieve-(agency|command)-public-\d [A-Za-z0-9+/=]+$")]
_RecipientName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
_Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.:_-]{1,253}$")]


@dataclass(frozen=True, slots=True)
class Broker:
    """Where events go."""

    __pydantic_config__: ClassVar = _STRICT

    host: _Host
    port: Annotated[int, Ge(1), Le(65_535)] = 8883


@dataclass(frozen=True, slots=True)
class Enrolment:
    """How the device becomes known to its agency.

    Attributes:
        url: the agency's address for devices.
        token: lets this device in once.
        authority: certificate of the agency's authority, PEM.
    """

    __pydantic_config__: ClassVar = _STRICT

    url: Annotated[str, StringConstraints(pattern=r"^https://[A-Za-z0-9.:_-]+$")]
    token: Annotated[str, MinLen(8), MaxLen(64)]
    authority: Annotated[str, MaxLen(8192)]


@dataclass(frozen=True, slots=True)
class Aiming:
    """Where the aiming page answers, and whether it opens once when this file was applied.

    Attributes:
        minutes: open it at the first start, for so long; None opens nothing.
        address: of one interface of the device; its service port unless given.
        code: to enter the first time, for a device without a screen; it stays on no card.
    """

    __pydantic_config__: ClassVar = _STRICT

    minutes: Annotated[int, Ge(1), Le(30)] | None = None
    address: str = SERVICE_PORT
    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{8,12}$")] | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where signed policies, hot lists and updates come from.

    Attributes:
        url: of what `platesieve agency publish` wrote.
        root: the agency's root.json, as text: whoever signs it decides whom the device believes.
        ca: certificate of the server's authority, PEM; those that the system knows unless given.
    """

    __pydantic_config__: ClassVar = _STRICT

    url: Annotated[str, StringConstraints(pattern=r"^https://[A-Za-z0-9.:/_-]+$")]
    root: Annotated[str, MaxLen(1 << 15)]
    ca: Annotated[str, MaxLen(8192)] | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """How often the audit log is fed, and with it the card.

    Attributes:
        batch_s: as in the settings; seconds after which reads that are no hits leave at the latest.
    """

    __pydantic_config__: ClassVar = _STRICT

    batch_s: Annotated[float, Ge(1), Le(86_400)] = Audit().batch_s


@dataclass(frozen=True, slots=True)
class Provision:
    """The whole file.

    Attributes:
        device: who and where the camera is; the same table as in the settings.
        policy: name of a pack that ships with the program.
        broker: where events go.
        enrolment: how the device becomes known.
        camera: as in the settings.
        pace: as in the settings.
        recipients: name in the policy's `seal` to the line of a public key.
        command_key: line of the public key of whoever may suspend and resume.
        aiming: the aiming page.
        exposure: profiles of day and night; the same table as in the settings.
        audit: how often the log is fed.
        delivery: where signed documents come from; `policy` counts until one of them says another.
        format: version of this file.
    """

    __pydantic_config__: ClassVar = _STRICT

    device: Device
    policy: str
    broker: Broker
    enrolment: Enrolment
    camera: str = "picamera2"
    pace: Literal["live", "fast"] = "live"
    recipients: dict[_RecipientName, _KeyLine] = field(default_factory=dict)
    command_key: _KeyLine | None = None
    aiming: Aiming = field(default_factory=Aiming)
    exposure: Exposure = field(default_factory=Exposure)
    audit: Log = field(default_factory=Log)
    delivery: Delivery | None = None
    format: Literal[1] = 1

    @property
    def device_path(self) -> str:
        """Return agency/site/device."""
        return f"{self.device.agency}/{self.device.site}/{self.device.device}"


def parse(raw: bytes) -> Provision:
    """Return what the file says.

    Raises:
        ConfigError: it is not TOML, or says something wrong; every fault is named, no value is repeated.
    """
    try:
        if len(raw) > MAX_BYTES:
            raise ConfigError(f"{NAME} is larger than {MAX_BYTES >> 10} KiB", "write it with: platesieve provision new")
        return checked(tomllib.loads(raw.decode("utf-8-sig")))  # Windows' editor puts a mark in front
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        where = f": {error}" if isinstance(error, tomllib.TOMLDecodeError) else ""
        raise ConfigError(f"{NAME} is not TOML{where}", "write it with: platesieve provision new") from error


def checked(tree: dict[str, Any]) -> Provision:
    """Return a tree as a Provision, with what types cannot say.

    Raises:
        ConfigError: as `parse`.
    """
    try:
        found = _adapter().validate_python(tree)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise _wrong((*(_sentence(fault) for fault in faults), *_no_such_policy(tree))) from error
    problems = []
    if not {"agency", "site", "device"} <= set(tree.get("device", {})):
        problems.append("device: agency, site and device must be given")
    problems += out_of_bounds(Settings(exposure=found.exposure))
    if not is_one_address(found.aiming.address):
        problems.append("aiming.address: must be the IP address of one interface of the device")
    for name, check in (("policy", _may_read), ("enrolment.authority", _ca), ("delivery", _delivery)):
        try:
            check(found)
        except PlatesieveError as error:
            problems += [f"{name}: {problem}" for problem in getattr(error, "problems", ()) or (error.message,)]
    if problems:
        raise _wrong(tuple(problems))
    return found


def dump(provision: Provision) -> bytes:
    """Return the file that `parse` reads."""
    return tomli_w.dumps(_tree(provision), multiline_strings=True).encode()


def _tree(provision: Provision) -> dict[str, Any]:
    """Return the file as tables, without what is empty or as it would be anyhow."""
    tree: dict[str, Any] = _without_nothing(asdict(provision))
    if provision.exposure == Exposure():
        del tree["exposure"]
    if provision.audit == Log():
        del tree["audit"]
    if not provision.recipients:
        del tree["recipients"]
    return tree


def redacted(provision: Provision) -> bytes:
    """Return what may stay on the card after the file was applied: no token."""
    tree = _tree(provision)
    tree["enrolment"] = {"url": provision.enrolment.url}
    tree["aiming"].pop("code", None)
    return b"# Applied; the token was removed. Changes here change nothing.\n" + tomli_w.dumps(tree).encode()


def settings_tree(provision: Provision, state: str) -> dict[str, Any]:
    """Return the settings of this device, as `platesieve.toml` in /etc has them."""
    tree: dict[str, Any] = {
        "camera": provision.camera,
        "pace": provision.pace,
        "policy": provision.policy,
        "state": state,
        "recipients": {name: f"{name}.pub" for name in provision.recipients},
        "device": _without_nothing(asdict(provision.device)),
        "uplink": {
            "host": provision.broker.host,
            "port": provision.broker.port,
            "ca_file": f"{state}/uplink/ca.crt",
            "certificate_file": f"{state}/uplink/device.crt",
            "key_file": f"{state}/uplink/device.key",
        },
        "aiming": {"address": provision.aiming.address},
    }
    if provision.exposure != Exposure():
        tree["exposure"] = _without_nothing(asdict(provision.exposure))
    if provision.audit != Log():
        tree["audit"] = asdict(provision.audit)
    if provision.command_key is not None:
        tree["command_key"] = "command.pub"
    if provision.delivery is not None:
        tree["delivery"] = {"url": provision.delivery.url, "root": ROOT}
        if provision.delivery.ca is not None:
            tree["delivery"]["ca_file"] = DELIVERY_CA
    return tree


def is_one_address(text: str) -> bool:
    """Return whether a text is the IP address of one interface, and not of all of them or of many devices."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return not (address.is_unspecified or address.is_multicast)


def _may_read(provision: Provision) -> None:
    """Refuse what the device would refuse to read under.

    Whether the policy is in force yet is the device's to see: a board without a battery starts with a wrong clock.

    Raises:
        ConfigError: the policy does not ship, is for other devices, or needs what the file does not give.
    """
    policy = load_pack(provision.policy)
    in_force = int(datetime.combine(policy.effective, time(), UTC).timestamp()) * NS_PER_S
    refusals = device_refusals(policy, provision.device, Instant(in_force, 0), tuple(provision.recipients), {})
    if refusals:
        raise ConfigError("the device would read nothing", "see each line", refusals)


def _no_such_policy(tree: dict[str, Any]) -> tuple[str, ...]:
    """Return what is wrong with the name of the policy, where types were wrong elsewhere."""
    try:
        load_pack(str(tree.get("policy", "")))
    except PlatesieveError as error:
        return (f"policy: {error.message}",) if "policy" in tree else ()
    return ()


def _ca(provision: Provision) -> None:
    certificate_facts(provision.enrolment.authority.encode())


def _delivery(provision: Provision) -> None:
    if provision.delivery is not None:
        check_root(provision.delivery.root.encode())
        if provision.delivery.ca is not None:
            certificate_facts(provision.delivery.ca.encode())


@cache
def _adapter() -> TypeAdapter[Provision]:
    return TypeAdapter(Provision)


def _wrong(problems: tuple[str, ...]) -> ConfigError:
    return ConfigError(f"{NAME} is wrong", "mend each line above and put the file back on the card", problems)


def _sentence(fault: Any) -> str:
    where = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "unexpected_keyword_argument":
        return f"{where}: there is no such key; remove it or correct its name"
    if where == "enrolment.url":
        return f"{where}: must be https://HOST:PORT and no more"
    if fault["type"] == "missing_argument":
        return f"{where}: is missing"
    return f"{where}: {str(fault['msg']).removeprefix('Input ').replace('String should', 'should')}"


def _without_nothing(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _without_nothing(value) for key, value in tree.items() if value is not None}
    if isinstance(tree, tuple):
        return [_without_nothing(value) for value in tree]
    return tree
