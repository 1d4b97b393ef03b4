"""What every kind of target is to the rounds: something that is opened, takes bulletins, and is closed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from streams.delivery.issue import Issue

#: Hands over a bulletin to a recipient under a key; returns when the target has acknowledged, and raises `NotTakenError` (or a
#: `ConfigError`: a secret or the typesetter is missing) where it has not. It blocks, within bounds in time.
Send = Callable[[Issue, str, str], None]
#: Opens a target; the same errors may be raised on entering.
Opened = AbstractContextManager[Send]
