"""How `bellwether classify` shows an answer: the contract's JSON with what was added to it, and the page for a terminal."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from models.explanation import Explanation, LabelReason, Mark
from models.results import Classified, PairSignal, Text
from streams.classify.render import SHOWN_CHARS, as_json, show
from streams.classify.texts import NamedText
from streams.commands.model import classify
from streams.errors import ConfigError

CONTRACT = ["id", "language", "domain", "labels", "decided", "signals"]
TEXT = Text("Talks in Minsk", "Belarus and Russia began an exercise.\nIt rained\x1b[2J.")


def explanation(text: Text = TEXT) -> Explanation:
    """Cooperation decided by the first sentence, hedging nearly so."""
    first = "Belarus and Russia began an exercise."
    signal = PairSignal("BLR", "RUS", "cooperation", 0.91, "security", first, ("exercise",))
    found = Classified(
        "en", {"cooperation": 0.91, "hedging": 0.34}, ("cooperation",), {"security": 0.9}, ("security",), ("BLR", "RUS"), (("BLR", "RUS"),), (signal,),
        unsure=("hedging",), thresholds={"cooperation": 0.4, "hedging": 0.36},
    )  # fmt: skip
    reasons = (
        LabelReason("cooperation", 0.91, 0.4, True, False, first, 0.95, ("exercise",), True),
        LabelReason("hedging", 0.34, 0.36, False, True, "It rained\x1b[2J.", 0.2, ("rained",), False),
    )
    return Explanation(text, found, reasons, (Mark(15, 15 + len(first), "cooperation"),))


def shown(found: Explanation, *, colours: bool = False) -> str:
    console = Console(file=io.StringIO(), width=120, force_terminal=colours, color_system="standard" if colours else None)
    show(console, NamedText("1", found.text), found)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_json_keeps_the_contract_and_adds_thresholds_and_what_is_unsure() -> None:
    line = json.loads(as_json(NamedText("1", TEXT), explanation().classified))
    assert list(line)[: len(CONTRACT)] == CONTRACT
    assert line["thresholds"] == {"cooperation": 0.4, "hedging": 0.36}
    assert line["unsure"] == ["hedging"]


def test_the_terminal_says_what_was_decided_by_which_words_and_why_not_the_other_labels() -> None:
    text = shown(explanation())
    assert "BLR -> RUS cooperation 0.91 (security)" in text
    assert "decided: 0.91 reaches 0.40" in text
    assert "not decided: 0.34 is 0.02 short of 0.36; too near to rely on" in text
    assert "words that weighed: exercise" in text
    assert "actors BLR, RUS" in text
    assert "████████|█████████··" in text


def test_a_passage_stands_in_the_colour_of_its_label_and_colours_are_off_when_piped() -> None:
    assert "\x1b[1;36mBelarus and Russia began an exercise.\x1b[0m" in shown(explanation(), colours=True)
    assert "\x1b" not in shown(explanation())


def test_what_a_stranger_wrote_does_not_steer_the_terminal() -> None:
    assert "\x1b[2J" not in shown(explanation(), colours=True)
    assert "\\u001b[2J" in shown(explanation())


def test_a_long_text_is_cut_where_it_is_shown() -> None:
    text = shown(explanation(Text(TEXT.title, TEXT.text + "x" * 3 * SHOWN_CHARS)))
    assert text.count("x") <= SHOWN_CHARS
    assert "…" in text


def test_html_goes_to_a_file_that_is_written_item_by_item(tmp_path: Path) -> None:
    page = tmp_path / "why.html"
    lines = [
        json.dumps({"id": n, "title": f"Minsk and Moscow sign <b>{n}</b>", "text": "Belarus and Russia signed an agreement."})
        for n in (1, 2)
    ]
    done = CliRunner().invoke(classify, ["--json", "--html", str(page), "-"], input="\n".join(lines))
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["1", "2"]
    assert page.read_text(encoding="utf-8").count("<article>") == 2
    assert "sign &lt;b&gt;2&lt;/b&gt;" in page.read_text(encoding="utf-8")


def test_a_page_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the page can't be written"):
        CliRunner().invoke(classify, ["--html", str(tmp_path / "none" / "why.html"), "-"], input="Minsk", catch_exceptions=False)
