"""The installer's page as an ASGI application: a door, one page, and the few things that it may ask for.

Everything but the door and its dress needs the cookie of the one session. What changes something is JSON from our own
origin with the token of the page: other sites can send neither (Fetch Metadata, SameSite=Strict, a preflight).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from platesieve.aiming.profiles import profiles_of
from platesieve.aiming.settings_file import areas_of, excerpt
from platesieve.dashboard.credentials import form_token, form_token_matches
from platesieve.dashboard.doorway import dressed
from platesieve.domain.errors import InputError, PlatesieveError
from platesieve.domain.instant import NS_PER_S
from platesieve.settings import Settings, Vision, out_of_bounds

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from platesieve.aiming.door import Door
    from platesieve.aiming.lookout import Areas, Lookout
    from platesieve.aiming.profiles import Dial
    from platesieve.aiming.settings_file import Change
    from platesieve.dashboard.serving import Serving
    from platesieve.ports import Clock

COOKIE: Final = "__Host-platesieve-aim"
MAX_BODY: Final = 32 * 1024
_STATIC: Final = {"aim.css": "text/css", "aim.js": "text/javascript"}


@dataclass(frozen=True, slots=True)
class Parts:
    """What the page is put together from.

    Attributes:
        lookout: the camera's picture and numbers.
        door: who may look.
        clock: for the time box, on the clock that counts since boot.
        ends_ns: on that clock; nothing is answered from then on.
        where: names that are answered.
        device: shown in the title, `agency/site/device`.
        write: writes areas or profiles to the settings and into the log; None where there is no settings file.
        end: ends the page.
        dial: profiles of day and night; None for a camera that takes none.
        trouble: what went wrong with the device before, such as the installer's file.
    """

    lookout: Lookout
    door: Door
    clock: Clock
    ends_ns: int
    where: Serving
    device: str
    write: Callable[[Change], None] | None
    end: Callable[[], None]
    dial: Dial | None = None
    trouble: tuple[str, ...] = ()

    def left_s(self) -> float:
        """Return how long the page still answers."""
        return (self.ends_ns - self.clock.now().monotonic_ns) / NS_PER_S


class RefusedError(Exception):
    """An answer that is no more than a status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(status, sentence)
        self.status, self.sentence = status, sentence


def build_app(parts: Parts) -> Starlette:
    """Return the application."""
    rooms: tuple[tuple[str, str, bool, Callable[[Parts, Request, Any], Response]], ...] = (
        ("/", "GET", False, _page),
        ("/enter", "POST", False, _enter),
        ("/picture", "GET", True, _picture),
        ("/told", "GET", True, _told),
        ("/areas", "POST", True, _draw),
        ("/areas/write", "POST", True, _write_areas),
        ("/profiles", "POST", True, _turn),
        ("/profiles/write", "POST", True, _write_profiles),
        ("/check", "POST", True, _check),
        ("/end", "POST", True, _end),
    )
    routes = [
        Route(path, _endpoint(parts, show, method, inside=inside), methods=[method])
        for path, method, inside, show in rooms
    ]
    return Starlette(routes=[*routes, Route("/static/{name}", _static)])


def _endpoint(
    parts: Parts, show: Callable[[Parts, Request, Any], Response], method: str, *, inside: bool
) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            _admit(parts, request, inside=inside)
            body = await _json_of(request, inside=inside) if method == "POST" else None
            response = await run_in_threadpool(show, parts, request, body)
        except RefusedError as refusal:
            response = PlainTextResponse(f"{refusal.sentence}\n", refusal.status)
        except PlatesieveError as error:
            problems = getattr(error, "problems", ())
            response = PlainTextResponse("\n".join((*problems, error.message, error.hint)) + "\n", 422)
        return dressed(response, secure=request.url.scheme == "https")

    return endpoint


def _admit(parts: Parts, request: Request, *, inside: bool) -> None:
    host = request.headers.get("host", "").rpartition("@")[2]
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if name.lower() not in parts.where.hosts:
        raise RefusedError(421, "This page does not answer to that name.")
    if parts.left_s() <= 0 or parts.door.shut:
        raise RefusedError(410, "The time of this page is over. Switch it on again at the device.")
    if inside and not parts.door.knows(request.cookies.get(COOKIE, "")):
        raise RefusedError(401, "Enter the code that the device shows.")


