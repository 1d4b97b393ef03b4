"""Alertmanager: routes and inhibitions as they are meant, receivers of every kind, and what its messages look like when they arrive."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml
from aiosmtpd.controller import Controller

from deploy.alertmanager.receivers import SHIPPED, build_configuration, main, write_configuration
from deploy.prometheus.alerts import all_alerts
from streams.errors import ConfigError
from tests.helpers.alerting import Hook, alertmanager, by_the_second, listening
from tests.helpers.monitoring import free_port, get_json, run_tool, wait_for

pytestmark = pytest.mark.prometheus
ALERTS = {alert.name: alert for alert in all_alerts()}
EXAMPLE = SHIPPED.parent / "receivers.example.toml"
TOKEN = "123:secret"


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_amtool_accepts_the_routes_as_they_are() -> None:
    assert "SUCCESS" in run_tool("amtool", "check-config", str(SHIPPED))


ROUTES = [
    ("DataAbsent", "now"),
    ("BoardDown", "now"),
    ("NoProgress", "now"),
    ("FreshnessBurnsFast", "now"),
    ("FreshnessBurnsSlowly", "today"),
    ("DeadLetterSurge", "today"),
    ("LagHigh", "today"),
    ("PairSilent", "today"),
    ("TrendBroken", "breaks"),
    ("TrendWeakening", "breaks"),
    ("Watchdog", "watchdog"),
]


@pytest.mark.parametrize(("name", "receiver"), ROUTES)
def test_an_alert_goes_to_those_who_have_to_know_of_it(name: str, receiver: str) -> None:
    labels = [f"alertname={ALERTS[name].full_name}", f"severity={ALERTS[name].severity}"]
    assert run_tool("amtool", "config", "routes", "test", f"--config.file={SHIPPED}", *labels).split()[0] == receiver


def test_inhibitions_name_alerts_and_labels_that_there_are() -> None:
    names = [alert.full_name for alert in ALERTS.values()]
    for rule in read_yaml(SHIPPED)["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            label, _, pattern = re.split(r"\s*(=~|!~|!=|=)\s*", matcher)
            assert label in ("alertname", "domain")
            if label == "domain":
                continue
            for part in pattern.strip('"').split("|"):
                assert [name for name in names if re.fullmatch(part, name)], part


# -- receivers.toml --------------------------------------------------------------------------------------------------


def tables(folder: Path, hook: Hook, smtp_port: int) -> dict[str, Any]:
    """Every kind of receiver, all of them on this machine."""
    for name, secret in (("slack", f"{hook.address}/slack"), ("telegram", TOKEN)):
        (folder / name).write_text(f"{secret}\n", encoding="utf-8")
    return {
        "routes": {"now": ["mail"], "today": ["mail", "webhook"], "breaks": ["mail", "slack", "telegram", "webhook"]},
        "mail": {"to": "desk@example.org", "from": "bellwether@example.org", "smarthost": f"127.0.0.1:{smtp_port}", "tls": False},
        "slack": {"channel": "#desk", "api_url_file": str(folder / "slack")},
        "telegram": {"chat_id": -1, "bot_token_file": str(folder / "telegram"), "api_url": hook.address},
        "webhook": {"url": f"{hook.address}/webhook"},
        "watchdog": {"url": f"{hook.address}/switch"},
    }


def test_the_example_makes_a_configuration_that_amtool_accepts_and_only_its_owner_reads(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN, encoding="utf-8")
    example = EXAMPLE.read_text(encoding="utf-8").replace("/etc/alertmanager/secrets/telegram", str(tmp_path / "token"))
    (tmp_path / "receivers.toml").write_text(example, encoding="utf-8")
    written = tmp_path / "alertmanager.yml"
    written.write_text("old", encoding="utf-8")
    written.chmod(0o644)
    assert main([str(tmp_path / "receivers.toml"), "--output", str(written)]) == 0
    (tmp_path / "templates").symlink_to(SHIPPED.parent / "templates")
    said = run_tool("amtool", "check-config", str(written))
    assert "SUCCESS" in said
    assert "1 templates" in said
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    shipped, made = read_yaml(SHIPPED), read_yaml(written)
    assert {key: made[key] for key in ("route", "inhibit_rules")} == {key: shipped[key] for key in ("route", "inhibit_rules")}


def test_no_secret_stands_in_the_configuration_but_the_token_that_can_not_be_elsewhere(tmp_path: Path) -> None:
    for name in ("mail", "slack", "telegram"):
        (tmp_path / name).write_text(f"secret-of-{name}", encoding="utf-8")
    example = EXAMPLE.read_text(encoding="utf-8").replace("/etc/alertmanager/secrets", str(tmp_path))
    (tmp_path / "receivers.toml").write_text(example, encoding="utf-8")
    write_configuration(tmp_path / "receivers.toml", tmp_path / "out.yml")
    text = (tmp_path / "out.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"secret-of-\w+", text)) == {"secret-of-telegram"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"routes": {"tomorrow": []}}, "there is no route 'tomorrow'"),
        ({"pigeon": {}}, "there is no kind of receiver 'pigeon'"),
        ({"routes": {"now": ["mail"]}}, r"route 'now' names \[mail\], which is missing"),
        ({"routes": {"now": ["mail"]}, "mail": {"to": "a@b.example"}}, r"\[mail\] lacks from"),
        (
            {"routes": {"now": ["telegram"]}, "telegram": {"chat_id": 1, "bot_token_file": "/nowhere/token"}},
            "the bot's token can't be read: No such file",
        ),
    ],
)
def test_a_wrong_list_of_receivers_is_told_with_what_is_wrong(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_configuration(wrong, "receivers.toml")


def test_a_list_that_is_no_toml_ends_with_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "receivers.toml").write_text("[mail", encoding="utf-8")
    assert main([str(tmp_path / "receivers.toml"), "--output", str(tmp_path / "out.yml")]) == 1
    assert "the list of receivers can't be read" in capsys.readouterr().err
    assert not (tmp_path / "out.yml").exists()


# -- messages that arrive --------------------------------------------------------------------------------------------


class Mailbox:
    """An SMTP server's mail."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.messages.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"


