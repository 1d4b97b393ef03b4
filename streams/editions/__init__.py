"""Which editions of the counts there are, and which of them is shown (`docs/replay.md`)."""
