"""Every knob, as frozen values: the unit in the name, a default, one line of why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias
from urllib.parse import urlsplit

Mount: TypeAlias = Literal["fixed", "mobile"]
Operator: TypeAlias = Literal["police", "public", "private"]
Polygon: TypeAlias = tuple[tuple[float, float], ...]  # corners as (latitude, longitude), WGS 84 degrees
Outline: TypeAlias = tuple[tuple[float, float], ...]  # corners in the picture: shares of its width and height, 0..1
_NO_UNKNOWN_KEYS: dict[str, Any] = {"extra": "forbid"}  # read by pydantic where a file is checked against these


@dataclass(frozen=True, slots=True)
class Device:
    """Who this camera is. Agency, site and device are the three middle parts of every topic."""

    __pydantic_config__: ClassVar = _NO_UNKNOWN_KEYS

    agency: str = "demo-agency"
    site: str = "demo-site"
    device: str = "cam-1"
    mount: Mount = "fixed"  # policies may refuse one of them (RSA 259:68-a)
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    assume_clock: bool = False  # treat the wall clock as trusted although no time server confirmed it
    # What a law wants an operator to have settled before the first plate is read; a policy names what it `requires`.
    operator: Operator | None = None  # who runs it: police, another public body, or anybody else
    policy_document_sha256: str | None = None  # of the written policy that the operator adopted and published
    registration: str | None = None  # number under which the device or system is registered
    occasion: str | None = None  # reference of the order that says why, where and how long plates are compared
    excluded_places: tuple[Polygon, ...] | None = None  # where no reader may stand; () says that there are none near


@dataclass(frozen=True, slots=True)
class Vision:
    """How plates are found and read."""

    __pydantic_config__: ClassVar = _NO_UNKNOWN_KEYS

    detector_width_px: int = 480  # multiple of 32; larger finds smaller plates and costs in proportion
    detector_height_px: int = 288
    # Columns x rows of overlapping tiles that are searched beside the whole frame: for small plates, at their price.
    # "auto": two in snapshots, none in what moves, where the next frame shows the plate larger.
    detector_tiles: Literal["auto", "1x1", "2x1", "3x1", "1x2", "2x2", "3x2"] = "auto"
    # Each picture stands alone, as from a camera that takes one of each vehicle: all that can be read in it counts.
    snapshots: bool = False
    min_plate_width_px: float = 24.0  # of the frame: of drawn plates as narrow as this one in forty is read
    threads: int = 1  # more threads spin-wait on small nets: slower and hotter, measured by peers and by us
    min_detection_score: float | None = None  # None: the threshold released with the model
    motion_fraction: float = 0.0008  # share of changed cells below which a frame is not searched; 0 searches all
    search_at_least_every_s: float = 1.0  # a parked vehicle is still seen this often
    regions: tuple[Outline, ...] = ()  # only here plates are looked for; none: everywhere
    masks: tuple[Outline, ...] = ()  # pixels that nothing behind the camera sees, such as a front garden

    @property
    def tiles(self) -> tuple[int, int]:
        """Return columns and rows of the tiles."""
        chosen = self.detector_tiles if self.detector_tiles != "auto" else "2x1" if self.snapshots else "1x1"
        columns, rows = chosen.split("x")
        return int(columns), int(rows)


@dataclass(frozen=True, slots=True)
class Tracking:
    """How reads of one vehicle become one Sighting."""

    __pydantic_config__: ClassVar = _NO_UNKNOWN_KEYS

    quiet_s: float = 0.8  # a pass ends when its plate was not seen for this long
    max_pass_s: float = 3.0  # ... or after this long, so that no read outlives the policy's raw lifetime
    repeat_s: float = 45.0  # the same plate is not reported again until it was unseen for this long
    least_confidence: float = 0.45  # a pass without one frame as sure as this showed no legible plate
    lone_reads: int = 2  # a pass of more reads, no two of which agree, showed no legible plate either
    min_iou: float = 0.1  # overlap of one plate in two frames; plates are small, so this is low
    max_jump_widths: float = 3.0  # or: centres at most this many plate widths apart


@dataclass(frozen=True, slots=True)
class Uplink:
    """Where Disclosures go. Without a host nothing is sent and everything waits until it expires."""

    __pydantic_config__: ClassVar = _NO_UNKNOWN_KEYS

    host: str | None = None
    port: int = 8883
    other_hosts: tuple[str, ...] = ()  # other nodes of the same cluster, "host" or "host:port", tried in turn
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    username: str | None = None
    protocol: Literal["5", "3.1.1"] = "5"
    keepalive_s: int = 30
    max_in_flight: int = 20
    unsafe_plaintext: bool = False  # plain MQTT to another machine: for a test bench only
    outbox_quota_bytes: int = 64 * 1024 * 1024
    content_mode: Literal["structured", "binary"] = "structured"  # of CloudEvents; binary where MQTT 5 is spoken
    home_assistant: bool = False  # announce health, and nothing else, to Home Assistant
    receipt_wait_s: float = 600.0  # an event whose receipt did not come by then is sent again

    @property
    def brokers(self) -> tuple[tuple[str, int], ...]:
        """Return host and port of each node, the one to begin with first; empty where none is set.

        Raises:
            ValueError: one of `other_hosts` is no host and no host with a port.
        """
        if self.host is None:
            return ()
        return ((self.host, self.port), *(_host_and_port(other, self.port) for other in self.other_hosts))


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where signed policies, hot lists and keys come from: a server or a folder, and the root that vouches for them."""

    __pydantic_config__: ClassVar = _NO_UNKNOWN_KEYS

    url: str | None = None  # https://... of what `platesieve agency publish` wrote
    folder: str | None = None  # the same as a folder: a USB stick, an SD card; looked at when there is no url
    root: str | None = None  # root.json of the agency: whoever gives this file decides whom the device believes
    ca_file: str | None = None  # CA of the server; those of the system unless given
    every_s: float = 300.0  # how often to look

    @property
    def wanted(self) -> bool:
        """Return whether documents come this way at all."""
        return self.root is not None


