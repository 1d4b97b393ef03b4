"""Grafana beside Bellwether: one dashboard, written by `build.py` through typed builders, and how it is provisioned."""
