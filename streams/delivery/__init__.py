"""Scheduled delivery: the bulletin of each closed week to folders, mailboxes, webhooks and a news feed; once each, as far as they allow.

`config.py` delivery.toml -> targets · `due.py` which weeks are due · `issue.py` a bulletin as it is sent, and the key it is known by ·
`files.py`, `mail.py`, `webhook.py`, `news.py` one kind of target each · `ledger.py` what was taken · `rounds.py` one round over all
targets · `run.py` rounds until SIGTERM.
"""
