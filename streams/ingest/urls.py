"""Addresses of articles: which may be shown, and which two are the same page. Pure."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit, urlunsplit

MAX_URL_CHARS = 2_048
_TRACKING = re.compile(
    r"^(?:utm_\w+|mc_[ce]id|mtm_\w+|pk_\w+|at_\w+|fbclid|gclid|gclsrc|dclid|msclkid|yclid|twclid|igshid|ocid|cmpid|ito|ns_\w+|_hsenc|_hsmi"
    r"|ftag|smid|smtyp|wt_mc|xtor|spm|guccounter|ref_src)$",
    re.IGNORECASE,
)
_UNSAFE = re.compile(r"[\x00-\x20\x7f<>\"\\^`{|}\u0080-\U0010ffff]")
_DEFAULT_PORTS = {"http": 80, "https": 443}


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


def canonical_url(url: str) -> str:
    """One spelling for addresses of the same page: no scheme, default port, `www.`, tracking parameters, fragment or last slash.

    It names a page and is not meant for fetching. Text that is no web address comes back as it is.

    >>> canonical_url("http://www.Example.org:80/a/?b=1&utm_source=x#top")
    'example.org/a?b=1'
    """
    address = web_address(url)
    if not address:
        return url.strip()
    parts = urlsplit(address)
    host = (parts.hostname or "").rstrip(".").removeprefix("www.")
    port = parts.port
    if port is not None and port != _DEFAULT_PORTS[parts.scheme.lower()]:
        host = f"{host}:{port}"
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.match(name)]
    return urlunsplit(("", "", host + parts.path.rstrip("/"), urlencode(sorted(kept)), ""))


def host_of(url: str) -> str:
    """The host that a web address names, lower case, without `www.`; "" if it is none."""
    address = web_address(url)
    return (urlsplit(address).hostname or "").removeprefix("www.") if address else ""
