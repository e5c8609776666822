"""CANNED_QUESTIONS: what people ask a workspace, by name, in SQL over its catalog."""

import re
from collections.abc import Mapping
from difflib import get_close_matches

from cotfactory.schemas.errors import InputError
from cotfactory.schemas.record import Record
from cotfactory.warehouse.catalog import table_files
from cotfactory.warehouse.workspace import Workspace

_NAME = re.compile(r"[\w-]+")


class CannedQuestion(Record):
    """A question: what it answers, and the SELECT that does. `all_grades` in it are older grades too."""

    answers: str
    select: str

    def sql(self, workspace: Workspace) -> str:
        """Return the question for the catalog of one workspace, whose view of grades shows the newest ones only."""
        return f"WITH all_grades AS (FROM {table_files(workspace, 'grades')}) {self.select}"


def as_sql(question: str, workspace: Workspace) -> str:
    """Return the SQL of a canned question, or any other question as it is. Raises InputError for an unknown name."""
    canned = CANNED_QUESTIONS.get(question)
    if canned is None and _NAME.fullmatch(question):  # no SQL is a single word
        alike = [name for name in CANNED_QUESTIONS if name.startswith(question)]
        alike = alike or get_close_matches(question, CANNED_QUESTIONS, n=1)
        meant = f", did you mean {alike[0]!r}?" if alike else ""
        raise InputError(
            f"There is no question of the name {question!r}: expected SQL or a name{meant}",
            "`cotfactory sql --list` lists the names",
        )
    return canned.sql(workspace) if canned else question


