"""Every line of an archive comes out once: as a mapping, or as an error with its place and reason."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.errors import ConfigError, RecordError
from streams.ingest.archive import ingest_archive
from streams.ingest.archive_reading import ArchiveLine, check_archives, read_archive
from streams.ingest.lines import CHUNK_BYTES
from streams.records import DEAD_LETTER_REASONS
from streams.settings import load_settings
from tests.helpers.ingesting import FakeProducer, fake_publisher

SETTINGS = load_settings()
LINE = b'{"id": "a", "title": "T"}'


def read(tmp_path: Path, content: bytes, name: str = "news.jsonl", **bounds: int) -> list[ArchiveLine]:
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return list(read_archive(path, **bounds))


def reasons(lines: list[ArchiveLine]) -> list[str]:
    return [line.error.reason if line.error else "" for line in lines]


@pytest.mark.parametrize("name", ["news.jsonl", "news.jsonl.gz", "news.json.gz", "news.NDJSON"])
def test_json_lines_are_read_plain_and_compressed(tmp_path: Path, name: str) -> None:
    lines = read(tmp_path, LINE + b"\n" + LINE + b"\n", name.replace("NDJSON", "ndjson"))
    assert [line.raw for line in lines] == [{"id": "a", "title": "T"}] * 2


def test_a_byte_order_mark_crlf_blank_lines_and_a_missing_last_line_end_are_no_fault(tmp_path: Path) -> None:
    lines = read(tmp_path, b"\xef\xbb\xbf" + LINE + b"\r\n\r\n   \n" + LINE + b"\n\n" + LINE)
    assert reasons(lines) == ["", "", ""]
    assert [line.where.rpartition(":")[2] for line in lines] == ["1", "4", "6"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"not json", "not-json"),
        (b'{"id": "a"', "not-json"),
        (b'{"n": NaN}', "not-json"),
        (b"[" * 100_000, "not-json"),
        (b"\x00\x00\x00", "not-json"),
        (b'{"a": "\xff"}', "not-utf8"),
        ("{}".encode("utf-16"), "not-utf8"),
        (b"[1]", "not-an-article"),
        (b'"text"', "not-an-article"),
        (b"1" * 5_000, "not-json"),
        (b"null", "not-an-article"),
    ],
)
def test_a_line_that_is_no_article_is_told_with_place_and_reason_and_the_next_is_read(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    lines = read(tmp_path, LINE + b"\n" + line + b"\n" + LINE)
    assert reasons(lines) == ["", reason, ""]
    assert lines[1].where == f"{tmp_path / 'news.jsonl'}:2"


def test_a_lone_surrogate_in_json_is_no_reason_to_lose_an_article(tmp_path: Path) -> None:
    (line,) = read(tmp_path, b'{"title": "half \\ud83d"}')
    assert line.raw == {"title": "half \ud83d"}


def test_a_line_over_the_bound_is_passed_over_without_being_held(tmp_path: Path) -> None:
    path = tmp_path / "news.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(LINE + b"\n" + b'{"title": "')
        for _ in range(200):
            file.write(b"x" * 1_000_000)
        file.write(b'"}\n' + LINE)
    tracemalloc.start()
    lines = list(read_archive(path, max_line_bytes=100_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert reasons(lines) == ["", "too-large", ""]
    assert lines[2].where.endswith(":3")
    assert peak < 8_000_000


def test_the_bound_on_a_line_is_exact(tmp_path: Path) -> None:
    assert reasons(read(tmp_path, LINE + b"\n" + LINE + b" \n", max_line_bytes=len(LINE))) == ["", "too-large"]


def test_what_stood_before_the_cut_of_a_gzip_file_is_kept_and_the_cut_is_one_dead_letter(tmp_path: Path) -> None:
    path = tmp_path / "cut.jsonl.gz"
    whole = gzip.compress(
        b"".join(json.dumps({"id": str(n), "title": "T"}).encode() + b"\n" for n in range(5_000)), compresslevel=1
    )
    path.write_bytes(whole[: len(whole) // 2])
    lines = list(read_archive(path))
    assert len(lines) > 100
    assert reasons(lines) == [""] * (len(lines) - 1) + ["unreadable-line"]
    assert [line.raw["id"] for line in lines[:-1] if line.raw] == [str(n) for n in range(len(lines) - 1)]


@pytest.mark.parametrize("damage", [b"not gzip at all", gzip.compress(LINE + b"\n") + b"trailing junk"])
def test_a_file_that_is_no_sound_gzip_ends_in_one_dead_letter(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "bad.jsonl.gz"
    path.write_bytes(damage)
    assert reasons(list(read_archive(path)))[-1] == "unreadable-line"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["news.csv", "news.csv.gz"])
def test_a_csv_is_read_by_its_header_whatever_its_delimiter(tmp_path: Path, delimiter: str, name: str) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(
        [
            ["ID", "Title", "pubdate", "colour"],
            ["1", 'With "quotes", ; | and\nline break', "2017-08-02", "red"],
            ["2", "Second", "", ""],
        ]
    )
    lines = read(tmp_path, b"\xef\xbb\xbf" + text.getvalue().encode(), name)
    assert [line.raw for line in lines] == [
        {"id": "1", "title": 'With "quotes", ; | and\nline break', "pubDate": "2017-08-02"},
        {"id": "2", "title": "Second"},
    ]
    assert [line.where.rpartition(":")[2] for line in lines] == ["2", "4"]


def test_a_csv_row_that_cannot_be_read_is_told_and_the_next_is_read(tmp_path: Path) -> None:
    content = b"id,title\n1,one,more\n2,\xff\n" + b"3," + b"x" * 3_000 + b"\n\n4,four\n5,a\x00b\n"
    lines = read(tmp_path, content, "news.csv", max_line_bytes=1_000)
    assert reasons(lines) == ["not-an-article", "not-utf8", "too-large", "", ""]
    assert [line.raw["id"] for line in lines if line.raw] == ["4", "5"]


def test_a_quotation_mark_that_is_never_closed_does_not_take_the_file_into_memory(tmp_path: Path) -> None:
    rows = b"".join(b"%d,row\n" % number for number in range(100_000))
    lines = read(tmp_path, b'id,title\n0,"open\n' + rows, "news.csv", max_line_bytes=50_000)
    assert reasons(lines)[0] == "too-large"
    assert len(lines) > 80_000
    assert lines[-1].raw == {"id": "99999", "title": "row"}


def test_an_empty_archive_has_no_lines(tmp_path: Path) -> None:
    assert read(tmp_path, b"") == []
    assert read(tmp_path, b"", "news.csv") == []
    assert read(tmp_path, b"id,title\n", "news.csv") == []


def test_every_file_is_looked_at_before_the_first_is_read(tmp_path: Path) -> None:
    (tmp_path / "fine.jsonl").write_bytes(LINE)
    (tmp_path / "news.docx").write_bytes(b"")
    (tmp_path / "bare.csv").write_bytes(b"1,2\n3,4\n")
    paths = [tmp_path / name for name in ("fine.jsonl", "gone.jsonl", "news.docx", "bare.csv")] + [tmp_path]
    producer = FakeProducer()
    with pytest.raises(ConfigError) as caught:
        ingest_archive(paths, fake_publisher(producer), SETTINGS)
    message = str(caught.value)
    for text in (
        "gone.jsonl: there is no such file",
        "news.docx: an archive of an unknown kind",
        "bare.csv: the CSV has no column",
    ):
        assert text in message
    assert "fine.jsonl" not in message
    assert producer.waiting == []


def test_standard_input_is_read_as_json_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(LINE + b"\nnope\n")

    monkeypatch.setattr(sys, "stdin", Stdin())
    check_archives(["-"])
    lines = list(read_archive("-"))
    assert [line.where for line in lines] == ["-:1", "-:2"]
    assert reasons(lines) == ["", "not-json"]


def test_every_line_read_is_published_or_a_dead_letter_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    path.write_bytes(LINE + b"\nnope\n\n" + b'{"title": ""}\n' + b'{"title": "Dated", "published": "2017-08-02"}')
    producer = FakeProducer()
    report = ingest_archive([path], fake_publisher(producer), SETTINGS)
    assert (report.read, report.published, report.dead_letters) == (4, 2, {"not-an-article": 1, "not-json": 1})
    assert [(letter.where, letter.reason, letter.content) for letter in producer.dead_letters] == [
        (f"{path}:2", "not-json", "nope"),
        (f"{path}:4", "not-an-article", '{"title": ""}'),
    ]
    assert [article.published[:10] for article in producer.articles][1] == "2017-08-02"


def test_the_rate_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "news.jsonl"
    path.write_bytes((LINE + b"\n") * 20)
    report = ingest_archive([path], fake_publisher(FakeProducer()), SETTINGS, rate=100)
    assert report.published == 20
    assert report.seconds >= 0.19


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_a_rate_that_is_not_positive_is_refused(tmp_path: Path, rate: float) -> None:
    with pytest.raises(ConfigError, match="a rate of"):
        ingest_archive([], fake_publisher(FakeProducer()), SETTINGS, rate=rate)


def test_an_interrupted_run_counts_exactly_what_it_sent(tmp_path: Path) -> None:
    import signal

    path = tmp_path / "news.jsonl"
    path.write_bytes((LINE + b"\n") * 1_000)

    class InterruptingProducer(FakeProducer):
        def send(self, topic: str, value: bytes | None = None, key: bytes | None = None) -> object:
            if len(self.waiting) == 300:
                signal.raise_signal(signal.SIGINT)
            return super().send(topic, value, key)

    producer = InterruptingProducer()
    report = ingest_archive([path], fake_publisher(producer), SETTINGS)
    assert report.interrupted
    assert report.read == report.published == len(producer.acked) == 301


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=200)
@given(content=st.binary(max_size=2_000), suffix=st.sampled_from([".jsonl", ".csv", ".jsonl.gz", ".csv.gz"]))
def test_arbitrary_bytes_raise_nothing_but_a_known_reason(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"any{suffix}"
    path.write_bytes(content)
    try:
        lines = list(read_archive(path, max_line_bytes=500))
    except ConfigError:
        assert ".csv" in suffix  # only a CSV may be refused whole, for its header
        return
    for line in lines:
        assert (line.raw is None) != (line.error is None)
        assert line.error is None or line.error.reason in DEAD_LETTER_REASONS


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=200)
@given(
    pieces=st.lists(st.binary(max_size=40).map(lambda piece: piece.replace(b"\n", b"")), max_size=20), bound=st.integers(1, 60)
)
def test_every_line_that_is_not_blank_is_accounted_for_once(tmp_path: Path, pieces: list[bytes], bound: int) -> None:
    lines = read(tmp_path, b"\n".join(pieces), "any.jsonl", max_line_bytes=bound)
    bom, expected = b"\xef\xbb\xbf", []
    for number, piece in enumerate(pieces, 1):
        body = piece.removeprefix(bom) if number == 1 else piece
        if len(piece) > bound or body.removesuffix(b"\r").strip():
            expected.append(number)
    assert [int(line.where.rpartition(":")[2]) for line in lines] == expected


def test_a_record_error_of_a_line_names_what_was_expected(tmp_path: Path) -> None:
    (line,) = read(tmp_path, b"[]")
    assert isinstance(line.error, RecordError)
    assert line.error.expected == "one JSON object on a line"


def test_blank_lines_count_however_many_there_are_and_wherever_they_end(tmp_path: Path) -> None:
    path = tmp_path / "news.jsonl"
    for blanks in (1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES * 2 + 1):
        path.write_bytes(b'{"title": "first"}\n' + b"\n" * blanks + b'  {"title": "last"}\n')
        assert [line.where.rpartition(":")[2] for line in read_archive(path)] == ["1", str(blanks + 2)]
