"""The simulated teacher: a local server that answers like a fallible student.

It knows the problems it was given and answers them right, slipped, lucky, truncated, hedged and so on, in the
shares of the recipe (see `student.py`); what it says depends on the model, the problem and the sample alone. Where it
is asked to judge an answer, it judges (see `simulated_judge.py`), or to write a problem, it writes one
(`simulated_writer.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from aiohttp import web

from cotfactory.generators.local_teachers.chat_server import (
    CHARACTERS_PER_TOKEN,
    ChatRefusal,
    ChatReply,
    ChatRequest,
    chat_app,
    token_count,
)
from cotfactory.generators.local_teachers.local_server import running
from cotfactory.generators.local_teachers.question_index import QuestionIndex
from cotfactory.generators.local_teachers.simulated_judge import judged
from cotfactory.generators.local_teachers.simulated_writer import WrittenProblems, written
from cotfactory.generators.local_teachers.student import answer_problem, next_call, worked
from cotfactory.generators.problems.chains import Worked
from cotfactory.schemas.ids import seed_from
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.teacher_spec import StudentShares

PROGRAM_ASKED = "block that computes the final answer"
"""What is in a prompt that asks for a program which computes the answer."""


@contextmanager
def simulating(problems: Sequence[Problem], model: str, shares: StudentShares) -> Iterator[str]:
    """Serve a student called `model` in a process of its own; yield the base URL (ends in `/v1`).

    Raises TeacherUnavailable when the server does not start.
    """
    with running(partial(simulated_app, tuple(problems), {model: shares})) as base_url:
        yield base_url


def simulated_app(problems: Sequence[Problem], students: Mapping[str, StudentShares]) -> web.Application:
    """Return the web application in which `students`, by model name, answer `problems`.

    Of several problems with the same question the one whose choices, and whose earlier turns, are in the prompt is
    answered; of a conversation that goes on, its last question. An unknown model or question is a 404 with an OpenAI
    error body.
    """
    by_question: dict[str, list[Problem]] = {}
    for problem in problems:
        by_question.setdefault(problem.question.strip(), []).append(problem)
    index, others = QuestionIndex(by_question), WrittenProblems(problems)
    known: dict[str, Worked | None] = {}

    def answer(request: ChatRequest) -> ChatReply:
        if request.model not in students:
            raise ChatRefusal(
                404,
                "model_not_found",
                f"the model {request.model!r} does not exist; there is {', '.join(students)}",
            )
        judgement = judged(request.prompt)
        if judgement is not None:
            return ChatReply(request.model, judgement, None, "stop")
        shares = students[request.model]
        problem = others.asked_in(request.prompt)
        if problem is None:
            question = index.find(request.last) or index.find(request.prompt)
            if question is None:
                raise ChatRefusal(404, "unknown_question", "no problem of this recipe is in the prompt")
            problem = _asked_for(by_question[question], request.prompt)
        reply = written(request.prompt, problem, request.model, request.sample, shares)
        if reply is not None:
            return ChatReply(request.model, reply, None, "stop")
        if PROGRAM_ASKED in request.prompt:
            problem = problem.model_copy(update={"program": "run"})
        if problem.problem_id not in known:
            known[problem.problem_id] = worked(problem)
        if request.calls is not None:
            code = next_call(request.model, problem.problem_id, request.sample, request.calls)
            if code is not None:
                return ChatReply(request.model, "Let me compute that.", None, "tool_calls", code)
        # In a later turn of a conversation the student thinks again: it is another draw.
        sample = seed_from("turn", request.sample, request.turn) if request.turn else request.sample
        said = answer_problem(problem, known[problem.problem_id], request.model, sample, shares)
        finish_reason = "length" if said.mode == "truncated" else "stop"
        whole = ChatReply(request.model, said.content, said.reasoning, finish_reason)
        return whole if request.max_tokens is None else _limited(whole, request.max_tokens)

    return chat_app(tuple(students), answer)


def _asked_for(problems: Sequence[Problem], prompt: str) -> Problem:
    longest_first = sorted(problems, key=lambda problem: problem.turn.number if problem.turn is not None else 1)[::-1]
    for problem in longest_first:
        if all(text in prompt for text in _shown_of(problem)):
            return problem
    return problems[0]


def _shown_of(problem: Problem) -> Iterator[str]:
    """Yield what a prompt shows of a problem: its choices, and the questions of the turns before it."""
    yield from problem.choices or ()
    if problem.follows is not None:
        yield problem.follows.question
        yield from _shown_of(problem.follows)


def _limited(reply: ChatReply, max_tokens: int) -> ChatReply:
    """Cut an answer that needs more tokens than the request allows; thinking comes first and counts."""
    thought = token_count(reply.reasoning or "")
    if thought + token_count(reply.content) <= max_tokens:
        return reply
    reasoning = reply.reasoning[: max_tokens * CHARACTERS_PER_TOKEN] if reply.reasoning else reply.reasoning
    content = reply.content[: max(0, max_tokens - thought) * CHARACTERS_PER_TOKEN]
    return reply._replace(content=content, reasoning=reasoning, finish_reason="length")