@dataclass(frozen=True, slots=True)
class Aiming:
    """Where the installer's page answers, while somebody at the device has switched it on."""

    __pydantic_config__: ClassVar = _NO_UNKNOWN_KEYS

    address: str = "127.0.0.1"  # of one interface, the service port; never all of them
    port: int = 8460
    field_of_view_deg: float = 66.0  # horizontal, of the lens; 66 is that of Camera Module 3


@dataclass(frozen=True, slots=True)
class Profile:
    """How a Pi camera exposes; what is None is left to the camera."""

    __pydantic_config__: ClassVar = _NO_UNKNOWN_KEYS

    shutter_us: int | None = None  # short, or moving plates blur
    gain: float | None = None
    ir: bool = False  # whether the infrared lamp is on


@dataclass(frozen=True, slots=True)
class Exposure:
    """Profiles for day and night, and the light between them: two limits, so that dusk does not flicker."""

    __pydantic_config__: ClassVar = _NO_UNKNOWN_KEYS

    day: Profile = field(default_factory=Profile)
    night: Profile = field(default_factory=Profile)
    night_below_lux: float = 15.0
    day_above_lux: float = 40.0
    hold_s: float = 10.0  # so long the light must stay beyond a limit: headlights pass
    ir_switch: str | None = None  # file that takes 1 and 0, such as /sys/class/leds/ir/brightness


@dataclass(frozen=True, slots=True)
class Audit:
    """How often the log is fed."""

    __pydantic_config__: ClassVar = _NO_UNKNOWN_KEYS

    # Counts are logged, and reads that are no hits leave, once per period: nothing in it is about one vehicle, and each
    # time something is logged the card is written to.
    batch_s: float = 300.0
    health_s: float = 30.0
    witnesses: tuple[str, ...] = ()  # .vkey files of those whose cosignatures under our checkpoints are believed


# What a value must lie between; what is not named here is held by its type.
BOUNDS: dict[str, tuple[float, float]] = {
    "device.latitude_deg": (-90, 90),
    "device.longitude_deg": (-180, 180),
    "vision.detector_width_px": (32, 4096),
    "vision.min_plate_width_px": (0, 4096),
    "vision.detector_height_px": (32, 4096),
    "vision.threads": (1, 64),
    "vision.min_detection_score": (0, 1),
    "vision.motion_fraction": (0, 1),
    "vision.search_at_least_every_s": (0, 3600),
    "tracking.quiet_s": (0.01, 60),
    "tracking.max_pass_s": (0.01, 3600),
    "tracking.repeat_s": (0, 86_400),
    "tracking.least_confidence": (0, 1),
    "tracking.min_iou": (0, 1),
    "tracking.max_jump_widths": (0, 100),
    "aiming.port": (0, 65_535),
    "aiming.field_of_view_deg": (1, 179),
    "exposure.night_below_lux": (0, 200_000),
    "exposure.day_above_lux": (0, 200_000),
    "exposure.hold_s": (0, 3600),
    "uplink.port": (1, 65_535),
    "uplink.keepalive_s": (1, 65_535),
    "uplink.max_in_flight": (1, 65_535),
    "uplink.outbox_quota_bytes": (1 << 16, 1 << 40),
    "uplink.receipt_wait_s": (1, 86_400),
    "delivery.every_s": (1, 86_400),
    "audit.batch_s": (1, 86_400),
    "audit.health_s": (1, 86_400),
}
LONGEST_SHUTTER_US, HIGHEST_GAIN = 66_666, 64
MOST_OUTLINES, LEAST_CORNERS, MOST_CORNERS = 16, 3, 64  # of regions or masks; of each of them
INPUT_MULTIPLE_PX = 32  # sides of the detector's input; also a rule of the network itself


