"""What the rollouts of policies came to, by step of the training, domain and rule of extraction: for report.html."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cotfactory.schemas.alarm import Alarm
from cotfactory.schemas.policy_progress import Axis, PolicyProgress, RolloutShare, Stretch
from cotfactory.warehouse.catalog import files_sql, sealed_files, table_files
from cotfactory.warehouse.scratch import bounded_duckdb, scratch_folder
from cotfactory.warehouse.stored_rollouts import ROLLOUT_FILES
from cotfactory.warehouse.workspace import Workspace

POLICY = "policy:"
"""How the name of a teacher that is a policy begins, and the recipe of a server's run."""
MOST_STRETCHES = 24
MOST_POLICIES = 8


@dataclass(frozen=True)
class _Counted:
    """The rollouts of one policy, domain and place in the training."""

    teacher: str
    domain: str
    training_step: int | None
    checkpoint: str | None
    nth: int
    first_at: datetime
    rollouts: int
    rewarded: int
    reward: float
    right: int
    wrong_steps: int
    characters: int
    rules: dict[str, int]


def policy_progress(workspace: Workspace, problems_file: str) -> tuple[PolicyProgress, ...]:
    """Return how the policies fared that rolled out problems of a file of the problems table, the busiest first.

    Nothing is opened where no rollout was ever rewarded. Rollouts whose grades are not sealed yet are left out.
    """
    if not _rewards(workspace):
        return ()
    problems = files_sql([workspace.table("problems") / f"{problems_file}.parquet"])
    with scratch_folder(workspace) as folder, bounded_duckdb(folder) as connection:
        rows = connection.execute(_counts(workspace, files_sql(_rewards(workspace)), problems), [POLICY]).fetchall()
        told = connection.execute(
            f"SELECT alarms FROM {table_files(workspace, 'runs')} WHERE starts_with(recipe, ?) ORDER BY started_at",
            [POLICY],
        ).fetchall()
    by_teacher: dict[str, list[_Counted]] = defaultdict(list)
    for row in rows:
        by_teacher[row[0]].append(_Counted(*row))
    alarms = [Alarm.model_validate(alarm) for (of_run,) in told for alarm in of_run or ()]
    busiest = sorted(by_teacher, key=lambda teacher: (-sum(of.rollouts for of in by_teacher[teacher]), teacher))
    return tuple(
        _progress(teacher, by_teacher[teacher], [alarm for alarm in alarms if alarm.teacher == teacher])
        for teacher in busiest[:MOST_POLICIES]
    )


def _rewards(workspace: Workspace) -> list[Path]:
    return [path for path in sealed_files(workspace, "rewards") if path.name.startswith(ROLLOUT_FILES)]


def _counts(workspace: Workspace, rewards: str, problems: str) -> str:
    """Return the SQL whose rows are the fields of `_Counted`; `?` is how a policy's name begins."""
    return f"""
        WITH problem AS (
            SELECT problem_id, any_value(domain) AS domain FROM {problems} GROUP BY problem_id
        ), rollout AS (
            SELECT candidate_id, problem_id, teacher, training_step, checkpoint, sample_index, created_at,
                   length(response) + coalesce(length(reasoning), 0) AS characters
            FROM {table_files(workspace, "candidates")} WHERE starts_with(teacher, ?)
        ), rewarded AS (
            SELECT candidate_id, arg_max({{'reward': reward, 'wrong_step': wrong_step}}, rewarded_at) AS newest
            FROM {rewards} GROUP BY candidate_id
        ), graded AS (
            SELECT candidate_id, problem_id,
                   arg_max({{'verdict': verdict, 'rule': evidence.rule}}, graded_at) AS newest
            FROM {table_files(workspace, "grades")} SEMI JOIN rewarded USING (candidate_id) GROUP BY ALL
        )
        SELECT teacher, coalesce(domain, 'none'), training_step, checkpoint,
               CASE WHEN training_step IS NULL AND checkpoint IS NULL THEN sample_index ELSE 0 END AS nth,
               min(created_at), count(*), count(rewarded.newest.reward), coalesce(sum(rewarded.newest.reward), 0.0),
               count(*) FILTER (graded.newest.verdict = 'correct'),
               count(*) FILTER (graded.newest.verdict = 'correct' AND rewarded.newest.wrong_step IS NOT NULL),
               sum(characters)::BIGINT,
               coalesce(histogram(coalesce(graded.newest.rule, 'none')) FILTER (graded.newest.verdict = 'correct'),
                        MAP {{}})
        FROM rollout JOIN problem USING (problem_id) JOIN rewarded USING (candidate_id)
        JOIN graded USING (candidate_id, problem_id) GROUP BY ALL ORDER BY ALL"""


def _progress(teacher: str, counted: Sequence[_Counted], alarms: Sequence[Alarm]) -> PolicyProgress:
    axis = _axis(counted)
    by_place: dict[int | str, list[_Counted]] = defaultdict(list)
    for rollouts in sorted(counted, key=lambda rollouts: rollouts.first_at):
        if (place := _place(rollouts, axis)) is not None:  # what says no step has no place where others say theirs
            by_place[place].append(rollouts)
    places = list(by_place) if axis == "checkpoint" else sorted(by_place, key=lambda place: int(place))
    width = max(1, -(-len(places) // MOST_STRETCHES))  # rounded up
    stretches = tuple(
        Stretch(name=str(places[start]), shares=_shares(by_place[place] for place in places[start : start + width]))
        for start in range(0, len(places), width)
    )
    return PolicyProgress(policy=teacher.removeprefix(POLICY), axis=axis, stretches=stretches, alarms=tuple(alarms))


def _axis(counted: Sequence[_Counted]) -> Axis:
    if any(rollouts.training_step is not None for rollouts in counted):
        return "training step"
    return "checkpoint" if any(rollouts.checkpoint is not None for rollouts in counted) else "rollout of its problem"


def _place(rollouts: _Counted, axis: Axis) -> int | str | None:
    return {
        "training step": rollouts.training_step,
        "checkpoint": rollouts.checkpoint,
        "rollout of its problem": rollouts.nth,
    }[axis]


def _shares(places: Iterable[Sequence[_Counted]]) -> tuple[RolloutShare, ...]:
    by_domain: dict[str, list[_Counted]] = defaultdict(list)
    for rollouts in itertools.chain.from_iterable(places):
        by_domain[rollouts.domain].append(rollouts)
    return tuple(_share(domain, by_domain[domain]) for domain in sorted(by_domain))


def _share(domain: str, counted: Sequence[_Counted]) -> RolloutShare:
    rollouts = sum(part.rollouts for part in counted)
    rewarded = sum(part.rewarded for part in counted)
    rules = sum((Counter(part.rules) for part in counted), Counter[str]())
    return RolloutShare(
        domain=domain,
        rollouts=rollouts,
        rewarded=rewarded,
        reward=sum(part.reward for part in counted) / rewarded if rewarded else None,
        right=sum(part.right for part in counted),
        wrong_steps=sum(part.wrong_steps for part in counted),
        characters=sum(part.characters for part in counted) / rollouts,
        rules=dict(rules),
    )
