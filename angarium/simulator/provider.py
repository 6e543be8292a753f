"""One mailbox provider's mind: what it answers to whom, when. No I/O; the clock is passed in.

Everything here is asked by ``session``; a returned str is the reply that refuses, None lets the client go on.
"""

from collections.abc import Callable
from fnmatch import fnmatchcase

from angarium.simulator.mailboxes import Mailboxes
from angarium.simulator.replies import REFUSED_AT, STYLES
from angarium.simulator.scenario import Behaviour, Drop, Scenario, SimulatedProvider, Throttle

GREYLIST_ENTRIES = 100_000  # ours: then the oldest are forgotten, as a real one's database expires

Clock = Callable[[], float]


class RateLimit:
    """A token bucket with a penalty; one token is one message."""

    def __init__(self, throttle: Throttle, clock: Clock) -> None:
        self._throttle = throttle
        self._clock = clock
        self._tokens = float(throttle.burst)
        self._at = clock()
        self._closed_until = 0.0

    def admits(self) -> bool:
        """Take a token if there is one; a refusal starts the penalty."""
        now = self._clock()
        earned = (now - self._at) * self._throttle.messages_per_s
        self._tokens = min(float(self._throttle.burst), self._tokens + earned)
        self._at = now
        if now < self._closed_until:
            return False
        if self._tokens >= 1:
            self._tokens -= 1
            return True
        self._closed_until = now + self._throttle.penalty_s
        return False


class _State:
    """A behaviour with what it remembers."""

    def __init__(self, behaviour: Behaviour, clock: Clock) -> None:
        self.behaviour = behaviour
        self.rate = RateLimit(behaviour.throttle, clock) if behaviour.throttle else None
        self.drops = 0
        self.reports = 0