@dataclass(frozen=True, slots=True)
class Settings:
    """All of them, as `platesieve.toml` gives them. Files are looked for beside that file."""

    __pydantic_config__: ClassVar = _NO_UNKNOWN_KEYS

    camera: str = "picamera2"  # picamera2, usb:0, rtsp://..., a clip, a folder of pictures
    pace: Literal["live", "fast"] = "live"  # how a clip is replayed: at its own speed, or as fast as it can be read
    policy: str | None = None  # name of a pack or a file; without one nothing is read
    hotlist: str | None = None  # CSV of plate,category,list,expires; held in RAM
    state: str = "~/.local/state/platesieve"  # audit log, keys and outbox
    recipients: dict[str, str] = field(default_factory=dict)  # name in the policy's `seal` -> public key file
    shared_keys: dict[Literal["site", "fleet"], str] = field(
        default_factory=dict
    )  # scope of a pseudonym -> ratchet file
    collectors: dict[str, str] = field(default_factory=dict)  # name in the policy's `collector` -> public receipt key
    command_key: str | None = None  # public key of whoever may suspend and resume this device
    device: Device = field(default_factory=Device)
    vision: Vision = field(default_factory=Vision)
    tracking: Tracking = field(default_factory=Tracking)
    uplink: Uplink = field(default_factory=Uplink)
    audit: Audit = field(default_factory=Audit)
    aiming: Aiming = field(default_factory=Aiming)
    exposure: Exposure = field(default_factory=Exposure)
    delivery: Delivery = field(default_factory=Delivery)

    @property
    def camera_shown(self) -> str:
        """Return the camera as messages name it.

        Of an address neither name and password nor path, and no file name at all: people name clips after plates.
        """
        scheme, separator, rest = self.camera.partition("://")
        if separator:
            return f"{scheme}://{rest.rpartition('@')[2].partition('/')[0]}"
        return self.camera if self.camera.startswith(("picamera2", "usb:", "/dev/")) else "the clip or folder given"


def _host_and_port(text: str, port: int) -> tuple[str, int]:
    """Return the parts of "host", "host:port", "[::1]" or "[::1]:port"; `port` where none is written."""
    parts = urlsplit(f"//{text}")
    if not parts.hostname or parts.netloc != text or "@" in text or text.endswith(":"):
        raise ValueError("no host")
    return parts.hostname, parts.port or port


def _broken_hosts(uplink: Uplink) -> tuple[str, ...]:
    try:
        has_nodes = bool(uplink.brokers)
    except ValueError:
        return ("uplink.other_hosts: must be host names or addresses, with :port where it is another one",)
    return () if has_nodes or not uplink.other_hosts else ("uplink.host: must name the first of the nodes",)


def _broken_outlines(vision: Vision) -> list[str]:
    problems: list[str] = []
    for name, outlines in (("regions", vision.regions), ("masks", vision.masks)):
        if len(outlines) > MOST_OUTLINES:
            problems.append(f"vision.{name}: must be at most {MOST_OUTLINES} outlines")
        for number, outline in enumerate(outlines):
            within = all(0 <= share <= 1 for corner in outline for share in corner)  # also refuses NaN
            if not within or not LEAST_CORNERS <= len(outline) <= MOST_CORNERS:
                wanted = f"{LEAST_CORNERS} to {MOST_CORNERS} corners, each [x, y] from 0 to 1"
                problems.append(f"vision.{name}.{number}: must have {wanted}")
    return problems


def _broken_exposure(exposure: Exposure) -> list[str]:
    problems: list[str] = []
    if not exposure.night_below_lux < exposure.day_above_lux:
        problems.append("exposure.day_above_lux: must be above exposure.night_below_lux")
    for name, profile in (("day", exposure.day), ("night", exposure.night)):
        if profile.shutter_us is not None and not 1 <= profile.shutter_us <= LONGEST_SHUTTER_US:
            problems.append(f"exposure.{name}.shutter_us: must be from 1 to {LONGEST_SHUTTER_US}")
        if profile.gain is not None and not 1 <= profile.gain <= HIGHEST_GAIN:
            problems.append(f"exposure.{name}.gain: must be from 1 to {HIGHEST_GAIN}")
    return problems


def out_of_bounds(settings: Settings) -> tuple[str, ...]:
    """Return, for each value that no device can work with, its name and what it must be; empty where all are fine."""
    problems = [f"{name}: must not be empty" for name in ("camera", "state") if not getattr(settings, name).strip()]
    problems += _broken_hosts(settings.uplink)
    problems += _broken_outlines(settings.vision)
    problems += _broken_exposure(settings.exposure)
    delivery = settings.delivery
    if (delivery.url or delivery.folder) and not delivery.root:
        problems.append(
            "delivery.root: must name the agency's root.json; without it nothing that comes can be believed"
        )
    if delivery.url and not delivery.url.startswith("https://"):
        problems.append("delivery.url: must begin with https://")
    for dotted, (least, most) in BOUNDS.items():
        section, _, name = dotted.partition(".")
        value = getattr(getattr(settings, section), name)
        if value is None:
            continue
        if not least <= value <= most:  # also refuses NaN
            problems.append(f"{dotted}: must be from {least:g} to {most:.10g}")
        elif name in {"detector_width_px", "detector_height_px"} and value % INPUT_MULTIPLE_PX:
            problems.append(f"{dotted}: must be a multiple of {INPUT_MULTIPLE_PX}")
    return tuple(problems)
