"""States and blocs in a text: who is named, which pairs the item is about, who signals towards whom, and how names are masked.

mentions = find_actors(title + "\\n" + text, published)
passages = split_passages(title, text)
article_pairs(passages, mentions)
direction(passages[1], mentions, "cooperation")
mask_actors(passages[1].text, mentions_in(passages[1], mentions), {"BLR": "source"})
"""

from models.actors.direction import direction
from models.actors.lexicon import known_codes
from models.actors.mask import mask_actors
from models.actors.match import Mention, find_actors, mentions_in
from models.actors.pairs import MAX_PAIRS, article_pairs

__all__ = ["MAX_PAIRS", "Mention", "article_pairs", "direction", "find_actors", "known_codes", "mask_actors", "mentions_in"]
