"""The weekly bulletin, from records to text: against texts that were read over, and claim by claim."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from models.labels import DOMAINS, LABELS, LEANS_TOWARDS
from streams.board.listing import Listed, ListedStanding
from streams.bulletin.build import LEAST_COMPARED, Stands, build, stands_of
from streams.bulletin.listing import lines_at
from streams.bulletin.past import PairWeeks, standings_after
from streams.bulletin.quoting import link_target, quote
from streams.bulletin.render import RENDERERS, escape_markdown, to_html, to_json, to_markdown
from streams.bulletin.revisions import read_earlier
from streams.bulletin.wording import LANGUAGES, WORDS, Language, plural_form, words_of
from streams.clock import shift_week, week_name, week_number
from streams.commands.bulletin import bulletin
from streams.errors import ConfigError
from streams.records import Count, Trend
from streams.trends.status import STATUSES
from tests.helpers.bulletins import EVENTFUL, LAST, QUIET, eventful, eventful_weeks, said_of, telling
from tests.helpers.standings import FIRST, week_of_pair

GOLDEN = Path(__file__).parents[1] / "data" / "bulletin"


@pytest.fixture(scope="module")
def stands() -> Stands:
    return eventful()


def markdown(stands: Stands, week: str, pair: str = "BLR-RUS", language: Language = "en") -> str:
    return to_markdown(build(stands, week, pair), language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_week_of_a_break_reads_as_the_text_that_was_read_over(stands: Stands, language: Language) -> None:
    assert markdown(stands, EVENTFUL, language=language) == (GOLDEN / f"eventful.{language}.md").read_text(encoding="utf-8")


def test_a_week_without_news_reads_as_a_quiet_one(stands: Stands) -> None:
    text = markdown(stands, QUIET)
    assert text == (GOLDEN / "quiet.en.md").read_text(encoding="utf-8")
    assert text.startswith("# Belarus and Russia: a quiet week\n")
    assert build(stands, QUIET, "BLR-RUS").pairs[0].is_quiet


def test_the_page_is_the_one_that_was_read_over(stands: Stands) -> None:
    assert to_html(build(stands, EVENTFUL, "BLR-RUS")) == (GOLDEN / "eventful.en.html").read_text(encoding="utf-8")


def test_the_order_of_the_records_changes_no_byte(stands: Stands) -> None:
    trends = list(eventful_weeks())
    other = stands_of(trends[::-1], said_of(trends, LAST)[::-1], {("BLR", "RUS"): ("CHN",)})
    for render in RENDERERS.values():
        assert render(build(stands, EVENTFUL), "en") == render(build(other, EVENTFUL), "en")


def test_a_past_week_is_judged_without_what_came_after() -> None:
    trends = list(eventful_weeks())
    then = [trend for trend in trends if trend.week <= EVENTFUL]
    known_then = stands_of(then, said_of(then, EVENTFUL))
    assert build(known_then, EVENTFUL, "BLR-RUS").pairs == build(eventful(), EVENTFUL, "BLR-RUS").pairs


def test_what_would_change_the_reading_does_change_it() -> None:
    trends = [trend for trend in eventful_weeks() if trend.week <= QUIET]
    (pair,) = build(stands_of(trends, said_of(trends, QUIET)), QUIET, "BLR-RUS").pairs
    turn = next(turn for turn in pair.signals[0].turns if turn.upwards)
    for stories, status in (
        (turn.stories, turn.status),
        (turn.stories - 2, pair.signals[0].standing and pair.signals[0].standing.status),
    ):
        later = [week_of_pair("BLR-RUS", week_number(QUIET) + n, turn.exposure, stories) for n in range(1, turn.weeks + 1)]
        after = standings_after(PairWeeks([*trends, *later]), week_number(QUIET) + turn.weeks)
        assert after["cooperation", "all"].status == status


def test_a_running_week_says_so_and_is_judged_by_the_closed_ones() -> None:
    found = build(eventful(closed=shift_week(LAST, -1)), LAST, "BLR-RUS")
    assert (found.state, found.pairs[0].as_of) == ("running", shift_week(LAST, -1))
    assert "The week is not closed" in to_markdown(found)
    assert f"As of {shift_week(LAST, -1)}, the last closed week." in to_markdown(found)


def test_a_first_week_that_is_not_closed_has_counts_and_no_judgement() -> None:
    stands = stands_of([week_of_pair("BLR-RUS", FIRST, 1, 1)], [])
    text = markdown(stands, week_name(FIRST))
    assert "The week brought 1 story about Belarus and Russia; copies included, 1 article." in text
    assert "nothing has been judged yet" in text
    assert "## Status" not in text


@pytest.mark.parametrize(
    ("week", "pair", "state", "words"),
    [
        ("2031-W02", "BLR-RUS", "ahead", f"the newest news is of week {LAST}"),
        ("2001-W02", "BLR-RUS", "before", "before the first news of the pair"),
        (EVENTFUL, "ARM-RUS", "unknown", "No news of this pair has been read"),
        ("2001-W02", "", "before", "before the first news that has been read"),
        ("2031-W02", "", "ahead", "Nothing so new has been read"),
    ],
)
def test_a_week_or_pair_without_data_is_a_clear_result(stands: Stands, week: str, pair: str, state: str, words: str) -> None:
    found = build(stands, week, pair)
    assert found.state == state
    for language in LANGUAGES:
        for render in RENDERERS.values():
            assert render(found, language)
    assert words in to_markdown(found)


def test_nothing_read_at_all_is_a_clear_result() -> None:
    for render in RENDERERS.values():
        assert render(build(stands_of([], [])), "en")
    assert to_markdown(build(stands_of([], []))).startswith("# Nothing to report yet")
    assert "No news has been read" in to_markdown(build(stands_of([], []), "2017-W31"))


def test_without_a_week_the_last_closed_one_is_told() -> None:
    assert build(eventful(closed=shift_week(LAST, -2))).week == shift_week(LAST, -2)


def test_all_pairs_of_a_week_stand_by_their_signals_and_the_quiet_ones_in_a_line() -> None:
    trends = [*eventful_weeks(), *eventful_weeks("ARM-RUS"), week_of_pair("SRB-RUS", week_number(EVENTFUL), 5, 0)]
    trends = [trend for trend in trends if (trend.source, trend.week) != ("ARM", EVENTFUL)]
    trends.append(week_of_pair("ARM-RUS", week_number(EVENTFUL), 40, 30))
    said = [one for pair in ("BLR", "ARM", "SRB") for one in said_of([t for t in trends if t.source == pair], LAST)]
    found = build(stands_of(trends, said), EVENTFUL)
    assert [pair.key for pair in found.pairs] == ["ARM-RUS", "BLR-RUS"]
    assert found.quiet == ("SRB-RUS",)
    assert "| Armenia and Russia | 40 | 30 | 0 | 0 |" in to_markdown(found)
    assert "Without a signal: Serbia and Russia." in to_markdown(found)


def test_work_with_a_rival_of_the_partner_stands_beside_the_pair() -> None:
    trends = [*eventful_weeks(), week_of_pair("BLR-CHN", week_number(EVENTFUL), 7, 3)]
    stands = stands_of(trends, said_of(trends[:-1], LAST), {("BLR", "RUS"): ("CHN", "EU")})
    assert "- Belarus and China: cooperation 3 (7 stories about the pair)." in markdown(stands, EVENTFUL)


def test_counter_evidence_is_of_the_other_direction(stands: Stands) -> None:
    (pair,) = build(stands, EVENTFUL, "BLR-RUS").pairs
    assert pair.leading is True
    assert pair.counter is not None
    assert not LEANS_TOWARDS[next(label for label in LABELS if label == pair.counter.labels[0][0])]


def test_few_stories_are_not_compared_with_the_past() -> None:
    trends = [week_of_pair("BLR-RUS", FIRST + at, 1, at % 2) for at in range(LEAST_COMPARED)]
    (pair,) = build(stands_of(trends, said_of(trends, trends[-1].week)), trends[-1].week, "BLR-RUS").pairs
    assert pair.signals[0].against == "unclear"


def test_the_printed_command_gives_the_numbers_again(stands: Stands) -> None:
    trends = list(eventful_weeks())
    said = {"BLR-RUS": {(one.signal, one.domain): ListedStanding(one, reported=False) for one in said_of(trends, LAST)}}
    (pair,) = build(stands, EVENTFUL, "BLR-RUS").pairs
    lines = [
        json.loads(line.to_json()) for line in lines_at([Listed(trend) for trend in trends], said, EVENTFUL, pair.base_weeks)
    ]
    recent = pair.signals[0].recent
    inside = [line for line in lines if recent.first <= line["week"] <= recent.last]
    assert sum(line["counts"].get("cooperation", {}).get("all", {"stories": 0})["stories"] for line in inside) == recent.stories
    assert sum(line["exposure"]["all"]["stories"] for line in inside) == recent.exposure
    assert lines[0]["week"] == pair.signals[0].past.first
    standing = lines[-1]["standings"]["cooperation"]
    assert standing.pop("active") is True
    assert standing == msgspec.to_builtins(pair.signals[0].standing)


def test_json_holds_every_figure_and_the_headline(stands: Stands) -> None:
    found = json.loads(to_json(build(stands, EVENTFUL, "BLR-RUS"), "ru"))
    (pair,) = found["pairs"]
    assert (found["language"], found["week"], found["state"], pair["pair"]) == ("ru", EVENTFUL, "closed", "BLR-RUS")
    assert pair["headline"] == "Беларусь — Россия: сотрудничество отмечается чаще, чем прежде"
    assert [signal["label"] for signal in pair["signals"]] == list(LABELS)


def test_a_hostile_article_is_text_in_markdown_and_html() -> None:
    week = FIRST
    bad = telling(
        week, "cooperation", title="](javascript:x) <script>alert(1)</script> # | `a` https://evil.invalid\n# head\x1b[31m",
        url="javascript:alert(1)", sentence='<img src=x onerror="y"> ' + "word " * 90, outlet="[a](b)", terms=["<b>", "*c*"],
    )  # fmt: skip
    trend = week_of_pair("BLR-RUS", week, 3, 1, evidence=[bad])
    found = build(stands_of([trend], []), trend.week, "BLR-RUS")
    text = to_markdown(found)
    assert (
        "- \\](javascript:x) \\<script\\>alert(1)\\</script\\> \\# \\| \\`a\\` https\\://evil.invalid \\# head\\\\u001b\\[31m"
        in text
    )
    assert "](javascript" not in text.replace("\\](javascript", "")
    assert _tags(to_html(found)).isdisjoint({"script", "img", "b"})
    assert "javascript:alert" not in to_html(found)


def _tags(page: str) -> set[str]:
    seen: set[str] = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, _: seen.add(tag)  # type: ignore[method-assign, assignment]
    parser.feed(page)
    return seen


def test_a_long_sentence_is_quoted_around_the_words_that_weighed() -> None:
    words = [f"w{n}" for n in range(100)]
    found = quote(" ".join(words), ["w70"])
    assert found.startswith("…w41 ")
    assert found.endswith(" w70…")
    assert len(found.split()) == 30


@pytest.mark.parametrize(
    "url", ["javascript:x", "ftp://a.invalid", "//a.invalid", "https://", "https://a.invalid/\nb", "http://[x", ""]
)
def test_what_is_no_web_address_is_not_linked(url: str) -> None:
    assert link_target(url) == ""


def test_markdown_escapes_do_not_change_plain_words() -> None:
    assert escape_markdown("Belarus and Russia: 3.1% (90% interval)") == "Belarus and Russia: 3.1% (90% interval)"


def _keys(table: dict[str, object]) -> set[str]:
    return {f"{section}.{key}" for section, found in table.items() if isinstance(found, dict) for key in found}


def test_every_language_has_every_phrase_and_the_same_values_in_it() -> None:
    tables = [tomllib.loads((WORDS / f"{language}.toml").read_text(encoding="utf-8")) for language in LANGUAGES]
    for one, other in pairwise(tables):
        assert _keys(one) == _keys(other)
    for section, names in (("labels", LABELS), ("acts", LABELS), ("domains", DOMAINS), ("statuses", STATUSES)):
        assert all(set(table[section]) == set(names) for table in tables)


@pytest.mark.parametrize(
    ("number", "russian", "belarusian"),
    [(1, "1 сюжет", "1 сюжэт"), (2, "2 сюжета", "2 сюжэты"), (5, "5 сюжетов", "5 сюжэтаў"), (11, "11 сюжетов", "11 сюжэтаў"), (12, "12 сюжетов", "12 сюжэтаў"),
     (21, "21 сюжет", "21 сюжэт"), (1_022, "1 022 сюжета", "1 022 сюжэты")],
)  # fmt: skip
def test_nouns_agree_with_their_numbers(number: int, russian: str, belarusian: str) -> None:
    assert words_of("ru").count("story", number).replace("\u00a0", " ") == russian
    assert words_of("be").count("story", number).replace("\u00a0", " ") == belarusian
    assert plural_form("en", number) == int(number != 1)


def test_the_days_of_a_week_are_named_as_a_reader_says_them() -> None:
    assert words_of("en").days("2017-W31") == "31 July – 6 August 2017"
    assert words_of("ru").days("2017-W32") == "7 – 13 августа 2017"
    assert words_of("be").days("2019-W01") == "31 снежня 2018 – 6 студзеня 2019"
    assert date.fromisocalendar(2019, 1, 1) == date(2018, 12, 31)


def test_states_and_blocs_have_names_in_every_language() -> None:
    assert [words_of(language).name("BLR") for language in LANGUAGES] == ["Belarus", "Беларусь", "Беларусь"]
    assert [words_of(language).name("CSTO") for language in LANGUAGES] == ["CSTO", "ОДКБ", "АДКБ"]
    assert not any(
        "/" in words_of(language).name(code) for language in LANGUAGES for code in ("PHL", "USA", "VNM", "SAU", "EU", "ARE")
    )


def test_a_probability_is_never_rounded_to_certainty() -> None:
    words = words_of("en")
    assert (words.probability(0.9999), words.probability(0.0), words.probability(0.5)) == ("99%", "1%", "50%")


def test_unknown_labels_of_a_newer_writer_are_left_out() -> None:
    trend = Trend(
        source="BLR",
        partner="RUS",
        week="2017-W31",
        exposure={"all": Count(4, 4)},
        counts={"mimicry": {"all": Count(4, 4)}},
        evidence={},
    )
    (pair,) = build(stands_of([trend], []), "2017-W31", "BLR-RUS").pairs
    assert (pair.stories, pair.signal_stories) == (4, 0)


def test_late_news_is_told_against_an_earlier_bulletin(stands: Stands) -> None:
    told = to_json(build(stands, EVENTFUL)).encode()
    late = [
        msgspec.structs.replace(t, exposure={"all": Count(43, 43)}, counts={"cooperation": {"all": Count(17, 17)}})
        if t.week == EVENTFUL
        else t
        for t in eventful_weeks()
    ]
    now = stands_of(late, said_of(late, LAST))
    text = to_markdown(build(now, LAST, "BLR-RUS", read_earlier(told, "week.json")))
    assert text.endswith(
        "## Revisions of past weeks\n\n"
        f"- Belarus and Russia, {EVENTFUL}, stories: 40 then, 43 now\n- Belarus and Russia, {EVENTFUL}, cooperation: 16 then, 17 now\n"
    )
    assert "none of the counts" in to_markdown(build(stands, LAST, "", read_earlier(told, "week.json")))
    assert "Revisions" not in to_markdown(build(now, LAST))


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b'{"week": "2017-W77", "pairs": [], "quiet": []}', b"\xff", b"[" * 100_000])
def test_what_is_no_bulletin_is_refused_with_the_file(text: bytes) -> None:
    with pytest.raises(ConfigError, match=r"week\.json"):
        read_earlier(text, "week.json")


@pytest.mark.parametrize(
    "arguments",
    [["--week", "2022-W60"], ["--week", "last"], ["--week", ""], ["--week", "2017-W1"], ["--week", "9999-W52"], ["--pair", "BLR_RUS"], ["--pair", "BLR-QQQ"],
     ["--pair", "RUS-RUS"], ["--pair", "blr-rus"], ["--lang", "de"], ["--format", "docx"]],
)  # fmt: skip
def test_a_week_or_pair_that_cannot_be_is_wrong_usage(arguments: list[str]) -> None:
    done = CliRunner().invoke(bulletin, arguments)
    assert done.exit_code == 2
    assert "expected" in done.stderr or "is not one of" in done.stderr
