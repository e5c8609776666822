"""Check a recipe, its endpoints, the sandbox and every reference answer, before a run buys anything."""

import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cotfactory.flows.ask.assignments import repeated_questions
from cotfactory.flows.ask.judging import refuse_unjudged
from cotfactory.flows.ask.teachers import describe_endpoint, recorded_counts
from cotfactory.flows.ask.turns import refuse_turns, unreleased_turns
from cotfactory.flows.host.grading_tools import open_grading
from cotfactory.flows.host.trusted_commands import commands_of_rounds
from cotfactory.flows.host.trusted_hosts import refuse_unbound_keys
from cotfactory.flows.inspect.check_nodes import check_nodes
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.nodes.choice import Nodes
from cotfactory.flows.problem_rules import why_bad_reference, why_unsupported
from cotfactory.flows.release.benchmarks import open_benchmarks, problem_hits
from cotfactory.flows.release.tokenizer import usable_tokenizer
from cotfactory.flows.settings import hub_access, sandbox_runtime
from cotfactory.flows.teacher_plan import TeacherPlan, teacher_plans
from cotfactory.generators.problems.load_problems import load_problems
from cotfactory.graders.code.compiled import has_language, languages_asked_for
from cotfactory.graders.code.program_mutants import test_strength
from cotfactory.graders.custom_grader import custom_grader
from cotfactory.graders.grader import Tools
from cotfactory.graders.grading import self_test
from cotfactory.graders.math.readable import is_in_words
from cotfactory.graders.sandbox.isolation import told_isolation
from cotfactory.publishing.licenses import refuse_forbidden_mix, terms_of
from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import CotfactoryError
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.record import Record
from cotfactory.warehouse.workspace import open_workspace

EXAMPLES, WORDS_SHOWN = 20, 3


class ProblemStrength(Record):
    """How many mutants of a code problem's reference solution its tests notice."""

    problem: str
    noticed: int
    mutants: int


class CheckReport(Record):
    """What was checked: a line for everything that is in order, and one for everything that is not.

    `notes` are what to look at before money is spent: nothing of it stops a run.
    `test_strength` holds each code problem with a reference solution.
    """

    recipe: str
    problems: int
    good_references: int
    ok: tuple[str, ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...] = ()
    test_strength: tuple[ProblemStrength, ...] = ()

    def text(self) -> str:
        """Return the report for people."""
        told = (("ok     ", self.ok), ("note   ", self.notes), ("FAULT  ", self.faults))
        return "\n".join(kind + line for kind, lines in told for line in lines)


class CheckFailed(CotfactoryError):
    """Something is not in order; the report says what."""


def check_recipe(path: Path, workspace: Path, *, asks: bool = True, nodes: Nodes | None = None) -> CheckReport:
    """Check everything a run of the recipe needs. Buys one answer of 16 tokens at most from each endpoint if it `asks`.

    With `nodes` each of them is looked at too.

    Raises RecipeError or ProblemSourceError for what cannot even be read, and CheckFailed, with the
    report as its summary, when an endpoint, the sandbox or a reference answer is not in order.
    """
    recipe = load_recipe(path)
    refuse_unbound_keys(recipe)
    grader = custom_grader(recipe.grader)
    problems = list(load_problems(recipe.problems, path.parent, hub_access(), grader, recipe.judge_id))
    for problem in problems:
        refuse_unjudged(problem, recipe)
        refuse_turns(problem, recipe)
    licenses = {spec.name: spec.license for spec in recipe.teachers}
    refuse_forbidden_mix(recipe.release.license, (problem.license for problem in problems), licenses)
    place = open_workspace(workspace)
    plans = teacher_plans(recipe, recorded_counts(recipe), place)
    kinds = Counter(problem.answer_kind for problem in problems)
    ok = [
        f"recipe {path}",
        "problems: " + (", ".join(f"{count:,} {kind}" for kind, count in kinds.items()) or "none yet"),
    ]
    faults: list[str] = []
    ok += [f"command that `loop` starts, as you: {key}: {said}" for key, said in commands_of_rounds(recipe).items()]
    ok += _contamination(recipe, problems)
    _check_tokenizer(recipe, ok, faults)
    unsupported = why_unsupported(problems)
    for why, count in Counter(unsupported.values()).most_common():
        ok.append(f"problems that cannot be judged and will not be asked: {count:,}, since {why}")
    served = recipe.rounds is not None and recipe.rounds.base is not None
    _check_endpoints(plans, problems, place.logs, ok, faults, asks=asks, served_in_rounds=served)
    if nodes is not None:
        has_tool = any(plan.strategy.most_calls for plan in plans)
        runs_programs = has_tool or any(problem.runs_programs for problem in problems)
        _check_nodes(recipe, nodes, ok, faults, runs_programs=runs_programs)
    judged = [problem for problem in problems if problem.problem_id not in unsupported]
    good, strength = _check_references(recipe, judged, ok, faults)
    report = CheckReport(
        recipe=recipe.name,
        problems=len(problems),
        good_references=good,
        ok=tuple(ok),
        faults=tuple(faults),
        notes=(
            *_to_be_written(recipe),
            *_contradictions(problems, plans),
            *_answers_in_words(problems),
            *_unknown_licenses(recipe, problems),
            *unreleased_turns(sum(problem.follows is not None for problem in problems), recipe),
        ),
        test_strength=strength,
    )
    if faults:
        failed = CheckFailed(f"{counted(len(faults), 'fault')} in {path}:\n" + report.text())
        failed.summary = report
        raise failed
    return report


