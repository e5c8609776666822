"""How varied the kept chains of a release are: distinct n-grams, forms of questions, methods a problem, the longest.

Distinct-n is the share of different n-grams among all (Li et al., 2016), over a sample of the chains. Forms of
questions are counted with their k smallest hashes (Bar-Yossef et al., 2002): exactly up to FORMS_HELD, then within 3 %.
"""

import hashlib
import heapq
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

from cotfactory.publishing.shown_chain import ShownChain, sha_key
from cotfactory.schemas.group import Group
from cotfactory.schemas.record import Record

NGRAMS = (2, 4)
LONGEST_SHOWN = 5
FORMS_HELD = 4_096
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
OPERATION = re.compile(r"(\d{1,15}(?:[.,]\d{1,15})?) ?([-+*/×÷·^]) ?(\d{1,15}(?:[.,]\d{1,15})?)")
TEXT_READ = 20_000
"""Characters of a chain in which operations are looked for."""
HASHES = 2**64


class TellingChain(Record):
    """A chain to point at: its id, its problem, and what makes it stand out."""

    candidate_id: str
    problem: str
    measure: str


class DiversityFigures(Record):
    """What card and page tell. `distinct` has the share of different n-grams by n, over `sampled` kept chains.

    `questions` have about `forms` forms, numbers left out; `problems` have two kept chains or more that compute,
    and `methods` different sets of operations in all. `longest` are by output tokens, `most_unlike` by the share of
    their n-grams that no other chain of the sample has.
    """

    sampled: int
    distinct: dict[int, float]
    questions: int
    forms: int
    problems: int
    methods: int
    longest: tuple[TellingChain, ...]
    most_unlike: tuple[TellingChain, ...]


@dataclass
class Diversity:
    """Counts what passes by, in bounded memory.

    `forms` are hashes of forms of questions, the smallest FORMS_HELD among them at least. `longest` are the chains with
    most output tokens, the least of them first: tokens, key, candidate id, problem.
    """

    questions: int = 0
    problems: int = 0
    methods: int = 0
    forms: set[int] = field(default_factory=set)
    longest: list[tuple[int, int, str, str]] = field(default_factory=list)

    def add(self, groups: Sequence[Group]) -> None:
        """Count all groups of one problem of which a chain is kept."""
        kept = [
            graded
            for group in groups
            for graded, decision in zip(group.candidates, group.decisions, strict=True)
            if decision.kept
        ]
        if not kept:
            return
        self.questions += 1
        self.forms.add(_form(groups[0].problem.question))
        self._cut_forms()
        found = [operations for graded in kept if (operations := _operations(graded.text))]
        if len(found) > 1:
            self.problems += 1
            self.methods += len(set(found))
        for graded in kept:
            name, problem = graded.candidate.candidate_id, groups[0].problem.named
            self._hold((graded.output_tokens, sha_key(name, problem), name, problem))

    def merge(self, other: Self) -> None:
        """Add the counts of further problems."""
        self.questions += other.questions
        self.problems += other.problems
        self.methods += other.methods
        self.forms |= other.forms
        self._cut_forms()
        for entry in other.longest:
            self._hold(entry)

    def figures(self, sample: Sequence[ShownChain]) -> DiversityFigures:
        """Return what to tell; `sample` are kept chains as they are shown."""
        grams = {n: [_ngrams(chain, n) for chain in sample] for n in NGRAMS}
        return DiversityFigures(
            sampled=len(sample),
            distinct={n: _distinct(found) for n, found in grams.items()},
            questions=self.questions,
            forms=self._form_count(),
            problems=self.problems,
            methods=self.methods,
            longest=tuple(
                TellingChain(candidate_id=name, problem=problem, measure=f"{tokens:,} output tokens")
                for tokens, _, name, problem in sorted(self.longest, reverse=True)
            ),
            most_unlike=_most_unlike(sample, grams[NGRAMS[-1]]),
        )

    def _cut_forms(self) -> None:
        if len(self.forms) > 2 * FORMS_HELD:
            self.forms = set(heapq.nsmallest(FORMS_HELD, self.forms))

    def _form_count(self) -> int:
        if len(self.forms) < FORMS_HELD:
            return len(self.forms)
        largest = heapq.nsmallest(FORMS_HELD, self.forms)[-1]
        return min(self.questions, round((FORMS_HELD - 1) * HASHES / largest))

    def _hold(self, entry: tuple[int, int, str, str]) -> None:
        keep = heapq.heappush if len(self.longest) < LONGEST_SHOWN else heapq.heappushpop
        keep(self.longest, entry)


def _form(question: str) -> int:
    """Return a hash of a question's form."""
    form = " ".join(NUMBER.sub("#", question).casefold().split())
    return int.from_bytes(hashlib.blake2b(form.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _operations(text: str) -> frozenset[tuple[str, ...]]:
    return frozenset(OPERATION.findall(text[:TEXT_READ]))


def _ngrams(chain: ShownChain, n: int) -> list[tuple[str, ...]]:
    words = f"{chain.reasoning}\n{chain.response}".casefold().split()
    return list(zip(*(words[start:] for start in range(n)), strict=False))


def _distinct(found: Iterable[list[tuple[str, ...]]]) -> float:
    every = [gram for grams in found for gram in grams]
    return len(set(every)) / len(every) if every else 0.0


def _most_unlike(sample: Sequence[ShownChain], found: Sequence[list[tuple[str, ...]]]) -> tuple[TellingChain, ...]:
    in_chains: dict[tuple[str, ...], int] = {}
    for grams in found:
        for gram in set(grams):
            in_chains[gram] = in_chains.get(gram, 0) + 1
    shares = [
        (sum(in_chains[gram] == 1 for gram in set(grams)) / len(set(grams)), chain)
        for chain, grams in zip(sample, found, strict=True)
        if grams
    ]
    shares.sort(key=lambda entry: (-entry[0], entry[1].candidate_id))
    return tuple(
        TellingChain(
            candidate_id=chain.candidate_id, problem=chain.problem, measure=f"{share:.0%} of its 4-grams are its own"
        )
        for share, chain in shares[:LONGEST_SHOWN]
    )
