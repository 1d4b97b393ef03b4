"""A door with tokens in a file, for tests of who may read the board."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from streams.board.attempts import Attempts
from streams.board.door import Door
from streams.board.sessions import Sessions
from streams.push.tokens import TokenCheck, TokenFile


def a_door(tokens: TokenFile, readers: Literal["auto", "tokens", "anyone"] = "auto", *, wrong_tokens: int = 10) -> Door:
    """A door over the file, that bears so many wrong tokens of an address."""
    return Door(TokenCheck(tokens), Sessions(b"k" * 32), readers, Attempts(wrong_tokens, 1))


def token_file(folder: Path) -> TokenFile:
    """A file of tokens that is not there yet."""
    return TokenFile(folder / "tokens.json")
