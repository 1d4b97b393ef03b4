"""What Python's collector of garbage need not look at: the history, once it has been read."""

from __future__ import annotations

import gc


def settle() -> None:
    """Collects garbage once, and leaves what is there now out of all later collections.

    The history is some hundred thousand objects that stay, none of them in a cycle. A full collection looks at each again: measured at
    1,000 pairs, 85 ms of one thread, in every dozenth answer with a pair's page. What is replaced later is freed all the same, by its
    count of references.
    """
    gc.collect()
    gc.freeze()
