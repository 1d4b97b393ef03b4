"""Prometheus beside Bellwether: what it scrapes, and the alert rules, which are written by `alerts.py`."""
