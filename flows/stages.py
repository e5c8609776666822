"""What the other stages do: load, recover, check references, grade what is stored, curate, watch the graders."""

import itertools
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from types import MappingProxyType

from cotfactory.curation.balance import require_domains
from cotfactory.flows.ask.judging import Judging
from cotfactory.flows.ask.rollouts import RolledOut, rollout_decisions
from cotfactory.flows.ask.turns import unreleased_turns
from cotfactory.flows.grade_rows import grade_row
from cotfactory.flows.job import Job
from cotfactory.flows.problem_rules import PROBLEM_RULES
from cotfactory.flows.recipe_problems import recipe_problems
from cotfactory.flows.release.benchmarks import decontamination_of
from cotfactory.flows.release.curating import curated_problems
from cotfactory.flows.release.examined import ExaminedChains, rules_id
from cotfactory.flows.release.rows_made_of import RowsMadeOf
from cotfactory.flows.release.standing import forget_standing
from cotfactory.flows.release.tokenizer import usable_tokenizer
from cotfactory.flows.release.tool_reruns import ToolReruns
from cotfactory.flows.run_record import Run
from cotfactory.flows.summary import Tally
from cotfactory.flows.teacher_plan import TeacherPlan
from cotfactory.graders.answer_mutants import check_mutants
from cotfactory.graders.grader import Tools
from cotfactory.graders.grading import grade_batch
from cotfactory.publishing.licenses import refuse_forbidden_mix
from cotfactory.schemas.counted import counted
from cotfactory.schemas.drop_reasons import DropReason
from cotfactory.schemas.errors import ProblemSourceError
from cotfactory.schemas.grade import Decision, Verdict
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.record import Record
from cotfactory.schemas.rubric import NOT_JUDGED
from cotfactory.schemas.spending import Spending
from cotfactory.warehouse.compact import compact
from cotfactory.warehouse.examined import ExaminedRows
from cotfactory.warehouse.ledger import abandoned_journals
from cotfactory.warehouse.problem_spool import ProblemSpool
from cotfactory.warehouse.seal import GradeRow, seal_journal, write_grades, write_problems
from cotfactory.warehouse.tables import write_table

GRADE_BATCH = 256
MUTATED_CHAINS = 100


class Flip(Record):
    """A stored chain whose verdict changed when it was graded again."""

    candidate_id: str
    problem: str
    before: Verdict
    after: Verdict
    reason: str


def open_tokenizer(run: Run) -> None:
    """Have the tokenizer that the recipe names. Raises RecipeError, InputError."""
    if (named := run.recipe.release.tokenizer) is not None:
        run.tokenizer, _ = usable_tokenizer(named)


def load(
    run: Run,
    limit: int | None,
    chosen: Container[str] | None = None,
    written: Mapping[int, Sequence[Problem]] = MappingProxyType({}),
) -> ProblemSpool:
    """Return the recipe's problems, the first `limit` of them, or those `chosen` by id; all are read, and checked.

    `written` are those that a teacher wrote, by the place of their source. Raises as `recipe_problems`, and RecipeError
    for licences that may not be mixed.
    """
    with run.progress.stage("load problems"):
        about = (run.recipe, run.workspace, run.kept)
        problems = recipe_problems(*about, limit=limit, chosen=chosen, written=written)
        run.advance(len(problems))
    for line in unreleased_turns(len(problems.later_turns()), run.recipe):
        run.progress.note(line)
    licenses = {spec.name: spec.license for spec in run.recipe.teachers}
    refuse_forbidden_mix(run.recipe.release.license, problems.facts.licenses, licenses)
    run.tally.problems = len(problems)
    return problems


def recover_ledger(run: Run) -> None:
    """Seal the journals that killed runs left open, whichever recipe they were for."""
    for journal in abandoned_journals(run.workspace.ledger):
        sealed = seal_journal(run.workspace, journal)
        run.bought += Spending(lost_in_flight=sealed.lost_in_flight, unconfirmed_usd=sealed.unconfirmed_usd)
        run.progress.note(
            f"recovered {counted(sealed.candidates, 'completion')} of an interrupted run; "
            f"in flight, and maybe billed: {counted(sealed.lost_in_flight, 'request')}"
            + (f"; {counted(sealed.torn_lines, 'torn ledger line')} skipped" if sealed.torn_lines else "")
        )
        if sealed.set_aside is not None:
            run.progress.note(
                f"ledger lines that were not written by this version of cotfactory: {sealed.foreign_lines:,}, that "
                f"contradict an earlier one: {sealed.contradicting_lines:,}; kept in {sealed.set_aside}; rename it to "
                ".journal to have another version read them"
            )


