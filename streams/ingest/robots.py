"""robots.txt as RFC 9309 has it: which pages of a host may be read. Pure, and linear in the size of what strangers wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

PRODUCT = "bellwether"
#: What is read of a file, the least that the RFC asks for, and most rules of it.
MAX_CHARS, MAX_RULES = 512 * 1024, 5_000
_LINE = re.compile(r"^\s*([A-Za-z-]+)\s*:\s*([^#]*)")


@dataclass(frozen=True, slots=True)
class Rule:
    """One `Allow` or `Disallow`: a pattern of paths in which `*` stands for anything and `$` at its end for the end."""

    pattern: str
    allows: bool

    def matches(self, path: str) -> bool:
        """Whether the pattern fits from the start of the path on."""
        pattern, is_whole = (self.pattern[:-1], True) if self.pattern.endswith("$") else (self.pattern, False)
        first, *others = pattern.split("*")
        if not path.startswith(first):
            return False
        if not others:
            return not is_whole or path == first
        position = len(first)
        for piece in others[:-1] if is_whole else others:
            found = path.find(piece, position)
            if found < 0:
                return False
            position = found + len(piece)
        return not is_whole or (path.endswith(others[-1]) and len(path) - len(others[-1]) >= position)


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules that apply to this program."""

    rules: tuple[Rule, ...] = ()

    def allows(self, url: str) -> bool:
        """Whether a page may be read: the longest pattern that fits decides, `Allow` where two are as long.

        >>> read_robots("User-agent: *\\nDisallow: /private\\nAllow: /private/press$").allows("https://example.org/private/press")
        True
        """
        parts = urlsplit(url)
        path = _encoded(parts.path or "/") + (f"?{_encoded(parts.query)}" if parts.query else "")
        fitting = [rule for rule in self.rules if rule.matches(path)]
        return max(fitting, key=lambda rule: (len(rule.pattern), rule.allows)).allows if fitting else True


EVERYTHING, NOTHING = Robots(), Robots((Rule("/", allows=False),))


def read_robots(text: str) -> Robots:
    """The rules of a robots.txt: those of the groups for `bellwether`, or else of the groups for all."""
    rules: dict[str, list[Rule]] = {}
    agents: set[str] = set()
    is_in_rules = False
    for field, value in _lines(text):
        if field == "user-agent":
            agents = set() if is_in_rules else agents
            is_in_rules = False
            agent = value.partition("/")[0].strip().lower()
            if agent in (PRODUCT, "*"):
                agents.add(agent)
                rules.setdefault(agent, [])
        elif field in ("allow", "disallow"):
            is_in_rules = True
            for agent in agents:
                if value and len(rules[agent]) < MAX_RULES:
                    rules[agent].append(Rule(_encoded(value), field == "allow"))
    return Robots(tuple(rules.get(PRODUCT, rules.get("*", []))))


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text[:MAX_CHARS].removeprefix("\ufeff").splitlines():
        found = _LINE.match(line)
        if found:
            yield found[1].lower(), found[2].strip()


def _encoded(path: str) -> str:
    """One spelling for a path, whatever of it was written in per cent."""
    return quote(unquote(path, errors="surrogateescape").encode("utf-8", "surrogateescape"), safe="/*$?&=:@!',;()+~-._%")