def _to_be_written(recipe: Recipe) -> list[str]:
    """Return a line for each source whose problems a teacher writes: they are checked when they are there."""
    return [
        f"problems that {source.by!r} writes are not looked at here: a run checks them when they are there"
        for source in recipe.written_sources.values()
    ]


def _contradictions(problems: Sequence[Problem], plans: Sequence[TeacherPlan]) -> list[str]:
    """Return a line for questions that have two answers, and one for those that stand there twice."""
    repeated = list(repeated_questions(problems, plans))
    contradicting = [question.problems for question in repeated if not question.agree]
    named = [
        " and ".join(f"{problem.named} ({problem.answer[:60] or 'its tests'!r})" for problem in members[:3])
        for members in contradicting[:EXAMPLES]
    ]
    lines = []
    if contradicting:
        line = f"questions with contradicting answers: {len(contradicting):,}, and none of them will be asked"
        lines.append("\n       ".join([line, *named]))
    twice = sum(len(question.dropped) for question in repeated if question.agree)
    return [*lines, f"problems that ask what another one asks: {twice:,}, asked once"] if twice else lines


def _answers_in_words(problems: Sequence[Problem]) -> list[str]:
    """Return a line for `math` references that are no mathematics, and so are compared as they are spelt."""
    of_math = [problem for problem in problems if problem.answer_kind == "math" and problem.grader is None]
    in_words = [problem for problem in of_math if problem.tests is None and is_in_words(problem.answer)]
    if not in_words:
        return []
    named = ", ".join(f"{problem.answer[:40]!r} of {problem.named}" for problem in in_words[:WORDS_SHOWN])
    return [
        f"`math` answers that are words, and held against a response as words: {len(in_words):,} of {len(of_math):,}: "
        f"{named}; `answer_kind: text` takes several forms of an answer"
    ]


def _unknown_licenses(recipe: Recipe, problems: Sequence[Problem]) -> list[str]:
    """Return a line for licences whose terms are unknown here: nobody checked that they may be mixed."""
    named = Counter(f"{problem.license} of problems" for problem in problems if problem.license)
    named.update(f"{spec.license} of teacher {spec.name}" for spec in recipe.teachers if spec.license)
    named[f"{recipe.release.license} of the release"] += 1
    unknown = [f"{what} ({count:,})" for what, count in named.items() if terms_of(what.partition(" of ")[0]) is None]
    if not unknown:
        return []
    return [f"licences with terms that are not known here, read them: {', '.join(unknown[:EXAMPLES])}"]


def _contamination(recipe: Recipe, problems: list[Problem]) -> list[str]:
    index = open_benchmarks(recipe.curation)
    if index is None:
        return []
    found = problem_hits(problems, index)
    named = [
        f"{problem.source_row_id} of {problem.source}: {found[problem.problem_id]}"
        for problem in problems
        if problem.problem_id in found
    ]
    texts = counted(len(index.texts), "benchmark text")
    not_asked = " and will not be asked" if found else ""
    line = f"decontamination: repeat one of {texts}{not_asked}: {len(found):,} of {counted(len(problems), 'problem')}"
    return ["\n       ".join([line, *named[:EXAMPLES]])]


def _check_endpoints(
    plans: Sequence[TeacherPlan],
    problems: list[Problem],
    logs: Path,
    ok: list[str],
    faults: list[str],
    *,
    asks: bool,
    served_in_rounds: bool,
) -> None:
    for plan in plans:
        if served_in_rounds and plan.spec.rounds:
            ok.append(f"teacher {plan.spec.name}: the command `serve` of the rounds serves it, from the first one on")
            continue
        try:
            described = asyncio.run(describe_endpoint(plan, problems, logs, asks=asks))
            ok.append(f"teacher {plan.spec.name}: {described}")
        except CotfactoryError as error:
            faults.append(f"teacher {plan.spec.name}: {error}")


