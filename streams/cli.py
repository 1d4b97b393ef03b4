"""The command line: puts the commands together and turns errors into messages and exit codes.

Exit codes: 0 done, 1 failed, 2 wrong usage or settings. Errors go to stderr: what, where, what was expected, what to do.
With `--json`, nothing but JSON goes to stdout. Heavy imports happen inside the commands, so that `--help` is quick.
"""

from __future__ import annotations

import sys

import click

from streams.commands import (
    audit,
    backtest,
    backup,
    bulletin,
    completion,
    correct,
    deliver,
    doctor,
    editions,
    export,
    feeds,
    kafka,
    model,
    news,
    push,
    replay,
    report,
    review,
    run,
    tokens,
)
from streams.errors import EXIT_FAILED, BellwetherError
from streams.printable import printable

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


@click.group(context_settings=CONTEXT)
@click.version_option(package_name="bellwether", prog_name="bellwether")
def cli() -> None:
    """Measures from the news how states lean: cooperation, symbolic allegiance, hedging.

    \b
    bellwether up --demo                     everything, with the sample archive
    bellwether ingest archive news.jsonl     your own archive
    bellwether classify article.txt          why an article is labelled as it is
    bellwether doctor                        what is wrong, and what mends it
    """


for command in (
    run.up,
    run.worker,
    run.board,
    kafka.kafka,
    kafka.topics,
    news.ingest,
    feeds.feeds,
    tokens.tokens,
    audit.audit,
    model.classify,
    model.evaluate,
    model.train,
    correct.correct,
    correct.corrections,
    correct.forget,
    review.review,
    report.trends,
    report.breaks,
    replay.replay,
    editions.compare,
    editions.editions,
    editions.switch,
    backtest.backtest,
    bulletin.bulletin,
    deliver.deliver,
    export.export,
    backup.backup,
    backup.restore,
    doctor.doctor,
    report.config,
    completion.completion,
    report.docs,
):
    cli.add_command(command)
news.ingest.add_command(push.ingest_push)


def main() -> None:
    """Runs the command line and turns errors into messages and exit codes."""
    from models.errors import ModelError

    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(EXIT_FAILED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BellwetherError as error:
        click.echo(printable(f"error: {error}"), err=True)
        sys.exit(error.exit_code)
    except ModelError as error:
        click.echo(printable(f"error: {error}"), err=True)
        sys.exit(EXIT_FAILED)
    except BrokenPipeError:
        # The reader has gone (a pager, head): nobody is left to tell.
        sys.stderr.close()
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        sys.exit(EXIT_FAILED)


if __name__ == "__main__":
    main()