CANNED_QUESTIONS: Mapping[str, CannedQuestion] = {
    "cost-per-kept-chain": CannedQuestion(
        answers="what a kept chain of each teacher cost, the dropped ones paid too, by recipe",
        select="""
SELECT d.recipe, c.teacher, count(*) FILTER (coalesce(d.reason, '') NOT IN ('earlier_step', 'rollout')) AS chains,
  count(*) FILTER (d.kept) AS kept, sum(c.cost_usd) AS usd,
  sum(c.cost_usd) / nullif(count(*) FILTER (d.kept), 0) AS usd_per_kept,
  sum(c.usage.input_tokens + c.usage.output_tokens) / nullif(count(*) FILTER (d.kept), 0) AS tokens_per_kept
FROM decisions d JOIN candidates c USING (candidate_id)
GROUP BY ALL ORDER BY d.recipe, usd_per_kept""",
    ),
    "verdict-by-length": CannedQuestion(
        answers="how verdicts change with the length of a chain, in output tokens (powers of two)",
        select="""
SELECT CAST(pow(2, floor(log2(greatest(c.usage.output_tokens, 1)))) AS BIGINT) AS tokens_from, count(*) AS chains,
  count(*) FILTER (g.verdict = 'correct') AS correct, count(*) FILTER (g.verdict = 'incorrect') AS incorrect,
  count(*) FILTER (g.verdict = 'no_answer') AS no_answer, count(*) FILTER (g.verdict = 'ungraded') AS ungraded,
  round(100 * count(*) FILTER (g.verdict = 'correct') / count(*), 1) AS correct_percent
FROM candidates c JOIN grades g USING (candidate_id)
WHERE c.strategy NOT IN ('rollout', 'judgement', 'problem')
GROUP BY tokens_from ORDER BY tokens_from""",
    ),
    "solved-by-one-teacher": CannedQuestion(
        answers="problems that several teachers were asked and only one ever solved",
        select="""
SELECT min(c.teacher) FILTER (g.verdict = 'correct') AS only_teacher, g.problem_id,
  any_value(p.source) AS source, any_value(p.source_row_id) AS source_row_id,
  count(*) FILTER (g.verdict = 'correct') AS correct, count(*) AS chains
FROM grades g JOIN candidates c USING (candidate_id) LEFT JOIN problems p ON p.problem_id = g.problem_id
WHERE c.strategy NOT IN ('rollout', 'judgement', 'problem')
GROUP BY g.problem_id
HAVING count(DISTINCT c.teacher) > 1 AND count(DISTINCT c.teacher) FILTER (g.verdict = 'correct') = 1
ORDER BY only_teacher, source, source_row_id""",
    ),
    "flips": CannedQuestion(
        answers="verdicts that differ from one version of a grader to the next",
        select="""
SELECT grader, before.grader_version AS from_version, after.grader_version AS to_version,
  before.verdict AS verdict_before, after.verdict AS verdict_after, count(*) AS chains,
  min(candidate_id) AS for_example
FROM (SELECT *, lead(struct_pack(grader_version, verdict))
        OVER (PARTITION BY candidate_id, problem_id, grader ORDER BY graded_at) AS after,
      struct_pack(grader_version, verdict) AS before FROM all_grades)
WHERE before.grader_version <> after.grader_version AND before.verdict <> after.verdict
GROUP BY ALL ORDER BY ALL""",
    ),
    "drop-reasons-by-source": CannedQuestion(
        answers="why chains and problems of each source were dropped, by recipe",
        select="""
SELECT d.recipe, p.source, d.reason, count(*) FILTER (d.candidate_id IS NOT NULL) AS chains,
  count(*) FILTER (d.candidate_id IS NULL) AS problems
FROM decisions d LEFT JOIN problems p USING (problem_id) WHERE NOT d.kept
GROUP BY ALL ORDER BY d.recipe, p.source, chains DESC, d.reason""",
    ),
    "policy-by-step": CannedQuestion(
        answers="reward of each policy by training step and domain, and how many right answers have a wrong step",
        select="""
SELECT c.teacher, c.training_step, p.domain, count(*) AS rollouts, avg(r.reward) AS reward,
  avg((r.wrong_step IS NOT NULL)::INT) FILTER (g.verdict = 'correct') AS wrong_steps,
  mode(g.evidence.rule) AS usual_rule, avg(length(c.response)) AS response_chars
FROM candidates c JOIN rewards r USING (candidate_id, problem_id) JOIN grades g USING (candidate_id, problem_id)
LEFT JOIN problems p USING (problem_id)
GROUP BY ALL ORDER BY c.teacher, c.training_step, p.domain""",
    ),
    "who-disagrees": CannedQuestion(
        answers="how often two people said different things of the same item, by question",
        select="""
, latest AS (FROM reviews WHERE kind <> 'planted' AND seen = 'blind' AND answer <> 'unsure'
  QUALIFY row_number() OVER (PARTITION BY item_id, person, guidelines_id ORDER BY reviewed_at DESC) = 1)
SELECT a.recipe, a.question, a.person, b.person AS other, count(*) AS items,
  count(*) FILTER (a.answer <> b.answer) AS different,
  round(100 * count(*) FILTER (a.answer <> b.answer) / count(*), 1) AS different_percent
FROM latest a JOIN latest b USING (item_id, guidelines_id) WHERE a.person < b.person
GROUP BY ALL ORDER BY different_percent DESC, a.person, other""",
    ),
    "disputed-by-people": CannedQuestion(
        answers="items on which people differ, with what each said and why",
        select="""
SELECT r.recipe, r.question, p.source, p.source_row_id, r.candidate_id, r.person, r.answer, r.seen, r.reason
FROM reviews r LEFT JOIN problems p USING (problem_id) WHERE r.kind <> 'planted'
QUALIFY count(DISTINCT r.answer) OVER (PARTITION BY r.item_id, r.guidelines_id) > 1
ORDER BY r.recipe, r.item_id, r.reviewed_at""",
    ),
    "review-pace": CannedQuestion(
        answers="how many items each person answered, how fast, and how many planted ones rightly",
        select="""
SELECT recipe, person, question, count(*) AS answers, round(median(seconds), 1) AS seconds,
  count(*) FILTER (answer = truth) AS planted_right, count(truth) AS planted
FROM reviews GROUP BY ALL ORDER BY recipe, person, question""",
    ),
    "spend-by-day": CannedQuestion(
        answers="what was bought on each day (UTC) from each teacher",
        select="""
SELECT CAST(created_at AT TIME ZONE 'UTC' AS DATE) AS day, teacher, count(*) AS chains,
  sum(usage.input_tokens) AS input_tokens, sum(usage.output_tokens) AS output_tokens, sum(cost_usd) AS usd
FROM candidates GROUP BY ALL ORDER BY day, teacher""",
    ),
}
