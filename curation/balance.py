"""Balance over domains: no domain keeps more than its cap, or more than its share of all kept chains."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cotfactory.schemas.curation import Curation
from cotfactory.schemas.errors import RecipeError
from cotfactory.schemas.ids import seed_from


class DomainCount(NamedTuple):
    """How many chains of one problem were kept, and the problem's domain."""

    problem_id: str
    domain: str
    kept: int


def over_domain_share(counts: Sequence[DomainCount], curation: Curation) -> set[str]:
    """Return the ids of the problems to leave out, so that every domain stays within its cap.

    Within a domain problems are taken in the order of a hash of their id, each whole, as long as they fit.
    Raises RecipeError for a share that cannot be met by so few domains.
    """
    caps = _caps(counts, curation)
    taken: dict[str, int] = defaultdict(int)
    out = set()
    for count in sorted(counts, key=lambda count: (seed_from("balance", count.problem_id), count.problem_id)):
        cap = caps[count.domain]
        if cap is not None and taken[count.domain] + count.kept > cap:
            out.add(count.problem_id)
        else:
            taken[count.domain] += count.kept
    return out


def require_domains(count: int, curation: Curation) -> None:
    """Raise RecipeError when so few domains cannot all stay within `max_domain_share`."""
    share = curation.max_domain_share
    if share is not None and count and share * count < 1:
        raise RecipeError(
            f"No domain may hold more than {share:.0%} of the rows, but the problems are of {count} domains only",
            "raise curation.max_domain_share, or add problems of other domains",
        )


def _caps(counts: Sequence[DomainCount], curation: Curation) -> Mapping[str, int | None]:
    totals: dict[str, int] = defaultdict(int)
    for count in counts:
        totals[count.domain] += count.kept
    share = curation.max_domain_share
    most = curation.max_per_domain
    if share is None:
        return dict.fromkeys(totals, most)
    kept = {domain: total for domain, total in totals.items() if total}
    require_domains(len(kept), curation)
    # The largest cap that is within its share of what all domains then keep: from the top down it only shrinks.
    cap = min(max(kept.values(), default=0), most or max(kept.values(), default=0))
    while cap and cap > share * sum(min(cap, total) for total in kept.values()):
        cap = min(cap - 1, int(share * sum(min(cap, total) for total in kept.values())))
    return dict.fromkeys(totals, cap)
