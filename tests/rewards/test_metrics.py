from cotfactory.rewards.metrics import Metrics
from cotfactory.rewards.rollout import Rewarded
from tests.builders import a_grade


def test_the_page_counts_verdicts_steps_and_reply_times() -> None:
    metrics = Metrics()
    metrics.graded([Rewarded("a", a_grade(), "1 + 1 = 3", 1.0), Rewarded("b", a_grade("incorrect"), None, 0.0)])
    metrics.replied("/verify", 200, 0.02)
    metrics.replied("/verify", 429, 99.0)
    page = metrics.page(in_flight=3, alarms=["reward_drift"]).splitlines()
    assert 'cotfactory_rollouts_total{grader="math",verdict="correct",reason="equal"} 1' in page
    assert "cotfactory_wrong_steps_total 1" in page
    assert "cotfactory_in_flight 3" in page
    assert 'cotfactory_alarms_total{kind="reward_drift"} 1' in page
    assert 'cotfactory_replies_total{route="/verify",status="429"} 1' in page
    assert 'cotfactory_reply_seconds_bucket{le="0.01"} 0' in page
    assert 'cotfactory_reply_seconds_bucket{le="0.025"} 1' in page
    assert 'cotfactory_reply_seconds_bucket{le="+Inf"} 2' in page


def test_what_a_grader_of_the_users_own_says_breaks_no_line() -> None:
    metrics = Metrics()
    metrics.graded([Rewarded("a", a_grade(reason='odd "one"\n\\'), None, 1.0)])
    assert 'reason="odd \\"one\\"\\n\\\\"' in metrics.page(0, [])
