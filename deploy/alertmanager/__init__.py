"""Alertmanager beside Bellwether: its routes, the forms of its messages, and `receivers.py`, which adds where they go."""
