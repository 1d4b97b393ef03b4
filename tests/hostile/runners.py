"""How a case goes its way in, what is said of what came of it, and how long others who came the same way had to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path as FilePath
from typing import Any

from kafka.future import Future

from models.predict import Predictor
from streams.classify.memory import SCHEMA, ArticleMemory
from streams.classify.stage import ClassifyStage
from streams.clock import monotonic_seconds, parse_utc
from streams.errors import ConfigError, FeedError
from streams.ingest.answers import GZIP_MAGIC, MAX_BODY_BYTES, inflate
from streams.ingest.archive import ingest_archive
from streams.ingest.entries import find_changes
from streams.ingest.feeds import Feed
from streams.ingest.fetch import Fetcher, Timeouts
from streams.ingest.parsed import ParsedFeed
from streams.ingest.parsing import ParserPool
from streams.records import Article, DeadLetter, decode, encode
from streams.settings import Settings
from streams.stage import Batch, InputRecord, Outputs
from streams.state import PartitionStore
from tests.helpers.builders import article
from tests.helpers.ingesting import FakeProducer, Page, fake_publisher, feed_server, rss
from tests.helpers.pushing import GOOD, Pusher, pushing
from tests.hostile import servers
from tests.hostile.case import Came, Case, Path
from tests.hostile.pushes import TOKEN

NOW = parse_utc("2017-08-02T12:00:00Z")
AnswerOf = Callable[[Case, bytes], Came]
FEED = Feed("https://courier.invalid/rss", "Courier")
KEPT = 5
#: For somebody who waits for the answer, as `bellwether feeds parse` does; the loop over feeds has a minute for each.
IN_A_HURRY = Timeouts(connect=2.0, read=3.0, total=4.0)
OTHERS_EVERY_SECONDS = 0.1
#: One text for each model that loads when it is first needed.
WARM_UP = (
    "Belarus and Russia signed an agreement in Minsk. " * 50, "Беларусь и Россия подписали соглашение в Минске. " * 50,
    "Deutschland und Polen schlossen ein Abkommen. " * 50,
)  # fmt: skip


class _Forgetful(FakeProducer):
    """Acknowledges at once, and keeps the first few records alone."""

    def __init__(self) -> None:
        super().__init__()
        self.some_articles: list[Article] = []
        self.some_letters: list[DeadLetter] = []

    def send(self, topic: str, value: bytes | None = None, key: bytes | None = None) -> Any:
        if topic == "articles" and len(self.some_articles) < KEPT:
            self.some_articles.append(decode(Article, value or b""))
        elif topic != "articles" and len(self.some_letters) < KEPT:
            self.some_letters.append(decode(DeadLetter, value or b""))
        return Future().success(None)


async def _while_others_come(hostile: Awaitable[str], other: Callable[[], Awaitable[object]]) -> Came:
    """The answer to `hostile`, and the longest that one of the `other`s took that came meanwhile."""
    longest = 0.0
    working = asyncio.ensure_future(hostile)
    while not working.done():
        began = monotonic_seconds()
        await other()
        longest = max(longest, monotonic_seconds() - began)
        await asyncio.wait({working}, timeout=OTHERS_EVERY_SECONDS)
    return Came(working.result(), longest)


@contextmanager
def _feed(_folder: FilePath) -> Iterator[AnswerOf]:
    pool, benign = ParserPool(), rss(("1", "One", "First"))
    with asyncio.Runner() as runner:

        async def read(document: bytes) -> str:
            try:
                content = inflate(document, MAX_BODY_BYTES, FEED.url) if document.startswith(GZIP_MAGIC) else document
            except FeedError as error:
                return f"error: {error.what}"
            return _told_of_feed(await pool.parse(content, FEED.url))

        def answer_of(_case: Case, data: bytes) -> Came:
            return runner.run(_while_others_come(read(data), lambda: read(benign)))

        async def warm_up() -> None:
            await asyncio.gather(read(benign), read(benign))

        runner.run(warm_up())
        try:
            yield answer_of
        finally:
            pool.close()


@contextmanager
def _server(_folder: FilePath) -> Iterator[AnswerOf]:
    pool = ParserPool()
    with asyncio.Runner() as runner, feed_server() as good:
        good.pages["/rss"] = Page(rss(("1", "One", "First")))
        fetcher = runner.run(Fetcher(IN_A_HURRY).__aenter__())

        async def read(url: str) -> str:
            try:
                fetched = await fetcher.get(url, allow_private=True)
            except FeedError as error:
                return f"error: {error.what}"
            return _told_of_feed(await pool.parse(fetched.body or b"", FEED.url, fetched.content_type))

        async def read_from(case: Case, data: bytes) -> Came:
            server = await asyncio.start_server(partial(_serve_badly, data, case.kind), "127.0.0.1", 0)
            try:
                port = server.sockets[0].getsockname()[1]
                return await _while_others_come(read(f"http://127.0.0.1:{port}/rss"), lambda: read(good.url("/rss")))
            finally:
                server.close()

        runner.run(read(good.url("/rss")))
        try:
            yield lambda case, data: runner.run(read_from(case, data))
        finally:
            pool.close()
            runner.run(fetcher.__aexit__(None, None, None))


async def _serve_badly(data: bytes, kind: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(data)
        await writer.drain()
        while kind in (servers.TRICKLE, servers.ENDLESS):
            if kind == servers.TRICKLE:
                await asyncio.sleep(1)
            writer.write(b"x" if kind == servers.TRICKLE else data[-65_536:])
            await writer.drain()
        if kind == servers.HOLD:
            await reader.read()
        if kind == servers.RESET:
            writer.transport.abort()
        writer.close()


def _told_of_feed(found: ParsedFeed) -> str:
    if found.error is not None:
        return f"error: {found.error}"
    changes = find_changes(ParsedFeed(entries=found.entries), FEED, {}, now=NOW, settings=Settings())
    return _told(changes.articles, changes.dead_letters)


@contextmanager
def _archive(folder: FilePath) -> Iterator[AnswerOf]:
    def answer_of(case: Case, data: bytes) -> Came:
        file = folder / f"archive{case.kind}"
        file.write_bytes(data)
        producer = _Forgetful()
        try:
            report = ingest_archive([file], fake_publisher(producer), Settings(), progress=False, clock=lambda: NOW)
        except ConfigError as error:
            return Came(f"error: {error.what.splitlines()[-1].strip().removeprefix(f'{file}: ')}")
        finally:
            file.unlink()
        dead = sum(report.dead_letters.values())
        assert report.read == report.published + dead
        return Came(_told(producer.some_articles, producer.some_letters, articles=report.published, letters=dead))

    answer_of(Case("archive", "warm up", bytes, "", ".jsonl"), encode(article()))
    yield answer_of


@contextmanager
def _push(folder: FilePath) -> Iterator[AnswerOf]:
    async def post(pusher: Pusher, case: Case, data: bytes) -> str:
        kind, _, coding = case.kind.partition("+")
        answer = await pusher.post(data, kind=kind, **({"Content_Encoding": coding} if coding else {}))
        if answer.status == 202:
            return f"202, {_told(pusher.producer.articles[-answer.body['accepted'] :], [])}"
        first = answer.body.get("errors", [{}])[0]
        return f"{answer.status}: {(first.get('what') or answer.body['detail'])[:80]}"

    with _served(folder) as (run, pusher):
        yield lambda case, data: run(_while_others_come(post(pusher, case, data), lambda: _good(pusher)))


@contextmanager
def _connection(folder: FilePath) -> Iterator[AnswerOf]:
    async def send(pusher: Pusher, data: bytes) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", pusher.port)
        reading = asyncio.ensure_future(reader.read(64))
        with suppress(ConnectionError):
            writer.write(data.replace(TOKEN, pusher.token.encode()))
            writer.write_eof()
            await writer.drain()
        try:
            first = await reading
        except ConnectionError:
            return "cut off"
        finally:
            writer.transport.abort()
        return first.split(b"\r\n")[0].decode() if first else "closed"

    with _served(folder) as (run, pusher):
        yield lambda _case, data: run(_while_others_come(send(pusher, data), lambda: _good(pusher)))


@contextmanager
def _served(folder: FilePath) -> Iterator[tuple[Callable[[Any], Came], Pusher]]:
    with asyncio.Runner() as runner:
        context = pushing(folder, producer=FakeProducer(), push_articles_per_second=1_000_000)
        pusher = runner.run(context.__aenter__())
        runner.run(_good(pusher))

        def run(work: Any) -> Came:
            pusher.producer.acked.clear()
            came: Came = runner.run(work)
            return came

        try:
            yield run, pusher
        finally:
            runner.run(context.__aexit__(None, None, None))


async def _good(pusher: Pusher) -> None:
    assert (await pusher.post({**GOOD, "id": "other"})).status == 202


@contextmanager
def _classify(folder: FilePath) -> Iterator[AnswerOf]:
    store = PartitionStore(folder / "memory.sqlite", SCHEMA, origin="hostile")
    stage = ClassifyStage(Predictor.load(), lambda partition: ArticleMemory(store, partition, lambda _: (), lambda _: ()))
    stage.open(0)
    samples = [article(0), *(article(number, text=text) for number, text in enumerate(WARM_UP, 1))]
    stage.process(Batch("articles", 0, [InputRecord(n, sample.id.encode(), encode(sample)) for n, sample in enumerate(samples)]))
    offset = len(samples)

    def answer_of(_case: Case, data: bytes) -> Came:
        # A good article stands in the same batch: it waits for as long as the batch takes, which is what is measured.
        nonlocal offset
        good = article(offset)
        records = [InputRecord(offset, b"hostile", data), InputRecord(offset + 1, good.id.encode(), encode(good))]
        offset += 2
        return Came(_told_of_stage(stage.process(Batch("articles", 0, records))))

    yield answer_of


def _told(found: list[Article], buried: list[DeadLetter], *, articles: int | None = None, letters: int | None = None) -> str:
    count = len(found) if articles is None else articles
    dead = len(buried) if letters is None else letters
    parts = [f"{count} articles, {dead} dead letters"]
    if found:
        first = found[0]
        parts.append(f"{first.title[:30]!r} of {len(first.title)}, text of {len(first.text)}")
    if buried:
        parts.append(f"{buried[0].reason}: {buried[0].detail[:70]}")
    if found:
        parts.append(f"id {found[0].id[:20]!r}; {found[0].published}, {found[0].date_origin}")
    return "; ".join(parts)


def _told_of_stage(outputs: Outputs) -> str:
    facts = [output for output in outputs if output.route == "signals" and output.value and output.key.endswith(b"|hostile")]
    letters = [decode(DeadLetter, output.value or b"") for output in outputs if output.route == "dead-letters"]
    return f"{len(facts)} facts, {len(letters)} dead letters" + (
        f"; {letters[0].reason}: {letters[0].detail[:80]}" if letters else ""
    )


RUNNERS: Mapping[Path, Callable[[FilePath], AbstractContextManager[AnswerOf]]] = {
    "feed": _feed, "server": _server, "archive": _archive, "push": _push, "connection": _connection, "classify": _classify,
}  # fmt: skip