class Desk:
    """A running Alertmanager with every kind of receiver, and what they got."""

    def __init__(self, address: str, hook: Hook, mailbox: Mailbox) -> None:
        self.address = address
        self.hook = hook
        self.mailbox = mailbox

    def post(self, *alerts: dict[str, Any]) -> None:
        body = json.dumps(alerts).encode()
        request = Request(f"http://{self.address}/api/v2/alerts", body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=10) as answer:
            assert answer.status == 200

    def inhibited(self) -> dict[str, bool]:
        """Alert -> whether it is held back."""
        found = get_json(f"http://{self.address}/api/v2/alerts")
        return {alert["labels"]["alertname"]: bool(alert["status"]["inhibitedBy"]) for alert in found}


@contextmanager
def opened_desk(folder: Path) -> Iterator[Desk]:
    """An Alertmanager with every kind of receiver, for as long as it is needed."""
    mailbox, port = Mailbox(), free_port()
    smtp = Controller(mailbox, hostname="127.0.0.1", port=port)
    smtp.start()
    try:
        with listening() as hook:
            config = by_the_second(build_configuration(tables(folder, hook, port), "here"))
            with alertmanager(folder, config) as address:
                yield Desk(address, hook, mailbox)
    finally:
        smtp.stop()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with opened_desk(tmp_path_factory.mktemp("desk")) as opened:
        yield opened


@pytest.fixture
def deaf_desk(tmp_path: Path) -> Iterator[Desk]:
    """One of its own for alerts that hold everything else back."""
    with opened_desk(tmp_path) as opened:
        yield opened


def alert(name: str, *, pair: str = "", **labels: str) -> dict[str, Any]:
    """An alert as Prometheus sends it, in the words of its rule."""
    about = dict(zip(("source", "partner"), pair.split("-"), strict=True)) if pair else {}
    annotations = {
        "summary": f"{pair}: hedging & more <b>",
        "description": "What it means.",
        "runbook_url": ALERTS[name].runbook_url,
    }
    if name == "TrendBroken":
        annotations |= {
            "size": "2.95", "size_low": "2.20", "size_high": "4.10", "probability": "0.95", "since": "2017-07-31 00:00:00 +0000 UTC",
            "board_url": f"https://board.example/pairs/{pair}?domain=all",
            **{f"evidence_{number}": f"https://board.example/evidence/{number}" for number in (1, 2, 3)},
        }  # fmt: skip
    named = {"alertname": ALERTS[name].full_name, "severity": ALERTS[name].severity}
    return {"labels": {**named, **about, **labels}, "annotations": annotations}


@pytest.fixture(scope="module")
def broken(desk: Desk) -> Desk:
    """Two signals of one pair have broken with their trends, a third in one domain only."""
    desk.post(
        alert("TrendBroken", pair="BLR-RUS", signal="hedging", domain="all"),
        alert("TrendBroken", pair="BLR-RUS", signal="hedging", domain="security"),
        alert("TrendBroken", pair="BLR-RUS", signal="cooperation", domain="all"),
    )
    wait_for(
        "a message in every form", lambda: all(about("BLR-RUS", desk.hook.at(path)) for path in FORMS) and mails(desk, "BLR-RUS")
    )
    return desk


