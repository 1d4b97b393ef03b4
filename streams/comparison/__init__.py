"""Two editions held against each other: labels, counts, trends and breaks, with the articles that make the difference (`docs/replay.md`)."""
