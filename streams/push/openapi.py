"""The OpenAPI document of push, made from the same tables that the server works by."""

from __future__ import annotations

from importlib.metadata import version

from streams.ingest.article import (
    AUTHOR_FIELDS,
    DATE_FIELDS,
    ID_FIELDS,
    LANGUAGE_FIELDS,
    MAX_ID_CHARS,
    ORIGIN_FIELDS,
    OUTLET_FIELDS,
    TEXT_FIELDS,
    TITLE_FIELDS,
    URL_FIELDS,
)
from streams.json_text import MAX_DEPTH
from streams.push.body import KINDS
from streams.push.items import MAX_ITEMS
from streams.push.problems import PROBLEM_JSON, PROBLEMS
from streams.records import DEAD_LETTER_REASONS
from streams.settings import Settings

Document = dict[str, object]
_ARTICLE = {"$ref": "#/components/schemas/Article"}
_MEANINGS = {
    ID_FIELDS: "Stable id; an article sent again under it replaces the former revision. Without it, one is made from the address or the words.",
    URL_FIELDS: "Address of the article, http or https.",
    TITLE_FIELDS: "Title, as text or HTML.",
    TEXT_FIELDS: "Text, as text or HTML; of several names the first that holds something is taken.",
    DATE_FIELDS: "When it was published: ISO 8601, RFC 2822, or seconds since 1970. Missing or unusable: the time of arrival.",
    OUTLET_FIELDS: "Who published it.",
    LANGUAGE_FIELDS: "ISO 639 code of its language.",
    AUTHOR_FIELDS: "Who wrote it; several authors with commas between them.",
    ORIGIN_FIELDS: "Whom the outlet has it from, such as an agency; without it, by-line and dateline are looked at.",
}


def openapi_document(settings: Settings) -> Document:
    """The document for a server with these settings (OpenAPI 3.1)."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Bellwether push", "version": version("bellwether"),
            "description": "Articles onto the stream. The same article sent twice, by id and content, counts once.",
        },
        "paths": {
            "/v1/articles": {"post": _push(settings)},
            "/v1/openapi.json": {"get": _get("This document.", "openapi")},
            "/healthz": {"get": _get("Whether the process answers.", "health")},
            "/readyz": {"get": {**_get("Whether articles are taken.", "readiness"), "responses": {"200": _plain("Ready."), "503": _plain("Not ready.")}}},
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "`bellwether tokens add NAME` makes one."}},
            "schemas": {"Article": _article(), "Taken": _taken(), "Problem": _problem()},
        },
    }  # fmt: skip


def _push(settings: Settings) -> Document:
    lines = {"schema": {"type": "string", "description": "One article on each line, as a JSON object."}}
    array = {"type": "array", "items": _ARTICLE, "minItems": 1, "maxItems": MAX_ITEMS}
    content = {
        name: {"schema": {"oneOf": [_ARTICLE, array]}} if kind == "json" else lines for name, kind in KINDS.items()
    }  # fmt: skip
    return {
        "operationId": "pushArticles",
        "summary": "Pushes articles",
        "description": (
            f"At most {MAX_ITEMS} articles and {settings.push_max_body_bytes} bytes in a request, also when it is compressed (gzip), "
            f"{settings.max_article_bytes} bytes an article, {settings.push_articles_per_second:g} articles a second for a token. All "
            "of a request is taken or nothing of it. 202 comes when the broker has acknowledged all; after 503 the request may be "
            f"sent again as it is. Objects deeper than {MAX_DEPTH}, NaN, numbers beyond a double and names that stand twice are refused."
        ),
        "security": [{"token": []}],
        "requestBody": {"required": True, "content": content},
        "responses": _responses(),
    }  # fmt: skip


def _responses() -> Document:
    taken = {"application/json": {"schema": {"$ref": "#/components/schemas/Taken"}}}
    problem = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    found: Document = {"202": {"description": "Every article is on the stream.", "content": taken}}
    for status in sorted({status for status, _ in PROBLEMS.values()} - {404, 405}):
        titles = " / ".join(title for other, title in PROBLEMS.values() if other == status)
        response: Document = {"description": titles + ".", "content": problem}
        if status in (429, 503):
            response["headers"] = {
                "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
            }
        if status == 401:
            response["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
        found[str(status)] = response
    return found


def _get(summary: str, name: str) -> Document:
    return {"operationId": name, "summary": summary, "responses": {"200": _plain(summary)}}


def _plain(description: str) -> Document:
    return {"description": description, "content": {"application/json": {"schema": {"type": "object"}}}}


def _article() -> Document:
    properties: Document = {}
    for names, meaning in _MEANINGS.items():
        for name in names:
            properties[name] = {"type": ["string", "null"], "description": meaning}
    for name in ID_FIELDS:
        properties[name] = {
            "type": ["string", "integer", "null"],
            "description": _MEANINGS[ID_FIELDS],
            "x-longest-kept": MAX_ID_CHARS,
        }  # fmt: skip
    for name in DATE_FIELDS:
        properties[name] = {"type": ["string", "number", "null"], "description": _MEANINGS[DATE_FIELDS]}
    return {
        "type": "object", "properties": properties, "additionalProperties": True,
        "description": "A title or a text must be there: one of " + ", ".join((*TITLE_FIELDS, *TEXT_FIELDS)) + ".",
        "anyOf": [{"required": [name]} for name in (*TITLE_FIELDS, *TEXT_FIELDS)],
        "example": {
            "id": "courier-2017-08-02-17", "title": "Belarus and Russia hold exercise", "text": "The exercise began near Minsk on Wednesday.",
            "published": "2017-08-02T09:30:00Z", "outlet": "Minsk Courier", "url": "https://courier.example/17", "language": "en",
        },
    }  # fmt: skip


def _taken() -> Document:
    article = {
        "type": "object", "required": ["item", "id", "date_origin"], "additionalProperties": False,
        "properties": {
            "item": {"type": "integer", "minimum": 0}, "id": {"type": "string"},
            "date_origin": {"enum": ["published", "missing", "unreadable", "future", "absurd"]},
        },
    }  # fmt: skip
    return {
        "type": "object", "required": ["accepted", "articles"], "additionalProperties": False,
        "properties": {"accepted": {"type": "integer", "minimum": 1}, "articles": {"type": "array", "items": article}},
    }  # fmt: skip


def _problem() -> Document:
    text = {"type": "string"}
    error = {
        "type": "object", "required": ["item", "field", "pointer", "reason", "what", "expected"], "additionalProperties": False,
        "properties": {
            "item": {"type": "integer", "minimum": 0}, "field": text, "pointer": text, "reason": {"enum": list(DEAD_LETTER_REASONS)},
            "what": text, "expected": text,
        },
    }  # fmt: skip
    return {
        "type": "object", "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"enum": [f"urn:bellwether:push:{kind}" for kind in PROBLEMS]}, "title": text, "status": {"type": "integer"},
            "detail": text, "expected": text, "todo": text, "errors": {"type": "array", "items": error},
            "errors_in_all": {"type": "integer", "minimum": 1},
        },
    }  # fmt: skip