async def _json_of(request: Request, *, inside: bool) -> Any:
    """Return the body of a request that only our own page can have sent."""
    ours = f"{request.url.scheme}://{request.headers.get('host', '')}"
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin" or request.headers.get("origin") != ours:
        raise RefusedError(403, "That was not sent by this page.")
    if request.headers.get("content-type", "") != "application/json":
        raise RefusedError(415, "Only JSON is taken.")
    if inside and not form_token_matches(request.cookies.get(COOKIE, ""), request.headers.get("x-page", "")):
        raise RefusedError(403, "This page is too old. Load it again.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise RefusedError(413, "That is too large.")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise RefusedError(400, "That is no JSON.") from None


def _page(parts: Parts, request: Request, _body: Any) -> Response:
    cookie = request.cookies.get(COOKIE, "")
    inside = parts.door.knows(cookie)
    areas = parts.lookout.areas
    drawn = _template().render(
        inside=inside,
        token=form_token(cookie) if inside else "",
        device=parts.device,
        areas=json.dumps({"regions": areas.regions, "masks": areas.masks}),
        profiles="" if parts.dial is None else json.dumps(parts.dial.shown()),
        trouble=parts.trouble,
        may_write=parts.write is not None,
    )
    return HTMLResponse(drawn)


def _enter(parts: Parts, _request: Request, body: Any) -> Response:
    now_s = parts.clock.now().monotonic_ns / NS_PER_S
    code = body.get("code", "") if isinstance(body, dict) else ""
    cookie = parts.door.enter(code, now_s) if isinstance(code, str) else None
    if cookie is None:
        wait_s = parts.door.wait_s(now_s)
        if wait_s > 0:
            raise RefusedError(429, f"Too many tries. Wait {wait_s:.0f} seconds.")
        raise RefusedError(403, "That is not the code that the device shows now.")
    response = JSONResponse({})
    response.set_cookie(COOKIE, cookie, path="/", secure=True, httponly=True, samesite="strict")
    return response


def _picture(parts: Parts, _request: Request, _body: Any) -> Response:
    return Response(parts.lookout.picture, media_type="image/jpeg", status_code=200 if parts.lookout.picture else 503)


def _told(parts: Parts, _request: Request, _body: Any) -> Response:
    fault = parts.lookout.fault
    told = parts.lookout.told(parts.clock.now().monotonic_ns)
    return JSONResponse({**told, "left_s": round(parts.left_s()), "fault": _sentences(fault)})


def _draw(parts: Parts, _request: Request, body: Any) -> Response:
    areas = _checked(body)
    parts.lookout.draw(areas)
    return JSONResponse({"toml": excerpt(areas)})


def _write_areas(parts: Parts, request: Request, body: Any) -> Response:
    _draw(parts, request, body)
    return _write(parts, parts.lookout.areas)


def _turn(parts: Parts, _request: Request, body: Any) -> Response:
    if parts.dial is None:
        raise InputError("this camera takes no profiles", "they are for a Pi camera")
    parts.dial.wanted = profiles_of(body, parts.dial.wanted.exposure)
    return JSONResponse({"toml": excerpt(parts.dial.wanted.exposure)})


def _write_profiles(parts: Parts, request: Request, body: Any) -> Response:
    _turn(parts, request, body)
    assert parts.dial is not None  # noqa: S101 - for the type checker
    return _write(parts, parts.dial.wanted.exposure)


def _write(parts: Parts, change: Change) -> Response:
    if parts.write is None:
        raise InputError("there is no settings file to write to", "start the page with --config")
    parts.write(change)
    return JSONResponse({})


def _check(parts: Parts, _request: Request, _body: Any) -> Response:
    with parts.lookout.lock:
        parts.lookout.check.start(parts.clock.now().monotonic_ns)
    return JSONResponse({})


def _end(parts: Parts, _request: Request, _body: Any) -> Response:
    parts.end()
    return JSONResponse({})


def _sentences(fault: PlatesieveError | None) -> str | None:
    return None if fault is None else f"{fault.message}. {fault.hint[:1].upper()}{fault.hint[1:]}."


def _checked(body: Any) -> Areas:
    areas = areas_of(body)
    problems = out_of_bounds(Settings(vision=Vision(regions=areas.regions, masks=areas.masks)))
    if problems:
        raise InputError("; ".join(problems), "draw it again")
    return areas


def _template() -> Any:
    loader = PackageLoader("platesieve.aiming", "static")
    return Environment(loader=loader, autoescape=select_autoescape()).get_template("page.html")


async def _static(request: Request) -> Response:
    """Return how the page looks and moves: public, and nothing in it is about anybody."""
    name = request.path_params["name"]
    if name in {"style.css", "icon.svg"}:  # the same dress as the agency's pages
        content = files("platesieve.dashboard").joinpath("static", name).read_bytes()
        kind = "text/css" if name == "style.css" else "image/svg+xml"
    elif name in _STATIC:
        content, kind = files("platesieve.aiming").joinpath("static", name).read_bytes(), _STATIC[name]
    else:
        return dressed(PlainTextResponse("There is no such file.\n", 404), secure=request.url.scheme == "https")
    return dressed(Response(content, media_type=kind), secure=request.url.scheme == "https")
