"""Commands about the model: classify, evaluate, train."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from streams.commands.common import say, started
from streams.errors import EXIT_FAILED, ConfigError, RecordError


@click.command()
@click.argument("file", default="-", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="One JSON line an article.")
@click.option("--model", type=click.Path(path_type=Path), help="Directory of a trained model.")
def classify(file: Path, as_json: bool, model: Path | None) -> None:
    """Classifies a text file (first line: title) or JSON lines (`id,title,text[,published,language]`), and says why.

    \b
    bellwether classify article.txt
    cat articles.jsonl | bellwether classify --json
    """
    from rich.console import Console

    from models.predict import Predictor
    from streams.classify import render
    from streams.classify.batches import classify_all
    from streams.classify.texts import read_texts

    settings = started(model=model)
    content, name = _read(file)
    predictor = Predictor.load(settings.model)
    console = Console()
    failed = False
    for found in classify_all(predictor, read_texts(content, name)):
        if isinstance(found, RecordError):
            failed = True
            click.echo(f"error: {found}", err=True)
        elif as_json:
            say(render.as_json(*found))
        else:
            render.show(console, *found)
    sys.exit(EXIT_FAILED if failed else 0)


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
@click.option("--model", type=click.Path(path_type=Path), help="Directory of a trained model.")
def evaluate(file: Path, as_json: bool, model: Path | None) -> None:
    """Measures the model on labelled items (JSON lines with `title,text,labels`): precision, recall, F1, calibration."""
    from models.evaluate import evaluate_file
    from models.predict import Predictor

    settings = started(model=model)
    report = evaluate_file(file, Predictor.load(settings.model))
    say(report.to_json() if as_json else report.to_table())


@click.command()
@click.option("--corpus", type=click.Path(path_type=Path), help="Directory of the corpus.")
@click.option("--out", type=click.Path(path_type=Path), help="Directory to write the model to.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything random.")
def train(corpus: Path | None, out: Path | None, seed: int) -> None:
    """Trains the model from the corpus; the same corpus and seed give the same bytes."""
    from models.artifact import TRAINED
    from models.train import train as run

    started()
    say(run(corpus or TRAINED.with_name("corpus"), out or TRAINED, seed).to_table())
