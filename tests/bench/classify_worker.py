"""A real worker process with the classify stage alone: what is held against the loops that classify and no more."""

from __future__ import annotations

from functools import partial

from models.predict import Predictor
from streams import topology, worker
from streams.classify.model import load_predictor
from streams.log import configure_logging
from streams.settings import Settings, load_settings
from streams.stage import Stage
from streams.watchlist import Watchlist, load_watchlist


def main() -> None:
    """`bellwether worker`, with one stage left out of the map."""
    settings = load_settings()
    configure_logging(settings.log_level, as_json=settings.log_json)
    build_all = worker.build_stages

    def build_classify(
        settings: Settings, watchlist: Watchlist, predictor: Predictor, recovery: worker.Recovery, *, since: str = ""
    ) -> dict[str, Stage]:
        return {"classify": build_all(settings, watchlist, predictor, recovery, since=since)["classify"]}

    worker.build_stages = build_classify
    topology.STAGES = (topology.CLASSIFY_STAGE,)
    worker.run_worker(settings, load_watchlist(settings.watchlist), partial(load_predictor, settings))


if __name__ == "__main__":
    main()
