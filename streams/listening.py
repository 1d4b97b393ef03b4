"""Ports: the address at which a server listens, and what to say when it can't."""

from __future__ import annotations

import errno
import ipaddress

import psutil

from streams.errors import ConfigError


def web_root(socket_name: tuple[object, ...]) -> str:
    """The address of a server whose socket is bound to that name.

    >>> web_root(("::1", 8600, 0, 0)), web_root(("127.0.0.1", 8600))
    ('http://[::1]:8600', 'http://127.0.0.1:8600')
    """
    host, port = str(socket_name[0]), socket_name[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def cannot_listen(who: str, host: str, port: int, error: OSError, settings: str) -> ConfigError:
    """The error for a port that can't be had: what listens there, or why the address can't be used.

    Args:
        who: `the board`.
        settings: how the names of its two settings begin: `BELLWETHER_BOARD`.
    """
    if error.errno == errno.EADDRINUSE:
        return ConfigError(
            f"{who} can't listen: {what_listens(port)} listens there already", where=f"{host}:{port}", expected="a free port",
            todo=f"end that process, or set {settings}_PORT to another port (0 takes a free one)",
        )  # fmt: skip
    return ConfigError(
        f"{who} can't listen: {error.strerror or error}", where=f"{host}:{port}", expected="an address of this machine",
        todo=f"set {settings}_HOST and {settings}_PORT to an address that this user may use",
    )  # fmt: skip


def what_listens(port: int) -> str:
    """The process that listens on a TCP port, as `name (process 123)`; `another process` where the system doesn't say."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except (psutil.Error, OSError):
        pass
    return "another process"
