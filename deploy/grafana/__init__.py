"""Grafana beside Bellwether: dashboards written by `build.py` through typed builders, and how they are provisioned."""
