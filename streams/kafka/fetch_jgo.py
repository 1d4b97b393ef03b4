"""Fetches the embedded Kafka's jars with jgo's resolver, in Python alone. Import it only where jgo may be missing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from jgo.maven import POM, Artifact, MavenContext, PythonResolver
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

CONNECTIONS = 8
CONNECT_SECONDS, READ_SECONDS = 10.0, 60.0
MAX_FILE_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024


class SessionResolver(PythonResolver):
    """jgo's resolver over connections that are kept: its own makes a new one for each of 250 files, 30 s against 4 s.

    No checksum of the repository is asked for: the jars are verified against the committed list afterwards, and the
    descriptions (POMs) only decide which jars are looked for.
    """

    def __init__(self, session: requests.Session, count_bytes: Callable[[int], None]) -> None:
        super().__init__()
        self._session = session
        self._count_bytes = count_bytes

    def download(self, artifact: Artifact) -> Path | None:
        """Fetches one file into the context's cache.

        Raises:
            RuntimeError: no repository has it.
            OSError: the network or the disk failed (the errors of `requests` are such), or the file is absurdly large.
        """
        target = artifact.cached_path
        if target is None:
            raise RuntimeError(f"no place to keep {artifact}")
        target.parent.mkdir(parents=True, exist_ok=True)
        for repository in artifact.context.remote_repos.values():
            url = f"{repository}/{artifact.component.path_prefix.as_posix()}/{artifact.filename}"
            with self._session.get(url, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS)) as response:
                if response.status_code == requests.codes.ok:
                    self._save(response, target)
                    return target
        raise RuntimeError(f"no repository has {artifact.filename}")

    def _save(self, response: requests.Response, target: Path) -> None:
        size = 0
        with target.open("wb") as file:
            for chunk in response.iter_content(CHUNK_BYTES):
                size += len(chunk)
                if size > MAX_FILE_BYTES:
                    raise OSError(f"{target.name} is larger than {MAX_FILE_BYTES} bytes")
                file.write(chunk)
                self._count_bytes(len(chunk))


def fetch_with_jgo(pom: Path, scratch: Path, into: Path, count_bytes: Callable[[int], None]) -> None:
    """Resolves `pom` and leaves the jars of its run-time class path in the directory `into`; `scratch` keeps the rest.

    Blocks until all are there.

    Raises:
        OSError, RuntimeError, ValueError: see `SessionResolver.download`; `into` may then hold some of the jars.
    """
    session = requests.Session()
    retry = Retry(total=4, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504))
    session.mount("https://", HTTPAdapter(pool_connections=1, pool_maxsize=CONNECTIONS, max_retries=retry))
    with session, ThreadPoolExecutor(CONNECTIONS) as pool:
        context = MavenContext(SessionResolver(session, count_bytes), repo_cache=scratch, local_repos=[])
        _, nodes = context.pom_dependency_list(POM(pom))
        for path in pool.map(lambda node: node.dep.artifact.resolve(), nodes):
            path.replace(into / path.name)
