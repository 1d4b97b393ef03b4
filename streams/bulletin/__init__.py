"""The weekly bulletin: what stands on `trends` and `breaks` in, a report for a reader out. Deterministic; it asks no clock.

`figures.py` the numbers as frozen data · `past.py` how a pair stood after a week · `outlook.py` what would change that ·
`build.py` records -> figures · `wording.py` and `words/` the languages · `compose.py` figures -> blocks of text · `render.py` blocks ->
Markdown, HTML, JSON.
"""