def check_references(
    run: Run, loaded: ProblemSpool, plans: Sequence[TeacherPlan], tools: Tools
) -> tuple[ProblemSpool, dict[str, DropReason]]:
    """Return the problems that are worth asking, and why each of the others (by problem id) is dropped.

    The rules are those of `flows.problem_rules`. All problems are written down. Raises ProblemSourceError when none is
    left, SandboxError when programs cannot be run, RecipeError when there are too few domains for the recipe's share.
    """
    dropped: dict[str, DropReason] = {}
    problems = loaded
    for reason, rule in PROBLEM_RULES.items():
        if found := rule(run, problems, plans, tools):
            dropped.update(dict.fromkeys(found, reason))
            problems = loaded.without(dropped)
    run.problems_file = write_problems(run.workspace, run.output_name, loaded, loaded.facts.contents_id)
    if not problems:
        raise ProblemSourceError(
            f"None of {counted(len(loaded), 'problem')} has a reference answer that its own grader accepts"
            + (f" (repeat a benchmark: {len(run.contamination):,})" if run.contamination else ""),
            "run `cotfactory check` and fix the answers",
        )
    if run.recipe.curation.max_domain_share is not None:  # else all problems would be read for nothing
        require_domains(len({problem.domain for problem in problems}), run.recipe.curation)
    return problems, dropped


def grade_stored(job: Job, *, everything: bool = False, what: str = "chains") -> list[Flip]:
    """Grade the stored chains that have no grade by the current grader; with `everything` all of them.

    Returns the chains whose verdict differs from the newest one before, or where people's differs from the grader's.
    Asks no teacher, and leaves a new snapshot of what is stored. `what` tells apart what one run grades.
    """
    run, flips = job.run, list[Flip]()
    job.wanted.snapshot()

    def rows() -> Iterator[GradeRow]:
        stored = job.wanted.ungraded(everything=everything)
        while batch := list(itertools.islice(stored, GRADE_BATCH)):
            pairs = [(job.problems[position], candidate) for position, candidate, _ in batch]
            grades = grade_batch(pairs, job.tools)
            for (problem, candidate), grade, (_, _, before) in zip(pairs, grades, batch, strict=True):
                yield grade_row(grade, problem, candidate)
                by_people = job.people.get((candidate.candidate_id, problem.problem_id))
                if by_people is not None:  # their verdict counts, and is held against what the machine says now
                    row = by_people.row(problem, candidate, grade)
                    before, grade = grade.verdict, row.grade
                    yield row
                if before is not None and before != grade.verdict and grade.reason != NOT_JUDGED:
                    flips.append(
                        Flip(
                            candidate_id=candidate.candidate_id,
                            problem=problem.named,
                            before=before,
                            after=grade.verdict,
                            reason=grade.reason,
                        )
                    )
            run.advance(len(batch))

    with run.progress.stage(f"grade stored {what}"):
        if write_grades(run.workspace, f"{run.run_id}-stored-{what}", rows()):
            job.wanted.snapshot()
    return flips


def count_missing(job: Job, left: Callable[[], int]) -> None:
    """Count the requests that the recipe still wants after the asking; `left` answers by the last snapshot."""
    job.wanted.snapshot()
    job.run.missing = left()