def _check_tokenizer(recipe: Recipe, ok: list[str], faults: list[str]) -> None:
    if (named := recipe.release.tokenizer) is None:
        return
    try:
        _, figures = usable_tokenizer(named)
    except CotfactoryError as error:
        faults.append(str(error))
        return
    template = "its chat template writes the rows" if figures.is_rendered else "without a chat template"
    ok.append(f"tokenizer {figures.tokenizer}, {template}")


def _check_nodes(recipe: Recipe, nodes: Nodes, ok: list[str], faults: list[str], *, runs_programs: bool) -> None:
    try:
        in_order, wrong = asyncio.run(check_nodes(recipe, nodes, runs_programs=runs_programs))
    except CotfactoryError as error:
        faults.append(str(error))
        return
    ok += in_order
    faults += wrong


def _test_strength(problems: list[Problem], tools: Tools) -> tuple[ProblemStrength, ...]:
    """Measure the tests of each code problem that has a reference solution, where that has anything to mutate."""
    solved = [
        problem
        for problem in problems
        if problem.answer_kind == "code" and problem.solution is not None and not problem.grader
    ]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        measured = threads.map(lambda problem: (problem.source_row_id, *test_strength(problem, tools)), solved)
        return tuple(
            ProblemStrength(problem=problem, noticed=noticed, mutants=mutants)
            for problem, noticed, mutants in measured
            if mutants
        )


def _told(strength: tuple[ProblemStrength, ...]) -> str:
    """Return one line: all problems together, and the weakest ones."""
    noticed, made = (sum(getattr(tested, name) for tested in strength) for name in ("noticed", "mutants"))
    weak = [tested for tested in strength if 2 * tested.noticed < tested.mutants]
    named = ", ".join(f"{tested.problem} ({tested.noticed} of {tested.mutants})" for tested in weak[:EXAMPLES])
    line = f"tests of programs: {noticed:,} of {counted(made, 'mutant')} of the reference solutions noticed"
    return line + (f"; weak: {named}" if weak else "")


def _check_languages(problems: Sequence[Problem], tools: Tools, faults: list[str]) -> None:
    """Say which languages the problems ask for and the sandbox image does not have."""
    for language, count in languages_asked_for(problems).items():
        if tools.sandbox is not None and not has_language(language, tools.sandbox):
            faults.append(
                f"the sandbox image has no {language}, wanted by {counted(count, 'problem')}: programs in it would be "
                "ungraded; build one that has it (cotfactory sandbox build --languages)"
            )


def _check_references(
    recipe: Recipe, problems: list[Problem], ok: list[str], faults: list[str]
) -> tuple[int, tuple[ProblemStrength, ...]]:
    """Return how many problems have a reference answer that is accepted, or none to check, and their test strength."""
    try:
        has_tool = any(teacher.strategy == "python" for teacher in recipe.teachers)
        with open_grading(
            problems, recipe.grader, recipe.code, packages=recipe.sandbox.packages, has_tool=has_tool
        ) as tools:
            _check_languages(problems, tools, faults)
            if tools.sandbox is not None:
                ok.append(told_isolation(sandbox_runtime()))
            strength = _test_strength(problems, tools)
            tested = [
                problem
                for problem in problems
                if problem.answer_kind != "code" or problem.solution is not None or problem.grader
            ]
            grades = [self_test(problem, tools) for problem in tested]
    except CotfactoryError as error:
        faults.append(str(error))
        return 0, ()
    if strength:
        ok.append(_told(strength))
    bad = [(problem, grade) for problem, grade in zip(tested, grades, strict=True) if grade.verdict != "correct"]
    if len(tested) < len(problems):
        ok.append(f"code problems without a reference solution, whose tests are taken as they are: "
                  f"{len(problems) - len(tested):,}")  # fmt: skip
    for problem, grade in bad[:EXAMPLES]:
        faults.append(f"reference {why_bad_reference(problem, grade)}")
    if len(bad) > EXAMPLES:
        faults.append(
            f"{counted(len(bad) - EXAMPLES, 'more reference answer')} that the problem's own grader does not accept"
        )
    ok.append(f"reference answers: {len(tested) - len(bad):,} of {len(tested):,} are graded correct")
    return len(problems) - len(bad), strength
