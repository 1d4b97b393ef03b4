"""Addresses of articles: which may be shown, and which two are the same page. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit, urlunsplit

MAX_URL_CHARS = 2_048
_TRACKING = re.compile(
    r"^(?:utm_\w+|mc_[ce]id|mtm_\w+|pk_\w+|at_\w+|fbclid|gclid|gclsrc|dclid|msclkid|yclid|twclid|igshid|ocid|cmpid|ito|ns_\w+|_hsenc|_hsmi"
    r"|ftag|smid|smtyp|wt_mc|xtor|spm|guccounter|ref_src|cmp|mkt_tok|ncid|wprov|__twitter_impression)$",
    re.IGNORECASE,
)
_UNSAFE = re.compile(r"[\x00-\x20\x7f<>\"\\^`{|}\u0080-\U0010ffff]")
_DEFAULT_PORTS = {"http": 80, "https": 443}
#: Copies of pages that AMP caches hold: `cdn.ampproject.org/c/s/example.org/a`, `google.com/amp/s/example.org/a`.
_AMP_CACHE = re.compile(r"^(?:/[cvi]|/amp)/(?:(s)/)?([^/]+\..+)$")
_AMP_PARAMETER = re.compile(r"^(?:amp|amp_.*|outputtype)$", re.IGNORECASE)
_AMP_ENDING = re.compile(r"(?<=[^/])(?:/amp(?:\.html?)?|\.amp)+(?=(?:\.html?)?$)", re.IGNORECASE)
_AMP_START = re.compile(r"^(?:/amp)+(?=/[^/])", re.IGNORECASE)
_PREFIXES = re.compile(r"^(?:(?:www|amp)\.)+(?=[^.]+\.)")


def web_address(raw: str) -> str:
    """The http or https address in `raw` in plain ASCII, or "" if there is none: nothing else may become a link.

    >>> web_address(" https://example.org/a b ")
    'https://example.org/a%20b'
    >>> web_address("javascript:alert(1)")
    ''
    """
    text = raw.strip()
    if not text or len(text) > MAX_URL_CHARS:
        return ""
    try:
        parts = urlsplit(text)
        netloc = parts.netloc if parts.netloc.isascii() else _ascii_netloc(parts)
        _ = parts.port
    except (ValueError, UnicodeError):
        return ""
    text = urlunsplit(parts._replace(netloc=netloc))
    text = _UNSAFE.sub(lambda found: quote(found[0].encode("utf-8", "replace")), text)
    if parts.scheme not in _DEFAULT_PORTS or not (parts.hostname or "").strip(".") or len(text) > MAX_URL_CHARS:
        return ""
    return text


def _ascii_netloc(parts: SplitResult) -> str:
    # A host in other letters, such as those of .рф, is looked up under its IDNA name.
    host = (parts.hostname or "").encode("idna").decode()
    user, at, _ = parts.netloc.rpartition("@")
    return user + at + host + (f":{parts.port}" if parts.port is not None else "")


def shown_address(raw: str) -> str:
    """The web address in `raw` as a link to keep: without tracking parameters and fragment, which some feeds make anew for each reader.

    What stands before an `@` goes, too: it is a password, or a name that the link does not lead to.

    >>> shown_address("https://www.example.org/a?utm_source=rss&b=1#top")
    'https://www.example.org/a?b=1'
    >>> shown_address("https://good.example@example.org/a")
    'https://example.org/a'
    """
    address = web_address(raw)
    if "@" in address:
        parts = urlsplit(address)
        address = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    if "?" not in address and "#" not in address:
        return address
    parts = urlsplit(address)
    # By text, not by meaning: what is kept must stay as the site wrote it.
    kept = [pair for pair in parts.query.split("&") if not _TRACKING.match(pair.partition("=")[0])]
    fragment = parts.fragment if parts.fragment.startswith("!") else ""
    return urlunsplit(parts._replace(query="&".join(kept), fragment=fragment))


@lru_cache(maxsize=2_048)
def canonical_url(url: str) -> str:
    """One spelling for addresses of the same page: no scheme, default port, `www.`, tracking parameters, fragment, last slash or AMP.

    It names a page and is not meant for fetching. Text that is no web address comes back as it is.

    >>> canonical_url("http://www.Example.org:80/a/?b=1&utm_source=x#top")
    'example.org/a?b=1'
    >>> canonical_url("https://www.google.com/amp/s/amp.example.org/a/amp")
    'example.org/a'
    """
    address = _without_amp_cache(web_address(url))
    if not address:
        return url.strip()
    parts = urlsplit(address)
    host = _PREFIXES.sub("", (parts.hostname or "").rstrip("."))
    port = parts.port
    if port is not None and port != _DEFAULT_PORTS[parts.scheme.lower()]:
        host = f"{host}:{port}"
    query = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in query if not _TRACKING.match(name) and not _AMP_PARAMETER.match(name)]
    path = _AMP_START.sub("", _AMP_ENDING.sub("", parts.path.rstrip("/")))
    return urlunsplit(("", "", host + path, urlencode(sorted(kept)), ""))


def _without_amp_cache(address: str) -> str:
    # The page that a cache has a copy of; another address as it is.
    if "/amp/" not in address and "ampproject.org" not in address:
        return address
    parts = urlsplit(address)
    host = parts.hostname or ""
    if not host.endswith(".cdn.ampproject.org") and host != "cdn.ampproject.org" and not host.startswith("www.google."):
        return address
    found = _AMP_CACHE.match(parts.path)
    if found is None:
        return address
    query = f"?{parts.query}" if parts.query else ""
    return web_address(f"http{found[1] or ''}://{found[2]}{query}") or address


def host_of(url: str) -> str:
    """The host that a web address names, lower case, without `www.`; "" if it is none."""
    address = web_address(url)
    return (urlsplit(address).hostname or "").removeprefix("www.") if address else ""
