"""Bulletins that were delivered to the board's folder: the news feed by a real parser, the pages, and what is not served."""

from __future__ import annotations

import base64
import hashlib
import http.client
import re
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

import feedparser
import pytest

from streams.board.bulletins import add_bulletins
from streams.board.model import BoardModel
from streams.board.status import ReplayStatus
from streams.bulletin.build import Stands
from streams.clock import format_utc, shift_week, week_number
from streams.delivery.rounds import Wish
from streams.settings import SHIPPED_WATCHLIST
from streams.standing.closing import closing_time
from streams.watchlist import load_watchlist
from tests.helpers.board_server import serving
from tests.helpers.bulletins import EVENTFUL, LAST, eventful
from tests.helpers.delivering import LATENESS, rounds_in, targets_of

NEWS = '[[target]]\nname = "news"\nkind = "feed"\naddress = "https://board.invalid/bulletins"\nwith_pdf = true\n'
OLDER = shift_week(LAST, -1)


@pytest.fixture(scope="module")
def stands() -> Stands:
    return eventful()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, stands: Stands) -> Path:
    path = tmp_path_factory.mktemp("news")
    with rounds_in(path) as rounds:
        for week in (LAST, EVENTFUL, OLDER):
            (entry,) = rounds.deliver(stands, targets_of(path, NEWS), Wish(week))
            assert entry.state == "sent"
    return path / "bulletins"


def get(address: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return found


def board(folder: Path) -> AbstractContextManager[str]:
    model = BoardModel(load_watchlist(SHIPPED_WATCHLIST))
    return serving(model, lambda: ReplayStatus(alive=True, caught_up=True), prepare=lambda app: add_bulletins(app, folder))


def test_the_feed_is_what_a_reader_takes_newest_first_and_dated_by_the_closing(folder: Path) -> None:
    found = feedparser.parse((folder / "feed.xml").read_bytes())
    assert not found.bozo
    assert [entry.title[-8:] for entry in found.entries] == [LAST, OLDER, EVENTFUL]
    first = found.entries[0]
    assert first.link == f"https://board.invalid/bulletins/{LAST}.html"
    assert first.id.startswith("urn:uuid:")
    assert len({entry.id for entry in found.entries}) == 3
    assert first.updated == format_utc(closing_time(week_number(LAST), LATENESS))
    assert "Belarus" in first.summary


def test_the_board_lists_the_bulletins_and_serves_pages_pdfs_and_the_feed(folder: Path) -> None:
    with board(folder) as address:
        status, headers, body = get(address, "/bulletins")
        assert status == 200
        assert re.findall(rb'href="/bulletins/([^"]+\.html)"', body) == [
            f"{week}.html".encode() for week in (LAST, OLDER, EVENTFUL)
        ]
        assert b'href="/bulletins"' in get(address, "/")[2]
        status, headers, body = get(address, f"/bulletins/{LAST}.html")
        assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        style = re.search(rb"<style>(.*?)</style>", body, re.DOTALL)
        assert style is not None
        digest = base64.b64encode(hashlib.sha256(style[1]).digest()).decode()
        assert headers["Content-Security-Policy"].startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Server"] == "Bellwether"
        assert get(address, f"/bulletins/{LAST}.pdf")[1]["Content-Type"] == "application/pdf"
        status, headers, _ = get(address, "/bulletins/feed.xml")
        assert headers["Content-Type"] == "application/atom+xml; charset=utf-8"
        assert get(address, "/bulletins/feed.xml", **{"If-None-Match": headers["ETag"]})[0] == 304


@pytest.mark.parametrize(
    "path",
    ["index.json", "..%2fdelivery.toml", "..%2f..%2fetc%2fpasswd", "2999-W01.html", ".2016-W01.html.x", "2016-W05.html%00"],
)
def test_nothing_else_of_the_folder_is_served(folder: Path, path: str) -> None:
    with board(folder) as address:
        assert get(address, f"/bulletins/{path}")[0] == 404


def test_an_empty_folder_says_how_bulletins_come_there(tmp_path: Path) -> None:
    with board(tmp_path / "none") as address:
        status, _, body = get(address, "/bulletins")
        assert status == 200
        assert b"delivery.toml" in body
        assert get(address, "/bulletins/feed.xml")[0] == 404


def test_a_damaged_list_is_an_error_that_says_so_and_the_board_lives_on(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text("{", encoding="utf-8")
    with board(tmp_path) as address:
        assert get(address, "/bulletins")[0] == 500
        assert get(address, "/healthz")[0] == 200


def test_a_damaged_list_fails_the_target_and_is_left_as_it_is(tmp_path: Path, stands: Stands) -> None:
    (tmp_path / "bulletins").mkdir()
    (tmp_path / "bulletins" / "index.json").write_text("{", encoding="utf-8")
    with rounds_in(tmp_path) as rounds:
        (entry,) = rounds.deliver(stands, targets_of(tmp_path, NEWS))
    assert entry.state == "waiting"
    assert "list of bulletins" in entry.problem
    assert (tmp_path / "bulletins" / "index.json").read_text(encoding="utf-8") == "{"
