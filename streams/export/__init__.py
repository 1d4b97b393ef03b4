"""Tables of what stands on the stream, for other tools: CSV, JSON lines, Parquet."""
