"""Strategies: the requests that one sample of a teacher takes, what each of them says, and which of them are due.

- `solve`: the problem, once. With `retry_truncated` a sample that was cut is asked again with more tokens.
- `plan_then_solve`: a plan first, then the solution along it (after Plan-and-Solve, arXiv 2305.04091).
- `refine`: a draft, a critique of it, a revision (after Self-Refine, arXiv 2303.17651).
- `retry_with_feedback`: after a wrong answer, told so, another way; the reference answer is never told.
- `hint`: a derivation of the reference answer, which the prompt shows (the rationalisation of STaR, arXiv 2203.14465).
- `python`: the tool `python` is called, up to `max_calls` times (`python_strategy.py`).
- `budget`: think for at most so many tokens, then answer (the budget forcing of s1, arXiv 2501.19393).

Every answer is bought, stored and graded by itself; the last one that was due is the sample's candidate, the earlier
ones lead to it. A refined sample, step by step: user: the problem - assistant: the draft - user: turns/critique.j2 -
assistant: the critique - user: turns/revise.j2 - assistant: the revision, which is the candidate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

from cotfactory.generators.ask.own_prompt import own_prompt
from cotfactory.generators.ask.render_prompt import prompt_renderer, turn_renderer
from cotfactory.schemas.candidate import Candidate, RequestStrategy, StrategyName
from cotfactory.schemas.grade import Verdict
from cotfactory.schemas.ids import follow_up_id, prompt_id, request_ids
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.reasoning_tags import PUBLISHED
from cotfactory.schemas.teacher_spec import TeacherSpec
from cotfactory.schemas.teaching import Message, Sampling

Due = Literal["always", "if_wrong", "if_truncated", "if_called"]
Messages = tuple[Message, ...]


@dataclass(frozen=True)
class _StrategyStep:
    """One request. `turn` names the template of what is said after all that went before.

    The first step's stands in place of the recipe's prompt. None asks for the first messages (again).
    """

    turn: str | None = None
    due: Due = "always"
    max_tokens: int | None = None


class StepOutcome(NamedTuple):
    """What decides how a sample goes on after one of its steps; no verdict yet is None."""

    verdict: Verdict | None
    is_truncated: bool
    calls: bool = False


class Attempt(NamedTuple):
    """The answer to one step, and what was found of it."""

    candidate: Candidate
    verdict: Verdict | None

    @property
    def outcome(self) -> StepOutcome:
        """What decides how the sample goes on."""
        return StepOutcome(self.verdict, self.candidate.is_truncated, self.candidate.finish_reason == "tool_calls")


def _steps(spec: TeacherSpec) -> tuple[_StrategyStep, ...]:
    longer = [_StrategyStep(due="if_truncated", max_tokens=spec.retry_truncated)] if spec.retry_truncated else []
    steps: dict[StrategyName, tuple[_StrategyStep, ...]] = {
        "solve": (_StrategyStep(), *longer),
        "plan_then_solve": (_StrategyStep("plan"), _StrategyStep("carry_out")),
        "refine": (_StrategyStep(), _StrategyStep("critique"), _StrategyStep("revise")),
        "retry_with_feedback": (_StrategyStep(), _StrategyStep("another_way", due="if_wrong")),
        "hint": (_StrategyStep("hint"), *longer),
        "python": (_StrategyStep("python"), *(_StrategyStep(due="if_called") for _ in range(spec.max_calls or 0))),
        "deliberate": (_StrategyStep(),),
        "budget": (_StrategyStep(max_tokens=spec.think_tokens), _StrategyStep("answer_now", due="if_truncated")),
    }
    return steps[spec.strategy]


class Strategy:
    """The strategy of one teacher. `samplings` line up with `steps`; a sample makes `most_calls` of a tool at most."""

    most_calls = 0
    _made_of: tuple[object, ...]

    def __new__(cls, *arguments: object) -> Self:
        """Remember what it is made of: rendered templates cannot be pickled."""
        made = super().__new__(cls)
        made._made_of = arguments
        return made

    def __reduce__(self) -> tuple[type[Self], tuple[object, ...]]:
        """Pickle what it is made of."""
        return type(self), self._made_of

    def __init__(self, spec: TeacherSpec) -> None:
        self.name = spec.strategy
        self.steps = _steps(spec)
        self.samplings: tuple[Sampling, ...] = tuple(
            spec.sampling if step.max_tokens is None else spec.sampling.limited_to(step.max_tokens)
            for step in self.steps
        )
        self._model, self._extra_body = spec.model, spec.extra_body
        self._turns = [turn_renderer(step.turn) if step.turn is not None else None for step in self.steps]
        self._system = (Message(role="system", content=spec.system),) if spec.system is not None else ()
        self._prompt = (own_prompt if spec.has_own_prompt else prompt_renderer)(spec.prompt)

    def plain(self, problem: Problem) -> Messages:
        """Return the problem as a student is to be asked it; of a later turn all questions up to it."""
        before = self.plain(problem.follows) if problem.follows is not None else self._system
        return (*before, *self._prompt(problem))

    def conversation(self, problem: Problem, answers: Sequence[Candidate]) -> Messages:
        """Return what a later turn is asked with: every turn before it with its response, then its own question.

        What was thought before those responses is not sent: no model sees its thoughts of earlier turns.
        """
        if problem.follows is None:
            return self.plain(problem)
        *earlier, last = answers
        before = self.conversation(problem.follows, earlier)
        return (*before, Message(role="assistant", content=last.response), *self._prompt(problem))

    def opening(self, problem: Problem) -> Messages:
        """Return the messages of the first request, of a later turn without the answers in between."""
        turn = self._turns[0]
        return self.plain(problem) if turn is None else (*self._system, turn(problem))

    def request_ids(self, problem: Problem, opening: str, samples: int) -> tuple[tuple[str, ...], ...]:
        """Return the ids of the requests for the first `samples` samples: by sample index, then by step.

        `opening` is the id of the opening's messages. Sample 3 of a later turn follows sample 3 of the turn before it,
        and is named by it: so it is known before anything is asked, whatever is answered and in which order.
        """
        if problem.follows is not None:
            before = self.request_ids(problem.follows, prompt_id(self.opening(problem.follows)), samples)
            (turn,) = self._prompt(problem)
            return tuple((self._follow_up(ids[-1], turn, index),) for index, ids in enumerate(before))
        steps: list[tuple[str, ...]] = []
        for said_before, sampling in zip(self._turns_in_ids(problem), self.samplings, strict=True):
            if said_before is None or not steps:
                steps.append(request_ids(opening, self._model, sampling, range(samples), self._extra_body))
            else:
                asked = (said_before, self._model, sampling)
                parents = enumerate(steps[-1])
                steps.append(tuple(follow_up_id(parent, *asked, at, self._extra_body) for at, parent in parents))
        return tuple(zip(*steps, strict=True))

    def _turns_in_ids(self, problem: Problem) -> Sequence[Message | None]:
        """Return what the id of each step's request names beside the request before it; None: the opening alone."""
        return [turn(problem) if turn is not None else None for turn in self._turns]

    def _follow_up(self, parent: str, turn: Message, index: int) -> str:
        return follow_up_id(parent, turn, self._model, self.samplings[0], index, self._extra_body)

    def ids_of_samples(self, prompt: str, samples: int) -> tuple[tuple[str, ...], ...]:
        """Return the ids of the first `samples` requests for the messages whose id is `prompt`; each is one step."""
        sampling, extra_body = self.samplings[0], self._extra_body
        return tuple((each,) for each in request_ids(prompt, self._model, sampling, range(samples), extra_body))

    def messages(
        self, number: int, problem: Problem, earlier: Sequence[Candidate], results: Sequence[str] = ()
    ) -> Messages:
        """Return what step `number` sends, after the answers of all `earlier` steps.

        `results` are what the calls of the last of them gave back.
        """
        opening, turns = self.opening(problem), self.questions(number, problem)[len(self.opening(problem)) :]
        answers = [Message(role="assistant", content=said(candidate)) for candidate in earlier]
        return (*opening, *(message for pair in zip(answers, turns, strict=False) for message in pair))

    def questions(self, number: int, problem: Problem) -> Messages:
        """Return what the user says up to step `number`, without the answers in between."""
        opening = self.opening(problem)
        if number == 0 or self._turns[number] is None:
            return opening
        return (*opening, *(turn(problem) for turn in self._turns[1 : number + 1] if turn is not None))

    def expected_steps(self, wrong: float, truncated: float) -> float:
        """Return how many requests a sample takes on average; `wrong` and `truncated` are shares of first answers."""
        shares: dict[Due, float] = {"always": 1.0, "if_wrong": wrong, "if_truncated": truncated, "if_called": 1.0}
        return 1.0 + sum(shares[step.due] for step in self.steps[1:])

    def name_of(self, number: int) -> RequestStrategy:
        """Return the strategy that the answer to step `number` belongs to: to the plain prompt it is `solve`."""
        return "solve" if self.steps[number].turn is None and self._turns[0] is None else self.name

    def is_due(self, number: int, before: StepOutcome) -> bool:
        """Return whether step `number` is asked for, after the outcome of the step before it."""
        due = self.steps[number].due
        if due == "if_wrong":
            return before.verdict in ("incorrect", "no_answer")
        if due == "if_called":
            return before.calls
        return due == "always" or before.is_truncated

    def last_step(self, found: Mapping[int, StepOutcome]) -> int | None:
        """Return the step that a sample ends with, given what is known; None if a step has yet to be asked."""
        number = 0
        while number in found:
            if number + 1 == len(self.steps) or not self.is_due(number + 1, found[number]):
                return number
            number += 1
        return None

    def tool_choice(self, number: int) -> Literal["auto", "none"] | None:
        """Return whether the answer to a step may call the tool that it is offered; None: it is offered none."""
        return None

    def received(self, candidate: Candidate, problem: Problem) -> Candidate:
        """Return an answer as this strategy reads it."""
        return candidate

    @property
    def rates_first(self) -> bool:
        """Whether a sample's first answer tells how hard the problem is: the later ones were told more."""
        return self.name in ("refine", "retry_with_feedback")

    @property
    def shows_answer(self) -> bool:
        """Whether the prompt holds the reference answer: with it before their eyes anybody solves the problem."""
        return self.name == "hint"

    @property
    def shows_earlier(self) -> bool:
        """Whether the earlier answers of a sample are published with its last one."""
        return self.name == "budget" or self.most_calls > 0

    def whole(self, earlier: Sequence[Candidate], last: Candidate) -> Candidate:
        """Return a sample's candidate as it is published: with `budget`, with what was thought before time was up.

        What a teacher thinks beyond that, when it is to answer, is left out: it would be longer than the budget.
        """
        if self.name != "budget" or not earlier:
            return last
        thoughts = (candidate.reasoning or candidate.response for candidate in earlier)
        return last.model_copy(update={"reasoning": "\n\n".join(thoughts)})


def said(answer: Candidate) -> str:
    """Return an answer as the conversation goes on with it: the response, or the thinking that never came to one."""
    return answer.response or f"{PUBLISHED.opening}\n{answer.reasoning or ''}\n{PUBLISHED.closing}"
