"""ReleaseStatistics: what card and report.html show of a release's chains, gathered in one pass, in bounded memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from cotfactory.publishing.contaminated import contaminated_ids
from cotfactory.publishing.personal_data import PersonalDataCount
from cotfactory.publishing.products.rl import LeftOut
from cotfactory.publishing.release_counts import ReleaseCounts
from cotfactory.publishing.shown_chain import shown_chain
from cotfactory.publishing.shown_sample import ChainId, ShownSample
from cotfactory.schemas.group import Group


@dataclass(frozen=True)
class ProblemFigures:
    """What statistics, and the contract, need to know of one problem: as much as if its chains had been read.

    `contaminated` are the ids of its chains that decontamination dropped, and its own where that are all.
    """

    problem_id: str
    counts: ReleaseCounts
    chains: tuple[ChainId, ...]
    contaminated: tuple[str, ...]


PROBLEM_FIGURES = TypeAdapter(ProblemFigures)


@dataclass
class ReleaseStatistics:
    """Counts and a sample of the chains that passed by."""

    counts: ReleaseCounts = field(default_factory=ReleaseCounts)
    sample: ShownSample = field(default_factory=ShownSample)

    def add(
        self, groups: Sequence[Group], without_rl: LeftOut | None = None, personal: PersonalDataCount | None = None
    ) -> ProblemFigures:
        """Count all groups of one problem, and return their figures.

        `without_rl` says why it has no row in `rl`; `personal` is what was found of personal data.
        """
        counts = ReleaseCounts() if personal is None else ReleaseCounts(personal_data=personal)
        counts.add(groups, without_rl)
        chains = [
            (group, graded, decision)
            for group in groups
            for graded, decision in zip(group.candidates, group.decisions, strict=True)
        ]
        figures = ProblemFigures(
            problem_id=groups[0].problem.problem_id,
            counts=counts,
            chains=tuple(ChainId(graded.candidate.candidate_id, decision.reason) for _, graded, decision in chains),
            contaminated=tuple(contaminated_ids(groups)),
        )
        self.counts.merge(counts)
        self.sample.add(figures.problem_id, figures.chains, lambda place: shown_chain(*chains[place]))
        return figures

    def add_figures(self, figures: ProblemFigures) -> None:
        """Count a problem by its figures. What is shown of it has to be read again, where it is."""
        self.counts.merge(figures.counts)
        self.sample.add(figures.problem_id, figures.chains, None)
