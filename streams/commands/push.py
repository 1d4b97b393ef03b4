"""`bellwether ingest push`: articles over HTTP."""

from __future__ import annotations

import click

from streams.commands.common import connected, say, started


@click.command("push")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port to listen on; 0 takes a free one.")
def ingest_push(port: int | None) -> None:
    """Takes articles over HTTP: POST /v1/articles, with a token of `bellwether tokens add`.

    \b
    curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
         -d '{"title": "...", "text": "..."}' http://127.0.0.1:8603/v1/articles
    """
    from prometheus_client import CollectorRegistry

    from streams import topology
    from streams.ingest.publish import ArticlePublisher, IngestTopics
    from streams.metrics import IngestMetrics, PushMetrics, add_process_info, serve_metrics
    from streams.push.app import run_push

    settings = connected(started(push_port=port))
    registry = CollectorRegistry()
    add_process_info(registry, process="push")
    metrics = PushMetrics(registry)
    serve_metrics(registry, settings.metrics_host, settings.push_metrics_port, "BELLWETHER_PUSH_METRICS_PORT")
    topics = IngestTopics(topology.ARTICLES.name, topology.DEAD_LETTERS.name)
    with ArticlePublisher(settings, IngestMetrics(registry), "push", topics) as publisher:
        run_push(settings, publisher, metrics, on_listening=lambda address: say(f"Push listens at {address}/v1/articles"))
