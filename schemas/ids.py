"""Content hashes over canonical JSON: the only way anything gets an id."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

from cotfactory.schemas.problem import Problem, Program, Tests, TextCompare
from cotfactory.schemas.rubric import Rubric
from cotfactory.schemas.teaching import Message, Sampling


def content_id(value: object) -> str:
    """Return 32 hex digits (blake2b-128) of `value` written as canonical JSON.

    Canonical means sorted keys, no spaces and UTF-8, so the id depends on the content alone: never on
    dict order, a row's position, Python's `hash()` or the machine.

    >>> content_id({"b": 1, "a": 2}) == content_id({"a": 2, "b": 1})
    True
    """
    return id_of_canonical(_canonical(value))


def canonical_json(value: object) -> str:
    """Return `value` as the canonical JSON that `content_id` is a hash of."""
    return _canonical_json.encode(value)


def id_of_canonical(text: bytes) -> str:
    """Return the `content_id` of what is written as canonical JSON already.

    >>> id_of_canonical(canonical_json({"b": 1, "a": 2}).encode()) == content_id({"a": 2, "b": 1})
    True
    """
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def content_id_of_all(values: Iterable[object]) -> str:
    """Return the `content_id` of the list of `values`, of which only one is in memory at a time.

    >>> content_id_of_all(iter([1, 2])) == content_id([1, 2])
    True
    """
    digest = hashlib.blake2b(b"[", digest_size=16)
    for number, value in enumerate(values):
        digest.update(b"," * (number > 0) + _canonical(value))
    digest.update(b"]")
    return digest.hexdigest()


_canonical_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _canonical(value: object) -> bytes:
    return canonical_json(value).encode("utf-8", "surrogatepass")


def problem_id(
    question: str,
    choices: Sequence[str] | None,
    answer: str,
    tests: Tests | None,
    source: str,
    answer_tolerance: str | None = None,
    answers: Sequence[str] = (),
    text_compare: TextCompare = "words",
    program: Program | None = None,
    rubric: Rubric | None = None,
) -> str:
    """Return the id of a problem that stands alone: its question, choices, answer, tests and source.

    Where it has a tolerance, further accepted answers, a comparison of its own or a rubric, or programs compute its
    answers, those too.
    """
    return content_id(
        {
            "question": question,
            "choices": list(choices) if choices else None,
            "answer": answer,
            "tests": tests.model_dump(mode="json") if tests else None,
            "source": source,
            **({"answer_tolerance": answer_tolerance} if answer_tolerance else {}),
            **({"answers": list(answers)} if answers else {}),
            **({"text_compare": text_compare} if text_compare != "words" else {}),
            **({"program": program} if program else {}),
            **({"rubric": rubric.model_dump(mode="json")} if rubric else {}),
        }
    )


def turn_id(conversation_id: str, number: int) -> str:
    """Return the id of the problem that is turn `number` of a conversation.

    The conversation's id is a hash of all its turns: with another third turn the first one is another problem. Its
    request is the same one, and paid once.
    """
    return content_id([conversation_id, number])


def prompt_id(messages: Sequence[Message]) -> str:
    """Return the id of rendered messages, exactly as they are sent."""
    return content_id([message.identity() for message in messages])


def request_id(
    prompt: str, model: str, sampling: Sampling, sample_index: int, extra_body: Mapping[str, object] | None = None
) -> str:
    """Return the id of one wanted sample; it becomes the `candidate_id` of what comes back.

    It covers the rendered messages (through `prompt`, their `prompt_id`), the declared model, the
    sampling parameters that are sent, whatever else is in the body (`extra_body`), and the sample index. It
    leaves out the URL, headers, the key, concurrency, retries, shard and order: raising `attempts.max` from 8
    to 16 therefore pays for samples 8..15 only.
    """
    return request_ids(prompt, model, sampling, (sample_index,), extra_body)[0]


def request_ids(
    prompt: str,
    model: str,
    sampling: Sampling,
    sample_indexes: Iterable[int],
    extra_body: Mapping[str, object] | None = None,
) -> tuple[str, ...]:
    """Return the `request_id` of each of some samples: what they share is written down once.

    Each is the `content_id` of an object with the keys below and, between them by name, `sample_index`.
    """
    before = _canonical({**({"extra_body": extra_body} if extra_body else {}), "model": model, "prompt": prompt})
    shared = hashlib.blake2b(before[:-1] + b',"sample_index":', digest_size=16)
    after = b',"sampling":' + _canonical(sampling.identity()) + b"}"
    ids = []
    for index in sample_indexes:
        digest = shared.copy()
        digest.update(b"%d" % index + after)
        ids.append(digest.hexdigest())
    return tuple(ids)


def follow_up_id(
    parent: str,
    turn: Message,
    model: str,
    sampling: Sampling,
    sample_index: int,
    extra_body: Mapping[str, object] | None = None,
) -> str:
    """Return the id of a request that goes on where the request `parent` ended: its messages, its answer, then `turn`.

    The answer is not hashed but named by the request that bought it, so that all requests of a sample have their ids
    before the first of them is sent, and what is missing is found without reading what is there.
    """
    return content_id(
        {
            "parent": parent,
            "turn": turn.identity(),
            "model": model,
            "sampling": sampling.identity(),
            "sample_index": sample_index,
            **({"extra_body": extra_body} if extra_body else {}),
        }
    )


def grade_id(candidate_id: str, problem: Problem, grader: str, grader_version: str) -> str:
    """Return the id of a grade: which chain, held against which problem, by which version of which grader."""
    return grade_ids((candidate_id,), problem, grader, grader_version)[0]


def grade_ids(candidate_ids: Iterable[str], problem: Problem, grader: str, grader_version: str) -> tuple[str, ...]:
    """Return the `grade_id` of each of some chains: the `content_id` of a list of its four parts."""
    after = b"," + _canonical([problem.problem_id, grader, grader_version])[1:]
    return tuple(
        hashlib.blake2b(b"[" + _canonical(candidate_id) + after, digest_size=16).hexdigest()
        for candidate_id in candidate_ids
    )


def seed_from(*parts: str | int) -> int:
    """Return a 64-bit random seed from named parts, by sha256.

    `seed + index` would make item 1 of seed 42 equal to item 0 of seed 43, and so leak train into test.

    >>> seed_from("fractions", 42, 1) != seed_from("fractions", 43, 0)
    True
    """
    text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
