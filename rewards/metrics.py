"""Counts of a reward server, and its page of metrics in Prometheus' text format."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence

from cotfactory.rewards.rollout import Rewarded

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 30.0)
"""Upper ends of the buckets of response times; Prometheus makes any quantile of them."""


class Metrics:
    """What the server has done since it started."""

    def __init__(self) -> None:
        self._graded: Counter[tuple[str, str, str]] = Counter()
        self._wrong_steps = 0
        self._replies: Counter[tuple[str, int]] = Counter()
        self._buckets = [0] * (len(BUCKETS_S) + 1)
        self._seconds = 0.0

    def graded(self, found: Iterable[Rewarded]) -> None:
        """Count grades by grader, verdict and reason."""
        for rewarded in found:
            grade = rewarded.grade
            self._graded[grade.grader, grade.verdict, grade.reason] += 1
            self._wrong_steps += rewarded.wrong_step is not None

    def replied(self, route: str, status: int, seconds: float) -> None:
        """Count a reply."""
        self._replies[route, status] += 1
        self._buckets[bisect_left(BUCKETS_S, seconds)] += 1
        self._seconds += seconds

    def page(self, in_flight: int, alarms: Sequence[str]) -> str:
        """Return the counts as text; `alarms` are the kinds that were raised."""
        lines = ["# TYPE cotfactory_rollouts_total counter"]
        for (grader, verdict, reason), count in sorted(self._graded.items()):
            labels = f'grader="{label_value(grader)}",verdict="{verdict}",reason="{label_value(reason)}"'
            lines.append(f"cotfactory_rollouts_total{{{labels}}} {count}")
        lines += ["# TYPE cotfactory_wrong_steps_total counter", f"cotfactory_wrong_steps_total {self._wrong_steps}"]
        lines += ["# TYPE cotfactory_in_flight gauge", f"cotfactory_in_flight {in_flight}"]
        lines.append("# TYPE cotfactory_alarms_total counter")
        lines += [
            f'cotfactory_alarms_total{{kind="{kind}"}} {count}' for kind, count in sorted(Counter(alarms).items())
        ]
        lines.append("# TYPE cotfactory_replies_total counter")
        for (route, status), count in sorted(self._replies.items()):
            lines.append(f'cotfactory_replies_total{{route="{route}",status="{status}"}} {count}')
        lines.append("# TYPE cotfactory_reply_seconds histogram")
        total = 0
        for limit, count in zip((*BUCKETS_S, None), self._buckets, strict=True):
            total += count
            lines.append(f'cotfactory_reply_seconds_bucket{{le="{"+Inf" if limit is None else limit}"}} {total}')
        lines += [f"cotfactory_reply_seconds_sum {self._seconds:.6f}", f"cotfactory_reply_seconds_count {total}"]
        return "\n".join(lines) + "\n"


def label_value(text: str) -> str:
    """Return a text as it stands between the quotation marks of a label."""
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
