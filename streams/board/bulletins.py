"""The bulletins that were delivered to a folder: a list of them, their pages and PDFs, and the news feed, as they stand there.

The folder is written by `streams/delivery/news.py`. The board reads only names that a bulletin can have, and makes nothing itself.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from pathlib import Path

import msgspec
from aiohttp import web

from streams.board.context import BOARD, board_of, html_response
from streams.board.pages import page_frame
from streams.board.view import NotFoundError
from streams.errors import StateError

INDEX, FEED = "index.json", "feed.xml"
FOLDER = web.AppKey("bulletins", Path)
_TYPES = {"html": "text/html", "pdf": "application/pdf", "xml": "application/atom+xml"}
_STYLE = re.compile(rb"<style>(.*?)</style>", re.DOTALL)


class Listed(msgspec.Struct, frozen=True):
    """A bulletin in the list. `closed_at` is what it is dated by; `files` are names in the folder, the page first."""

    week: str
    key: str
    language: str
    title: str
    summary: str
    headlines: list[str]
    closed_at: str
    files: list[str]


def read_index(folder: Path) -> list[Listed]:
    """The list of a folder, the newest first; empty where there is none yet.

    Raises:
        StateError: if it can't be read.
    """
    try:
        return msgspec.json.decode((folder / INDEX).read_bytes(), type=list[Listed])
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError) as error:
        raise StateError(
            f"the list of bulletins can't be read: {error}", where=str(folder / INDEX), expected="what `bellwether deliver` has written",
            todo="mend it, or move it away",
        ) from error  # fmt: skip


def add_bulletins(app: web.Application, folder: Path) -> None:
    """Lets a board's application show the bulletins of a folder, which need not be there yet."""
    app[FOLDER] = folder
    app[BOARD].templates.globals["bulletins_shown"] = True
    app.router.add_get("/bulletins", list_bulletins, name="bulletins")
    app.router.add_get(r"/bulletins/{name:feed\.xml|\d{4}-W\d{2}\.(?:html|pdf)}", show_file, name="bulletin")


async def list_bulletins(request: web.Request) -> web.Response:
    """`/bulletins`: what was delivered, the newest first."""
    board = board_of(request)
    listed = await asyncio.to_thread(read_index, request.app[FOLDER])
    with board.model.reading():
        _, frame = page_frame(board, request)
        return html_response(request, "bulletins.html", {**frame, "bulletins": listed})


async def show_file(request: web.Request) -> web.Response:
    """`/bulletins/2017-W31.html`, `.pdf` and `/bulletins/feed.xml`."""
    name = request.match_info["name"]
    try:
        body = await asyncio.to_thread((request.app[FOLDER] / name).read_bytes)
    except OSError as error:
        raise NotFoundError("there is no such bulletin", where=request.path, expected="one of /bulletins") from error
    headers = {"Cache-Control": "no-cache", "ETag": f'"{hashlib.blake2b(body, digest_size=10).hexdigest()}"'}
    if headers["ETag"] in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    if name.endswith(".html"):
        headers["Content-Security-Policy"] = _policy(body)
    kind = _TYPES[name.rpartition(".")[2]]
    return web.Response(body=body, headers=headers, content_type=kind, charset=None if kind == "application/pdf" else "utf-8")


def _policy(page: bytes) -> str:
    """A page's own style sheet, known by its hash, and nothing else: a bulletin is one file, which needs nothing but itself."""
    found = _STYLE.search(page)
    digest = base64.b64encode(hashlib.sha256(found[1] if found else b"").digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
