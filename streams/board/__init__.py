"""BOARD: replays the compacted topics `trends` and `progress` and shows what stands there to people and to Prometheus.

What comes in: the records of the two topics, from the beginning, for ever. What goes out: web pages, a JSON API, server-sent
events, `/metrics`, `/healthz` and `/readyz`. What it does not do: count, or keep anything on disk but the index of
articles (`article/index.py`), which it can read again.
"""
