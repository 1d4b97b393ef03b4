"""robots.txt: which pages may be read."""

from __future__ import annotations

import time

import pytest

from streams.ingest.robots import read_robots

PAGE = "https://courier.invalid"


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ("", "/a", True),
        ("User-agent: *\nDisallow: /", "/a", False),
        ("User-agent: *\nDisallow:", "/a", True),
        ("user-agent: other\ndisallow: /", "/a", True),
        ("User-agent: *\nDisallow: /\n\nUser-agent: Bellwether\nDisallow: /private", "/a", True),
        ("User-agent: other\nUser-agent: BELLWETHER/1.0\nDisallow: /a", "/a", False),
        ("User-agent: bellwether\nDisallow: /a\nUser-agent: x\nDisallow: /\nUser-agent: bellwether\nDisallow: /b", "/b", False),
        ("User-agent: *\nDisallow: /a\nAllow: /a/press", "/a/press/1", True),
        ("User-agent: *\nAllow: /a\nDisallow: /a", "/a", True),
        ("User-agent: *\nDisallow: /*.pdf$", "/a/b.pdf", False),
        ("User-agent: *\nDisallow: /*.pdf$", "/a/b.pdf?x", True),
        ("User-agent: *\nDisallow: /a*b$", "/ab-ab", False),
        ("User-agent: *\nDisallow: /a$", "/ab", True),
        ("User-agent: *\nDisallow: /*?sort=", "/a?sort=up", False),
        ("User-agent: *\nDisallow: /%D0%BD%D0%BE", "/новости", False),
        ("User-agent: *\nDisallow: /a # comment\n", "/a", False),
        ("\ufeffUser-agent: *\r\nDisallow: /a\r\n", "/a", False),
        ("Disallow: /", "/a", True),
        ("<html>not found</html>", "/a", True),
    ],
)
def test_the_longest_rule_of_the_groups_that_are_meant_decides(text: str, path: str, *, allowed: bool) -> None:
    assert read_robots(text).allows(PAGE + path) is allowed


@pytest.mark.parametrize(
    "text",
    [
        "User-agent: *\nDisallow: /" + "*a" * 200_000,
        "User-agent: *\n" + "Disallow: /a*b*c\n" * 40_000,
        "Disallow" * 100_000,
        ":\n" * 500_000,
    ],
)
def test_a_hostile_file_costs_little(text: str) -> None:
    started = time.process_time()
    read_robots(text).allows(PAGE + "/" + "a" * 2_000)
    assert time.process_time() - started < 2.0


def test_a_file_of_ten_thousand_agents_and_rules_is_read_in_a_moment() -> None:
    agents = "".join(f"User-agent: a{number}\n" for number in range(15_000))
    started = time.monotonic()
    rules = read_robots(agents + "Disallow: /*a*b*c\n" * 14_000)
    assert rules.allows("https://example.org/" + "a" * 2_000)
    hostile = read_robots("User-agent: *\n" + "Disallow: /*a*a*a*a*a*b\n" * 5_000)
    assert hostile.allows("https://example.org/" + "a" * 2_000)
    assert time.monotonic() - started < 3
