"""What a cluster's members prove themselves by: an authority, a certificate for each broker and for `admin`, a password for each account.

`python -m deploy.cluster.credentials DIR` writes them, through the `openssl` program, into a directory that its owner alone may enter.
In it they can be read by all but the authority's key: a container that one of them is mounted into runs as a user of its own. What is
there already is kept: delete a file to have it made anew.

Not for a cluster under Kubernetes: Strimzi makes its own.
"""

from __future__ import annotations

import contextlib
import secrets
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from deploy.cluster.access import ACCOUNTS
from streams.errors import ConfigError

DAYS = 825
_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def make_credentials(directory: Path, brokers: Sequence[str], extra_hosts: Sequence[str] = ("localhost", "127.0.0.1")) -> None:
    """Writes what is missing in the directory.

    Args:
        brokers: names of the brokers: the common name of each certificate, and a host name that it is good for.
        extra_hosts: host names and IPv4 addresses that every broker's certificate is good for besides.

    Raises:
        ConfigError: if `openssl` is not there or refuses, or the directory can't be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o700)
        _make_authority(directory)
        for broker in brokers:
            _make_certificate(directory, broker, [broker, *extra_hosts])
        _make_certificate(directory, "admin", [])
        for account in ACCOUNTS:
            _write_new(directory / f"{account}.password", secrets.token_urlsafe(32) + "\n")
    except OSError as error:
        raise ConfigError(
            f"the credentials can't be written: {error.strerror}", where=str(error.filename or directory),
            expected="a directory that can be written, and the program `openssl`", todo="make room or rights, or install openssl",
        ) from error  # fmt: skip


def _make_authority(directory: Path) -> None:
    if not (directory / "ca.pem").exists():
        subject = ["-subj", "/CN=bellwether-authority", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
        names = ["-keyout", "authority-key.pem", "-out", "ca.pem"]
        _openssl(directory, ["req", "-x509", *_CURVE, *subject, "-days", str(DAYS), *names])
        (directory / "ca.pem").chmod(0o444)


def _make_certificate(directory: Path, name: str, hosts: Sequence[str]) -> None:
    """`<name>.pem`: the key, the certificate and its authority, as brokers and clients read them from one file."""
    if (directory / f"{name}.pem").exists():
        return
    scratch = {kind: directory / f"{name}.{kind}" for kind in ("key", "csr", "crt", "ext")}
    names = [f"IP:{host}" if host.replace(".", "").isdigit() else f"DNS:{host}" for host in hosts]
    lines = ["extendedKeyUsage=serverAuth,clientAuth", *([f"subjectAltName={','.join(names)}"] if names else [])]
    scratch["ext"].write_text("\n".join(lines) + "\n", encoding="utf-8")
    try:
        _openssl(directory, ["req", *_CURVE, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr"])
        signing = ["-CA", "ca.pem", "-CAkey", "authority-key.pem", "-set_serial", str(secrets.randbits(120)), "-days", str(DAYS)]
        _openssl(directory, ["x509", "-req", "-in", f"{name}.csr", *signing, "-extfile", f"{name}.ext", "-out", f"{name}.crt"])
        parts = [path.read_text(encoding="ascii") for path in (scratch["key"], scratch["crt"], directory / "ca.pem")]
        _write_new(directory / f"{name}.pem", "".join(parts))
    finally:
        for path in scratch.values():
            path.unlink(missing_ok=True)


def _openssl(directory: Path, arguments: Sequence[str]) -> None:
    done = subprocess.run(["openssl", *arguments], cwd=directory, capture_output=True, text=True, check=False, umask=0o077)
    if done.returncode != 0:
        raise ConfigError(
            f"openssl refused: {done.stderr.strip().splitlines()[-1:]}", where=str(directory), expected="OpenSSL 1.1.1 or newer",
            todo="look at `openssl version`",
        )  # fmt: skip


def _write_new(path: Path, text: str) -> None:
    """Writes a file, unless it is there."""
    with contextlib.suppress(FileExistsError), path.open("x", encoding="utf-8") as file:
        file.write(text)
        path.chmod(0o444)


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--broker", "brokers", multiple=True, default=("kafka", "kafka-2", "kafka-3"), show_default=True, help="A broker's name."
)
@click.option(
    "--host", "hosts", multiple=True, default=("localhost", "127.0.0.1"), help="A name that all brokers answer to besides."
)
def main(directory: Path, brokers: tuple[str, ...], hosts: tuple[str, ...]) -> None:
    """Makes certificates and passwords for a cluster in DIRECTORY."""
    try:
        make_credentials(directory, brokers, hosts)
    except ConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
    click.echo(f"certificates of {', '.join(brokers)} and admin, passwords of {', '.join(ACCOUNTS)}: {directory}")


if __name__ == "__main__":
    main()
