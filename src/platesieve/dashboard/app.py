"""The dashboard as one ASGI application: the table of pages, the static files, the watcher."""

from __future__ import annotations

from contextlib import asynccontextmanager
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from platesieve.dashboard.doorway import Page, dressed, refused, routes
from platesieve.dashboard.rooms import alerts, cameras, cases, door, oversight, people

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from platesieve.dashboard.parts import Parts

PAGES: tuple[Page, ...] = (*door.PAGES, *alerts.PAGES, *cases.PAGES, *cameras.PAGES, *oversight.PAGES, *people.PAGES)
_STATIC = {"style.css": "text/css", "dashboard.js": "text/javascript", "icon.svg": "image/svg+xml"}


def build_app(parts: Parts) -> Starlette:
    """Return the application."""

    @asynccontextmanager
    async def running(_app: Starlette) -> AsyncIterator[None]:
        async with parts.watcher.running():
            yield

    async def unknown(request: Request, _error: Exception) -> Response:
        answer = refused(parts.screen, request, 404, "There is no such page.")
        return dressed(answer, secure=request.url.scheme == "https")

    async def wrong_method(request: Request, _error: Exception) -> Response:
        return dressed(PlainTextResponse("Not like this.\n", 405), secure=request.url.scheme == "https")

    async def broken(request: Request, _error: Exception) -> Response:
        # Nothing of the error is told: it could repeat what a page was about to show.
        return dressed(PlainTextResponse("A fault in the dashboard.\n", 500), secure=request.url.scheme == "https")

    handlers = {404: unknown, 405: wrong_method, 500: broken}
    return Starlette(routes=[*routes(parts, PAGES), *_static_routes()], lifespan=running, exception_handlers=handlers)


def _static_routes() -> list[Route]:
    """Return the three files that pages are made with; read once, public, and nothing in them is about anybody."""
    folder = files("platesieve.dashboard").joinpath("static")
    contents = {name: folder.joinpath(name).read_bytes() for name in _STATIC}

    async def static(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in contents:
            return dressed(PlainTextResponse("There is no such file.\n", 404), secure=request.url.scheme == "https")
        response = Response(contents[name], media_type=_STATIC[name], headers={"Cache-Control": "public, max-age=3600"})
        return dressed(response, secure=request.url.scheme == "https")

    return [Route("/static/{name}", static)]
