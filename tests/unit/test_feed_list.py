"""The list of feeds is read whole or refused with every fault named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.errors import ConfigError
from streams.ingest.feeds import Feed, load_feeds, with_names


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "feeds.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_feed_needs_an_address_and_an_outlet_and_has_defaults_for_the_rest(tmp_path: Path) -> None:
    feeds = load_feeds(write(tmp_path, '[[feed]]\nurl = "https://a.invalid/rss"\noutlet = " Courier "\n'))
    assert feeds.feeds == (Feed("https://a.invalid/rss", "Courier", "", None, True, False, name="courier"),)
    assert feeds.feeds[0].interval_seconds is None


def test_every_option_is_read_and_a_disabled_feed_is_listed_but_not_enabled(tmp_path: Path) -> None:
    text = """
[[feed]]
url = "https://a.invalid/rss"
outlet = "A"
language = "ru"
interval_minutes = 5
allow_private = true
name = "a.1"
group = "Europe"
silent_after_hours = 1.5
honour_retry_after = false
[[feed]]
url = "http://b.invalid/atom"
outlet = "B"
enabled = false
"""
    feeds = load_feeds(write(tmp_path, text))
    assert feeds.feeds[0] == Feed(
        "https://a.invalid/rss", "A", "ru", 5, True, True, name="a.1", group="Europe", silent_after_hours=1.5, honour_retry_after=False,
    )  # fmt: skip
    assert feeds.feeds[0].interval_seconds == 300
    assert [feed.outlet for feed in feeds.enabled] == ["A"]


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    text = """
colour = "red"
[[feed]]
url = "ftp://a.invalid/rss"
outlet = ""
[[feed]]
url = "https://b.invalid/"
outlet = "B"
language = "English"
interval_minutes = 4
enabled = "yes"
allow_private = 1
speed = 9
name = "Not a name"
silent_after_hours = -1
[[feed]]
url = "https://c.invalid/"
outlet = "C"
[[feed]]
url = "https://c.invalid/"
outlet = "C again"
[[feed]]
url = 7
outlet = "D"
interval_minutes = true
"""
    with pytest.raises(ConfigError) as caught:
        load_feeds(write(tmp_path, text))
    message = str(caught.value)
    for fault in (
        "there is no such section: [colour]",
        "feed 1: url: 'ftp://a.invalid/rss' is not an http or https address",
        "feed 1: outlet: '' is not a name",
        "feed 2: language: 'English' is not a code",
        "feed 2: interval_minutes: 4 is not a whole number from 5 to 1440",
        "feed 2: enabled: 'yes' is neither true nor false",
        "feed 2: allow_private: 1 is neither true nor false",
        "feed 2: there is no such field: speed",
        "feed 2: name: 'Not a name' is not small letters",
        "feed 2: silent_after_hours: -1 is not a number from 0",
        "https://c.invalid/ stands there twice",
        "feed 5: url: 7 is not",
        "feed 5: interval_minutes: True is not",
        "what to do: correct the file",
    ):
        assert fault in message


def test_names_are_made_of_outlets_and_depend_on_no_feeds_place_in_the_list() -> None:
    one, two, other = (
        Feed("https://a.invalid/1", "The Courier!"),
        Feed("https://a.invalid/2", "The Courier"),
        Feed("https://b.invalid/", "Вести"),
    )
    names = {feed.url: feed.name for feed in with_names([one, two, other])}
    assert names["https://b.invalid/"] == "feed"
    assert names["https://a.invalid/1"].startswith("the-courier-")
    assert len(set(names.values())) == 3
    assert {feed.url: feed.name for feed in with_names([other, two, one])} == names


def test_a_name_that_is_given_twice_is_refused_and_a_made_one_makes_room(tmp_path: Path) -> None:
    table = '[[feed]]\nurl = "https://{0}.invalid/"\noutlet = "{1}"\n'
    with pytest.raises(ConfigError, match="the name 'x' is given to 2 feeds"):
        load_feeds(write(tmp_path, "".join(table.format(host, "A") + 'name = "x"\n' for host in "ab")))
    feeds = load_feeds(write(tmp_path, table.format("a", "X") + table.format("b", "Y") + 'name = "x"\n'))
    assert len({feed.name for feed in feeds.feeds}) == 2
    assert feeds.feeds[1].name == "x"


@pytest.mark.parametrize("text", ["", "[[feed]]", "feed = 3", "feed = [1]", "not toml", '[feed]\nurl = "https://a.invalid"'])
def test_a_list_without_a_usable_feed_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="feed list is wrong"):
        load_feeds(write(tmp_path, text))


def test_a_file_that_is_missing_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="it can't be read"):
        load_feeds(tmp_path / "gone.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="it is not TOML"):
        load_feeds(tmp_path / "binary.toml")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_file_gives_a_list_or_a_config_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError):
        load_feeds(path)