class MailboxProvider:
    """Invariant: statistics count every recipient answered exactly once, when its reply is decided."""

    def __init__(self, plan: SimulatedProvider, scenario: Scenario, clock: Clock) -> None:
        self.plan = plan
        self.style = STYLES[plan.style]
        self.mailboxes = Mailboxes(
            keep_messages=scenario.keep_messages,
            keep_octets=scenario.keep_octets,
            keep_ids=scenario.keep_ids,
        )
        self.statistics = self.mailboxes.statistics
        self._clock = clock
        self._own = _State(plan.behaviour, clock)
        self._rules = [
            (rule.local.lower(), _State(rule.behaviour, clock)) for rule in plan.mailboxes
        ]
        self._domains = frozenset(domain.lower() for domain in plan.domains)
        self._seen: dict[tuple[str, str, str], float] = {}  # greylist: first attempts

    def now(self) -> float:
        return self._clock()

    def greet(self, client: str) -> str | None:
        """Called once per connection; ``leave`` is called for each of them, refused or not."""
        statistics = self.statistics
        statistics.connections += 1
        statistics.open_connections += 1
        statistics.peak_connections = max(statistics.peak_connections, statistics.open_connections)
        if self.plan.banner == "refuse":
            statistics.connections_refused += 1
            return self._say(self.style.blocked, client)
        limit = self.plan.connections
        if limit is not None and statistics.open_connections > limit:
            statistics.connections_refused += 1
            statistics.throttled += 1
            return self._say(self.style.connections, client)
        return None

    def leave(self) -> None:
        self.statistics.open_connections -= 1

    def answer_mail(self, client: str, messages_before: int) -> str | None:
        limit = self.plan.messages_per_connection
        if limit is not None and messages_before >= limit:
            self.statistics.throttled += 1
            return self._say(self.style.messages, client)
        return self._throttled("mail", self._own, client)

    def answer_rcpt(self, client: str, reverse_path: str, recipient: str) -> str | None:
        """Counts the recipient when it is not let through; else whoever answers the message does."""
        local, _, domain = recipient.rpartition("@")
        rule = self._find_rule(local)
        reply: str | None = None
        if domain.lower() not in self._domains:
            reply = self._say("550 5.7.1 <{recipient}>: relaying denied", client, recipient)
        elif rule is None and not self.plan.catch_all:
            reply = self._say(self.style.unknown, client, recipient)
        for state in (self._own, rule):
            if state is not None and reply is None:
                reply = self._refused("rcpt", state, client, recipient)
                reply = reply or self._throttled("rcpt", state, client)
                reply = reply or self._greylisted(state, client, reverse_path, recipient)
        if reply is not None:
            self.count_refusal(reply, 1)
        return reply

    def answer_content(self, client: str, recipients: list[str]) -> str | None:
        """Return the refusal of the whole message, counted for each recipient, or None."""
        for state, recipient in self._states(recipients):
            reply = self._refused("final_dot", state, client, recipient)
            reply = reply or self._throttled("final_dot", state, client)
            if reply is not None:
                self.count_refusal(reply, len(recipients))
                return reply
        return None

    def count_refusal(self, reply: str, recipients: int) -> None:
        self.statistics.last_reply = reply
        if reply.startswith("4"):
            self.statistics.deferred += recipients
        else:
            self.statistics.refused += recipients

    def next_drop(self, at: str, recipients: list[str]) -> Drop | None:
        """Return the drop that is due at this stage, and count it."""
        for state, _ in self._states(recipients):
            drop = state.behaviour.drop
            if (
                drop is not None
                and drop.at == at
                and (drop.times is None or state.drops < drop.times)
            ):
                state.drops += 1
                self.statistics.drops += 1
                return drop
        return None

    def delay_s(self, stage: str, recipients: list[str]) -> float:
        """The longest delay that applies at ``stage`` (a field of Delay without its _s)."""
        field = f"{stage}_s"
        delays: list[float] = [
            getattr(state.behaviour.delay, field) for state, _ in self._states(recipients)
        ]
        return max(delays)

    def reports_for(self, recipients: list[str]) -> list[tuple[str, Behaviour]]:
        """Which recipients of an accepted message will send a report back."""
        due = []
        for recipient in recipients:
            for state, _ in self._states([recipient]):
                report = state.behaviour.report
                if report is not None:
                    state.reports += 1
                    if state.reports % report.every == 0:
                        due.append((recipient, state.behaviour))
        return due

    def _states(self, recipients: list[str]) -> list[tuple[_State, str]]:
        states = [(self._own, recipients[0] if recipients else "")]
        for recipient in recipients:
            rule = self._find_rule(recipient.rpartition("@")[0])
            if rule is not None:
                states.append((rule, recipient))
        return states

    def _find_rule(self, local: str) -> _State | None:
        local = local.lower()
        for pattern, state in self._rules:
            if fnmatchcase(local, pattern):
                return state
        return None

    def _refused(self, stage: str, state: _State, client: str, recipient: str) -> str | None:
        refusal = state.behaviour.refuse
        if refusal is None or REFUSED_AT[refusal] != stage:
            return None
        return self._say(getattr(self.style, refusal), client, recipient)

    def _throttled(self, stage: str, state: _State, client: str) -> str | None:
        # A mailbox's throttle cannot be met before its address is known.
        at = self.style.throttled_at
        if state is not self._own and at == "mail":
            at = "rcpt"
        if state.rate is None or at != stage or state.rate.admits():
            return None
        self.statistics.throttled += 1
        return self._say(self.style.throttled, client)

    def _greylisted(
        self, state: _State, client: str, reverse_path: str, recipient: str
    ) -> str | None:
        wait = state.behaviour.greylist_s
        if wait is None:
            return None
        now = self._clock()
        key = (client, reverse_path.lower(), recipient.lower())
        if key not in self._seen and len(self._seen) >= GREYLIST_ENTRIES:
            del self._seen[next(iter(self._seen))]
        first = self._seen.setdefault(key, now)
        if now - first >= wait:
            return None
        return self._say(self.style.greylisted, client, recipient, wait)

    def _say(self, text: str, client: str, recipient: str = "", seconds: float = 0) -> str:
        reply = text.format(client=client, recipient=recipient, seconds=f"{seconds:g}")
        self.statistics.last_reply = reply
        return reply
