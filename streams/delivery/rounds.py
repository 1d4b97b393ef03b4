"""One round over all targets: what is due is made, handed over, and noted, target by target; a target that fails holds up no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from streams.bulletin.build import Stands, build
from streams.bulletin.revisions import read_earlier
from streams.clock import Clock, utc_now, week_name, week_number
from streams.delivery.config import FeedTarget, FileTarget, MailTarget, Target, WebhookTarget, forms_of
from streams.delivery.courier import Opened
from streams.delivery.due import newest_due, weeks_to_send
from streams.delivery.files import open_files
from streams.delivery.issue import Issue, NotTakenError, delivery_key
from streams.delivery.ledger import MOST_TRIES, Entry, Ledger
from streams.delivery.mail import open_mail
from streams.delivery.news import open_news
from streams.delivery.webhook import open_webhook
from streams.errors import ConfigError
from streams.log import get_logger
from streams.metrics import DeliveryMetrics
from streams.settings import read_secret
from streams.standing.closing import closing_time

log = get_logger("deliver")


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asked for, beyond what is due.

    Attributes:
        week: this week and no other; empty for what is due.
        again: also where it was sent, under a new key.
        at_once: also where the pause after a failure is not over.
    """

    week: str = ""
    again: bool = False
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Rounds:
    """What rounds are made with.

    Attributes:
        lateness: after which a week closes.
        shown_folder: the folder that the board shows bulletins of.
        is_stopping: asked between two deliveries; what is left then is left for the next start.
    """

    ledger: Ledger
    metrics: DeliveryMetrics
    lateness: timedelta
    shown_folder: Path
    clock: Clock = utc_now
    is_stopping: Callable[[], bool] = lambda: False

    def planned(
        self, stands: Stands, targets: Sequence[Target], wish: Wish = Wish()
    ) -> Iterator[tuple[Target, str, list[Entry]]]:
        """(target, week, a delivery for each recipient) of what a round would deliver, the oldest week of a target first."""
        for target in targets:
            by_week: dict[str, list[Entry]] = {}
            for recipient in target.recipients:
                for entry in self._wanted(newest_due(stands), target, recipient, wish):
                    by_week.setdefault(entry.week, []).append(entry)
            yield from ((target, week, by_week[week]) for week in sorted(by_week))

    def deliver(self, stands: Stands, targets: Sequence[Target], wish: Wish = Wish()) -> list[Entry]:
        """One round; what became of each delivery. Blocks on the network.

        Raises:
            StateError: if the ledger can't be used; then nothing more is sent.
        """
        done: list[Entry] = []
        for target, week, entries in self.planned(stands, targets, wish):
            if self.is_stopping():
                break
            done += self._deliver(target, self.issue_of(stands, target, week), entries)
        self.tell(targets)
        return done

    def issue_of(self, stands: Stands, target: Target, week: str) -> Issue:
        """The bulletin as the target gets it: with what late news has changed of the one that it was told before."""
        told = self.ledger.told_before(target.name, week)
        earlier = read_earlier(told, f"the ledger, {target.name}") if told is not None else None
        found = build(stands, week, target.pair, earlier)
        return Issue(found, target.language, closing_time(week_number(week), self.lateness))

    @staticmethod
    def check(issue: Issue, target: Target) -> None:
        """Makes the texts and reads the secrets that a delivery to the target needs, and sends nothing.

        Raises:
            ConfigError: if the typesetter is not installed, or a secret is missing.
        """
        for form in forms_of(target):
            issue.text(form)
        if isinstance(target, MailTarget):
            read_secret(target.password_env, target.password_file)
        if isinstance(target, WebhookTarget):
            read_secret(target.secret_env, target.secret_file)

    def is_retry_due(self) -> bool:
        """Whether a delivery that failed, or was cut short, is to be tried again now."""
        now = self.clock()
        return any(not entry.is_finished and not entry.is_waiting_at(now) for entry in self.ledger.entries())

    def tell(self, targets: Sequence[Target]) -> None:
        """Brings the gauges up to what stands in the ledger."""
        kinds = {target.name: target.kind for target in targets}
        waiting = dict.fromkeys(kinds.values(), 0)
        for entry in self.ledger.entries():
            if entry.target in kinds:
                waiting[kinds[entry.target]] += not entry.is_finished
        for kind, number in waiting.items():
            self.metrics.waiting.labels(kind).set(number)
        self.metrics.last_round_seconds.set(self.clock().timestamp())

    def _wanted(self, newest: int, target: Target, recipient: str, wish: Wish) -> Iterator[Entry]:
        known = self.ledger.last_printings(target.name, recipient)
        finished = {week: one.is_finished for week, one in known.items()}
        today = self.clock().date()
        weeks = (
            [week_number(wish.week)]
            if wish.week
            else weeks_to_send(newest, finished, today=today, oldest_weeks=target.oldest_weeks)
        )
        for week in weeks:
            entry = known.get(week) or Entry(target.name, recipient, week_name(week), 1)
            if entry.is_finished and wish.again:
                yield Entry(target.name, recipient, entry.week, entry.printing + 1)
            elif not entry.is_finished and (wish.at_once or not entry.is_waiting_at(self.clock())):
                yield entry

    def _deliver(self, target: Target, issue: Issue, entries: Sequence[Entry]) -> Iterator[Entry]:
        """Each entry as it stands afterwards. The target is opened once for all of them."""
        with ExitStack() as stack:
            try:
                send = stack.enter_context(self._opened(target))
            except (NotTakenError, ConfigError) as error:
                for entry in entries:
                    yield self._failed(target, self.ledger.begin(entry, self.clock()), error)
                return
            for entry in entries:
                if self.is_stopping():
                    return
                if entry.state == "begun" and entry.tries:
                    log.warning("delivery_may_be_repeated", target=target.name, week=entry.week, tries=entry.tries)
                begun = self.ledger.begin(entry, self.clock())
                try:
                    if begun.tries > MOST_TRIES:
                        raise NotTakenError("the process died at every try", where=target.name, todo="look at the log")
                    send(issue, entry.recipient, delivery_key(target, entry.recipient, entry.week, entry.printing))
                except (NotTakenError, ConfigError) as error:
                    yield self._failed(target, begun, error)
                else:
                    yield self._sent(target, begun, issue)

    def _opened(self, target: Target) -> Opened:
        if isinstance(target, FileTarget):
            return open_files(target)
        if isinstance(target, MailTarget):
            return open_mail(target, clock=self.clock)
        if isinstance(target, FeedTarget):
            return open_news(target, shown_folder=self.shown_folder)
        return open_webhook(target, clock=self.clock)

    def _sent(self, target: Target, begun: Entry, issue: Issue) -> Entry:
        now = self.clock()
        entry = self.ledger.sent(begun, now, issue.text("json"))
        self.metrics.deliveries.labels(target.kind, "sent").inc()
        self.metrics.last_success_seconds.labels(target.kind).set(now.timestamp())
        log.info("bulletin_delivered", target=target.name, kind=target.kind, week=entry.week, printing=entry.printing)
        return entry

    def _failed(self, target: Target, begun: Entry, error: NotTakenError | ConfigError) -> Entry:
        is_final = isinstance(error, NotTakenError) and error.is_final
        entry = self.ledger.failed(begun, self.clock(), f"{error.what} ({error.where})", is_final=is_final)
        self.metrics.deliveries.labels(target.kind, "failed" if entry.state == "waiting" else entry.state).inc()
        log.error(
            "bulletin_not_delivered", target=target.name, kind=target.kind, week=entry.week, problem=error.what, where=error.where,
            state=entry.state, tries=entry.tries, next_at=entry.next_at,
        )  # fmt: skip
        return entry
