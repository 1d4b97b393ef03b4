"""Commands about the model: classify, evaluate, train."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.commands.common import say, started, write_out
from streams.commands.progress import busy, counting
from streams.commands.retrain import train_with_corrections
from streams.errors import EXIT_FAILED, ConfigError, RecordError, unwritable
from streams.printable import printable

if TYPE_CHECKING:
    from models.explanation import Explanation


@click.command()
@click.argument("file", default="-", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="One JSON line an article.")
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), help="Also write a page with the passages coloured by label."
)
@click.option("--model", type=click.Path(path_type=Path), help="Directory of a trained model.")
def classify(file: Path, as_json: bool, html: Path | None, model: Path | None) -> None:
    """Classifies a text file (first line: title) or JSON lines (`id,title,text[,published,language]`), and says why.

    \b
    bellwether classify article.txt
    bellwether classify --html why.html articles.jsonl
    cat articles.jsonl | bellwether classify --json
    """
    from rich.console import Console

    from models.predict import Predictor
    from streams.classify import render
    from streams.classify.batches import classify_all
    from streams.classify.texts import read_texts

    settings = started(model=model)
    content, name = _read(file)
    predictor = Predictor.load(settings.model, encoder=settings.encoder)
    console = Console()
    failed = False
    with _page(html, name) as write, counting("articles", beside_output=True) as counted:
        for found in counted(classify_all(predictor, read_texts(content, name))):
            if isinstance(found, RecordError):
                failed = True
                click.echo(printable(f"error: {found}"), err=True)
                continue
            item, result = found
            explanation = predictor.explain(item.text) if html is not None or not as_json else None
            if as_json:
                say(render.as_json(item, result))
            elif explanation is not None:
                render.show(console, item, explanation)
            if explanation is not None:
                write(explanation)
    sys.exit(EXIT_FAILED if failed else 0)


@contextmanager
def _page(path: Path | None, title: str) -> Iterator[Callable[[Explanation], None]]:
    """Writes a page of explanations as they come; nothing without a path.

    Raises:
        ConfigError: if the file can't be written.
    """
    from models.explanation_page import page_end, page_item, page_start

    if path is None:
        yield lambda _: None
        return
    try:
        with path.open("w", encoding="utf-8") as file:
            file.write(page_start(title))

            def write(found: Explanation) -> None:
                file.write(page_item(found))

            yield write
            file.write(page_end())
    except OSError as error:
        raise unwritable("the page", path, error, "--html") from error


def _read(file: Path) -> tuple[bytes, str]:
    if str(file) == "-":
        return sys.stdin.buffer.read(), "-"
    try:
        return file.read_bytes(), file.name
    except OSError as error:
        raise ConfigError(
            f"the file can't be read: {error.strerror}", where=str(file), expected="a readable file", todo="check the name"
        ) from error


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), help="Also write a page with reliability diagrams and errors."
)
@click.option("--model", type=click.Path(path_type=Path), help="Directory of a trained model.")
def evaluate(file: Path, as_json: bool, html: Path | None, model: Path | None) -> None:
    """Measures the model on labelled items (JSON lines with `title,text,labels`): precision, recall, F1, calibration.

    \b
    bellwether evaluate items.jsonl
    bellwether evaluate --html errors.html items.jsonl
    """
    from models.evaluate import evaluate_file
    from models.predict import Predictor
    from models.report_page import to_page

    settings = started(model=model)
    with busy("items measured"):
        report = evaluate_file(file, Predictor.load(settings.model, encoder=settings.encoder))
    if html is not None:
        write_out("the page", html, to_page(report).encode(), "--html")
    say(report.to_json() if as_json else report.to_table())


@click.command()
@click.option("--corpus", type=click.Path(path_type=Path), help="Directory of the corpus.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Directory to write the model to; with corrections, to make its folder in."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything random.")
@click.option("--with-corrections", is_flag=True, help="Learn from corrected articles too; kept only where no label got worse.")
@click.option(
    "--against", multiple=True, type=click.Path(path_type=Path), help="With corrections: measure on this labelled file too."
)
@click.option(
    "--bearable", type=click.FloatRange(0, 1), default=0.0, show_default=True, help="With corrections: F1 that a label may lose."
)
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def train(
    corpus: Path | None, out: Path | None, seed: int, with_corrections: bool, against: tuple[Path, ...], bearable: float, as_json: bool
) -> None:  # fmt: skip
    """Trains the model from the corpus; the same corpus and seed give the same bytes.

    \b
    bellwether train --out my-model
    BELLWETHER_MODEL=my-model bellwether up
    bellwether train --with-corrections --against labelled.jsonl
    """
    if with_corrections:
        train_with_corrections(corpus, out, against, bearable, seed, as_json=as_json)
        return
    if against or bearable:
        raise click.UsageError("--against and --bearable go with --with-corrections")
    from models.artifact import TRAINED
    from models.train import train as run

    started()
    with busy("the model is trained"):
        report = run(corpus or TRAINED.with_name("corpus"), out or TRAINED, seed)
    say(json.dumps(dataclasses.asdict(report), default=str) if as_json else report.to_table())
