"""History labelled again by another model, beside what is shown: made, worked off, compared, switched to, dropped (`docs/replay.md`)."""