def about(pair: str, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [message for message in messages if pair in json.dumps(message)]


def mails(desk: Desk, pair: str) -> list[EmailMessage]:
    return [mail for mail in desk.mailbox.messages if pair in mail["Subject"]]


FORMS = {"/slack", f"/bot{TOKEN}/sendMessage", "/webhook"}


def test_the_breaks_of_one_pair_are_one_message_without_those_that_a_larger_one_holds_back(broken: Desk) -> None:
    (message,) = about("BLR-RUS", broken.hook.at("/webhook"))
    told = {(one["labels"]["signal"], one["labels"]["domain"]) for one in message["alerts"]}
    assert told == {("hedging", "all"), ("cooperation", "all")}


def test_a_mail_has_subject_text_and_html_with_sizes_and_links(broken: Desk) -> None:
    (mail,) = mails(broken, "BLR-RUS")
    assert mail["Subject"] == "BLR-RUS: hedging & more <b>, and 1 more"
    parts = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
    assert "share after / share before 2.95 (2.20 to 4.10), probability 0.95, since 2017-07-31" in parts["text/plain"]
    assert "Runbook: docs/runbook.md#bellwethertrendbroken" in parts["text/plain"]
    assert "hedging &amp; more &lt;b&gt;" in parts["text/html"]
    assert '<a href="https://board.example/evidence/1">1</a>' in parts["text/html"]


def test_telegram_gets_html_in_which_what_is_said_is_escaped(broken: Desk) -> None:
    (message,) = about("BLR-RUS", broken.hook.at(f"/bot{TOKEN}/sendMessage"))
    assert (message["chat_id"], message["parse_mode"]) == ("-1", "HTML")
    assert "<b>BLR-RUS: hedging &amp; more &lt;b&gt;</b>" in message["text"]
    assert '<a href="https://board.example/pairs/BLR-RUS?domain=all">On the board</a>' in message["text"]
    assert set(re.findall(r"<(\w+)", message["text"])) <= {"b", "a", "code"}, "the tags that Telegram takes"


def test_slack_gets_a_title_that_leads_to_the_board_and_links_in_its_own_form(broken: Desk) -> None:
    (message,) = about("BLR-RUS", broken.hook.at("/slack"))
    (attachment,) = message["attachments"]
    assert (message["channel"], attachment["color"]) == ("#desk", "warning")
    assert attachment["title_link"] == "https://board.example/pairs/BLR-RUS?domain=all"
    assert "<https://board.example/evidence/2|2>" in attachment["text"]


def test_a_large_group_is_told_in_part_so_that_telegram_takes_it(desk: Desk) -> None:
    desk.post(*(alert("TrendBroken", pair="ARM-RUS", signal=f"signal-{number}", domain="all") for number in range(12)))
    path = f"/bot{TOKEN}/sendMessage"
    wait_for("the message", lambda: about("ARM-RUS", desk.hook.at(path)) and about("ARM-RUS", desk.hook.at("/slack")))
    (message,) = about("ARM-RUS", desk.hook.at(path))
    assert message["text"].count("<b>") == message["text"].count("</b>") == 6
    assert "and 6 more, on Alertmanager" in message["text"]
    assert len(message["text"]) < 4_096
    assert "and 6 more" in about("ARM-RUS", desk.hook.at("/slack"))[0]["attachments"][0]["text"]


def test_who_hears_nothing_holds_back_everything_but_the_watchdog(deaf_desk: Desk) -> None:
    names = ["DataAbsent", "BoardDown", "WorkerDown", "NothingIngested", "FreshnessBurnsFast", "KafkaDiskFull", "Watchdog"]
    deaf_desk.post(*(alert(name) for name in names))
    shown = {ALERTS[name].full_name for name in names}
    wait_for("the alerts", lambda: shown <= deaf_desk.inhibited().keys())
    held = {name for name, is_held in deaf_desk.inhibited().items() if is_held}
    assert shown - held == {"BellwetherDataAbsent", "BellwetherWatchdog"}


def test_the_watchdog_comes_again_and_again_and_is_never_over(desk: Desk) -> None:
    desk.post(alert("Watchdog"))
    wait_for("the switch", lambda: desk.hook.at("/switch"))
    assert {message["status"] for message in desk.hook.at("/switch")} == {"firing"}