def curate(job: Job) -> None:
    """Give every chain the recipe uses, and every dropped problem, one Decision, and count them."""
    run, problems, dropped = job.run, job.problems, job.dropped
    forget_standing(run)
    tally = Tally(problems=len(problems) + len(dropped), dropped_problems=Counter(dropped.values()))
    candidate_hits: Counter[str] = Counter()
    made_of = RowsMadeOf(run.recipe, run.reviews)
    belongs = {"recipe": run.output_name, "decided_at": datetime.now(UTC)}
    reruns = ToolReruns(job.tools.sandbox, {plan.spec.name: plan.strategy.most_calls for plan in job.plans})

    def rows() -> Iterator[dict[str, object]]:
        for problem_id, reason in sorted(dropped.items()):
            decision = Decision(candidate_id=None, kept=False, reason=reason, detail=run.contamination.get(problem_id))
            yield {**decision.model_dump(), "problem_id": problem_id, **belongs}

        for curated in curated_problems(job, known, rules, reruns):
            tally.add(curated.tally)
            decided = [decision for group in curated.decisions for decision in group]
            made_of.add(curated.position, curated.problem_id, curated.groups_key, (*decided, *curated.earlier))
            for decision in decided:
                if decision.reason == "contaminated" and decision.detail is not None:
                    candidate_hits[decision.detail.partition(" row ")[0]] += 1
            for decision in (*decided, *curated.earlier):
                yield {**decision.model_dump(), "problem_id": curated.problem_id, **belongs}
            run.advance()

    if run.recipe.rollouts is None:  # what an earlier version of the recipe rolled out is not its any more
        _forget_rollouts(run)
    with run.progress.stage("curate", len(problems)), ExaminedRows(run.workspace, run.output_name) as examined:
        rules = rules_id(run.recipe.curation, run.benchmarks, allow_weak=run.recipe.code.allow_weak)
        known = ExaminedChains(examined, rules)
        write_table(run.workspace, "decisions", run.output_name, rows())
        examined.seal()
        run.decontamination = decontamination_of(run.benchmarks, run.contamination, candidate_hits)
    if known.examined < known.seen:
        run.progress.note(f"examined {known.examined:,} of {counted(known.seen, 'chain')}, the others were known")
    if reruns.ran and job.tools.sandbox is not None:
        tally.sandbox_images.add(job.tools.sandbox.image_digest)
    if run.judge is not None:
        tally.add_judge(run.judge)
    run.rows_made_of = made_of.of_problems
    run.tally, run.bought_chains = tally, job.wanted.bought_in(run.run_id) if run.bought.calls else 0


def choose_chains_to_judge(job: Job) -> Judging:
    """Return the chains whose criteria the recipe's judge decides."""
    return Judging(job.run.recipe, job.run.output_name, job.problems, job.plans, job.run.workspace)


def settle_judgements(job: Job, judging: Judging) -> None:
    """Grade the chains by what the judge has said of them."""
    run = job.run
    with run.progress.stage("settle judgements"):
        run.judge = judging.settle(run.run_id, run.reviews, job.people)
    if run.judge.distrust is not None:
        judge = f"the judge {run.judge.teacher!r}"
        run.progress.note(f"{judge} is not relied on, its verdicts are ungraded: {run.judge.distrust}")


def choose_chains_to_roll_out(job: Job) -> RolledOut:
    """Return the curated chains whose steps the recipe wants labels for."""
    assert job.run.recipe.rollouts is not None
    return RolledOut(
        job.run.recipe,
        job.run.recipe.rollouts,
        job.run.output_name,
        job.problems,
        job.plans,
        job.wanted,
        job.run.workspace,
    )


def decide_rollouts(job: Job, rolled: RolledOut) -> None:
    """Give every stored rollout its Decision, and count what it cost: none is ever published."""
    run = job.run
    belongs = {"recipe": run.output_name, "decided_at": datetime.now(UTC)}
    tally = deepcopy(run.tally)  # a stage that failed half-way is run again, and must not count twice

    def rows() -> Iterator[dict[str, object]]:
        for teacher, candidate, split in rolled.rollouts():
            tally.add_rollout(teacher, candidate)
            run.advance()
            decision = Decision(candidate_id=candidate.candidate_id, kept=False, reason="rollout", split=split)
            yield {**decision.model_dump(), "problem_id": candidate.problem_id, **belongs}

    with run.progress.stage("count rollouts"):
        if not write_table(run.workspace, "decisions", rollout_decisions(run.output_name), rows()):
            _forget_rollouts(run)
    run.tally = tally


def merge_small_files(run: Run) -> None:
    """Merge the sealed files of each table that has many small ones, and say so."""
    with run.progress.stage("merge sealed files"):
        merged = compact(run.workspace, only_where_many=True, advance=run.advance)
    for table in merged:
        run.progress.note(table.text())


def _forget_rollouts(run: Run) -> None:
    (run.workspace.table("decisions") / f"{rollout_decisions(run.output_name)}.parquet").unlink(missing_ok=True)


def watch_graders(job: Job) -> None:
    """Grade mutants of some of the chains that were accepted: none may pass, and it is told loudly if one does."""
    run = job.run
    with run.progress.stage("mutate accepted chains"):
        accepted = job.wanted.accepted(run.output_name, MUTATED_CHAINS)
        sample = [(job.problems[position], chain) for position, chain in accepted]
        run.mutants = check_mutants(sample, job.tools, MUTATED_CHAINS)
        run.advance(run.mutants.made)
    for example in run.mutants.examples:
        run.progress.note(f"WARNING: a grader accepted a mutant, its verdicts cannot be trusted: {example}")
