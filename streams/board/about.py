"""`/about`: what is counted, how it becomes a status, and how good that is, by the figures that were measured."""

from __future__ import annotations

import asyncio

from aiohttp import web

from models.errors import ModelError
from streams.board.context import board_of, html_response
from streams.board.method import LANGUAGE_NAMES, alarm_probability, measured_tables, model_figures, status_rules
from streams.board.pages import page_frame
from streams.errors import StateError


async def show_about(request: web.Request) -> web.Response:
    """`/about`: the method for people.

    Raises:
        StateError: if the model's manifest can't be read.
    """
    board = board_of(request)
    try:
        model = await asyncio.to_thread(model_figures, board.trained)
    except ModelError as error:
        raise StateError(error.what, where=error.where, expected=error.expected, todo=error.todo) from error
    tables = await asyncio.to_thread(measured_tables)
    with board.model.reading():
        _, frame = page_frame(board, request)
        values = {
            **frame, "model": model, "tables": tables, "rules": status_rules(), "alarm_probability": alarm_probability(),
            "languages": list(LANGUAGE_NAMES.values()),
            "articles": board.model.articles(), "corrected": len(board.model.said), "watchlist": board.model.watchlist, "false_share": board.model.false_break_share,
        }  # fmt: skip
        return html_response(request, "about.html", values)
