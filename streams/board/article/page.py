"""`/article?id=...`: one article with its passages coloured by label, and why it was labelled so."""

from __future__ import annotations

from aiohttp import web

from streams.board.article.shown import show
from streams.board.context import board_of, html_response
from streams.board.view import BadRequestError, NotFoundError

MOST_ID_CHARS = 2_000


async def show_article(request: web.Request) -> web.Response:
    """The page of the article that `id` names."""
    board, article_id = board_of(request), request.query.get("id", "")
    if board.articles is None:
        raise NotFoundError("this board holds no articles", where=request.path, todo="start at /")
    if not 0 < len(article_id) <= MOST_ID_CHARS:
        raise BadRequestError(
            "no article is named", where="id", expected=f"an article's id, of 1 to {MOST_ID_CHARS} characters",
            todo="start at a pair: its evidence leads to its articles",
        )  # fmt: skip
    found = await board.articles.find(article_id)
    with board.model.reading():
        values = {"path": request.path_qs, "found": found, "article": found.article, "shown": show(board.model, found)}
        return html_response(request, "article.html", values)
