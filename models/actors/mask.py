"""Takes the names out of a text, so that a model learns what is done and not who did it.

In: a text and its mentions. Out: the text with each mention replaced by a made-up word of letters only (it survives any word
tokenizer), which says the actor's role and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.actors.match import Mention

#: Words for actors without a role, by order of first mention; more distinct actors than words share the last one.
STATE_WORDS = ("actorxa", "actorxb", "actorxc", "actorxd")
BLOC_WORD = "blocx"
#: Words for actors with a role.
ROLE_WORDS = {"source": "sourcex", "partner": "partnerx", "rival": "rivalx"}


def mask_actors(passage_text: str, mentions: Sequence[Mention], roles: Mapping[str, str] | None = None) -> str:
    """`passage_text` with every mention replaced by a word for its role.

    Args:
        passage_text: the text.
        mentions: its mentions, offsets counted from the text's start (see `mentions_in`), in order.
        roles: code -> "source", "partner" or "rival"; actors that are not in it become "actorxa", "actorxb", ... by order of
            first mention, blocs "blocx".
    """
    words: dict[str, str] = {}
    pieces: list[str] = []
    at = 0
    for mention in mentions:
        if mention.start < at:
            continue
        pieces += (passage_text[at : mention.start], _word(mention, roles or {}, words))
        at = mention.end
    return "".join([*pieces, passage_text[at:]])


def _word(mention: Mention, roles: Mapping[str, str], words: dict[str, str]) -> str:
    """The word for one mention; `words` remembers those given to actors without a role."""
    role = roles.get(mention.code)
    if role is not None:
        return ROLE_WORDS[role]
    if mention.kind == "bloc":
        return BLOC_WORD
    return words.setdefault(mention.code, STATE_WORDS[min(len(words), len(STATE_WORDS) - 1)])
