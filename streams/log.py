"""Structured logs: an event in the past tense plus keys; JSON lines unless a person is looking at a terminal.

Article text is never logged above DEBUG, and a secret never at all. What strangers wrote can't forge a line: JSON escapes it, and
for a terminal it is escaped here.
"""

from __future__ import annotations

import logging
import sys

import structlog

from streams.printable import printable, printable_line

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def configure_logging(level: str, *, as_json: bool | None = None) -> None:
    """Sets up structlog, and the standard library's logging behind it, once per process; logs go to stderr.

    Args:
        level: one of `LEVELS`.
        as_json: True for JSON lines, False for coloured text, None to choose by whether stderr is a terminal.
    """
    if as_json is None:
        as_json = not sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    last: list[structlog.typing.Processor] = [structlog.processors.format_exc_info]
    if not as_json:
        last.append(_escape_values)
    structlog.configure(
        processors=[*shared, *last, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    foreign: list[structlog.typing.Processor] = [*shared, *last]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=foreign))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # kafka-python logs every refused connection as an error; the one that matters ends in an error of our own.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    # Libraries speak of each reconnect at INFO ("streams" is what Faust calls our subclasses of its services); an operator needs their warnings, and counts the rest in metrics.
    for library in ("aiokafka", "faust", "mode", "aiohttp.access", "feedparser", "streams"):
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))


def _escape_values(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Text values on one line; the lines of a trace are marked as belonging to it. Other values are shown by their repr."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = printable(value).replace("\n", "\n  | ") if name == "exception" else printable_line(value)
    return event


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger bound to the component's name."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(component=name)
    return logger
