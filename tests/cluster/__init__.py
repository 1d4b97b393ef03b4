"""Bellwether on a cluster of three real brokers: TLS, accounts, rights, brokers and workers that go away."""
