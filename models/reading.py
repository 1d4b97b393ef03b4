"""Reads an item for the classifiers: its language, actors, passages, and the masked texts that are scored.

In: a `Text`. Out: a `Reading`. The same reading stands before training and before prediction, so that both see the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from models.actors import Mention, article_pairs, find_actors, mask_actors, mentions_in
from models.cues import load_cues
from models.features import mask_names, words_of
from models.languages import detect_language
from models.passages import Passage, split_passages
from models.results import Text

#: Languages that the model was trained for; a text in another one is not decided on.
SUPPORTED = ("en", "ru", "be")
#: Languages that the encoder reads: what it was made from knows no other.
ENCODED = ("en",)
#: Characters of a sender's language tag that are looked at.
MAX_TAG = 20
#: Characters of a body that are read.
MAX_CHARS = 100_000
#: Passages of one item that are scored (the first ones that name an actor), and windows.
MAX_SCORED = 40
#: Words that a window has at most, unless one sentence has more.
WINDOW_WORDS = 90


@dataclass(frozen=True)
class Reading:
    """An item as the classifiers see it; what is costly is made when it is first asked for.

    Attributes:
        title: the headline.
        body: the text, cut to `MAX_CHARS`.
        mentions: places where states and blocs are named, offsets in `title + "\\n" + body`.
        known_language: what the sender said, or None.
    """

    title: str
    body: str
    mentions: Sequence[Mention]
    known_language: str | None

    @cached_property
    def actors(self) -> tuple[str, ...]:
        """Codes of the states and blocs named, each once, by first mention."""
        return tuple(dict.fromkeys(mention.code for mention in self.mentions))

    @cached_property
    def language(self) -> str:
        """ISO 639-1 code, or "und"; a sender's "en-GB" is "en"."""
        return (self.known_language or "")[:MAX_TAG].split("-")[0].strip().lower() or detect_language(
            f"{self.title}\n{self.body}"
        )

    @cached_property
    def passages(self) -> list[Passage]:
        """The title and the sentences."""
        return split_passages(self.title, self.body)

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Unordered pairs that are named together, the most telling first."""
        return article_pairs(self.passages, self.mentions)

    @cached_property
    def scored_passages(self) -> list[Passage]:
        """The passages that a signal may stand in: those that name an actor, at most `MAX_SCORED`."""
        naming = [p for p in self.passages if any(p.start <= m.start and m.end <= p.end for m in self.mentions)]
        return naming[:MAX_SCORED]

    @cached_property
    def told(self) -> range:
        """The passages that labels are read from, by index into `passages`: all, or those of the body where the title tells nothing.

        Feeds and archives put a topic, a section or a page's name where a headline should be ("X-Y relations", "Events of 8 March"). Such
        a title holds no cue of an act; what it does to the scores is chance. It stays where the body alone does not name two states.
        """
        first = next((k for k, passage in enumerate(self.passages) if passage.kind == "body"), 0)
        named = {mention.code for mention in self.mentions if mention.start > len(self.title)}
        silent = first > 0 and len(named) > 1 and not load_cues().find(words_of(self.title))
        return range(first if silent else 0, len(self.passages))

    @cached_property
    def windows(self) -> list[range]:
        """Runs of passages about as long as the items that the model was trained on, by index into `passages`.

        A short item is one window. Of a longer one, every run that can't be extended without passing `WINDOW_WORDS` is a window, so that a
        signal in one paragraph of a report counts as much as in a short item; the title goes with the first only, if it tells something.
        """
        lengths = [len(passage.text.split()) for passage in self.passages]
        if sum(lengths[self.told.start :]) <= WINDOW_WORDS:
            return [self.told]
        found: list[range] = []
        for start in self.told:
            end, words = start + 1, lengths[start]
            while end < len(lengths) and words + lengths[end] <= WINDOW_WORDS:
                words += lengths[end]
                end += 1
            if not found or end > found[-1].stop:
                found.append(range(start, end))
        return found[:MAX_SCORED]

    def masked_window(self, window: range) -> str:
        """A run of passages with its actors masked."""
        if window == self.told:
            return self.masked
        return "\n".join(self.masked_passage(self.passages[k]) for k in window)

    def plain_window(self, window: range) -> str:
        """A run of passages as it stands in the text, with its actors masked and other names kept."""
        text = f"{self.title}\n{self.body}"
        if len(window) == len(self.passages):
            return mask_actors(text, self.mentions)
        start, end = self.passages[window[0]].start, self.passages[window[-1]].end
        span = Passage(text[start:end], start, end, "body")
        return mask_actors(span.text, mentions_in(span, self.mentions))

    @cached_property
    def masked(self) -> str:
        """All that labels are read from, with its actors masked."""
        return mask_names(self.plain_window(self.told))

    @property
    def blank(self) -> bool:
        """Whether there is nothing to read."""
        return not (self.title.strip() or self.body.strip())

    def masked_passage(self, passage: Passage) -> str:
        """One passage with its actors masked."""
        return mask_names(mask_actors(passage.text, mentions_in(passage, self.mentions)))


def read(text: Text) -> Reading:
    """What `text` says on the face of it. Reads at most `MAX_CHARS` characters of title and body each."""
    title, body = text.title[:MAX_CHARS], text.text[:MAX_CHARS]
    return Reading(title, body, find_actors(f"{title}\n{body}", text.published), text.language)
