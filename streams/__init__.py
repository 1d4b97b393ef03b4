"""Bellwether's stream: articles in, signals per pair of states, weekly trends, a board and metrics out.

Read `streams/topology.py` first: it is the map of what runs. Data goes down the page, and each arrow is a Kafka topic.
"""
