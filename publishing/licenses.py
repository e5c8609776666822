"""LICENSES: what a licence asks of those who pass data on; whether a mix may be released under the declared one.

Ids and expressions are read by `license-expression` (SPDX). What each licence asks is an explicit table of what is
common on the Hub, by the Hub's own ids; terms of teachers' services by the names below. It is a guard against the plain
mistakes, not legal advice: a licence that is not in the table is named as unknown.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from license_expression import ExpressionError, Licensing, get_spdx_licensing

from cotfactory.schemas.errors import RecipeError
from cotfactory.schemas.record import Record

NOT_STATED = "not stated"


class Terms(Record):
    """What a licence asks. `share_alike` names the family under which alone adapted material may be shared."""

    share_alike: str | None = None
    non_commercial: bool = False
    no_derivatives: bool = False
    no_competitors: bool = False

    @property
    def named(self) -> str:
        """Return the terms for people, the strictest first."""
        asked = {
            "forbids training competing models": self.no_competitors,
            "no derivatives": self.no_derivatives,
            "non-commercial": self.non_commercial,
            "share-alike": self.share_alike is not None,
        }
        return ", ".join(name for name, is_asked in asked.items() if is_asked) or "permissive"

    @property
    def strictness(self) -> tuple[bool, bool, bool, bool]:
        """Return what to compare by: the greater, the stricter."""
        return self.no_competitors, self.no_derivatives, self.non_commercial, self.share_alike is not None


PERMISSIVE = Terms()
BY_SA = Terms(share_alike="cc-by-sa")
BY_NC = Terms(non_commercial=True)
BY_NC_SA = Terms(share_alike="cc-by-nc-sa", non_commercial=True)
BY_ND = Terms(no_derivatives=True)
BY_NC_ND = Terms(non_commercial=True, no_derivatives=True)
NO_COMPETITORS = Terms(no_competitors=True)

LICENSES: Mapping[str, Terms] = {
    **dict.fromkeys(
        ("mit", "apache-2.0", "bsd", "bsd-2-clause", "bsd-3-clause", "isc", "unlicense", "wtfpl", "zlib", "bsl-1.0",
         "cc0-1.0", "pddl", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "odc-by", "cdla-permissive-1.0",
         "cdla-permissive-2.0"),
        PERMISSIVE,
    ),
    **dict.fromkeys(("cc-by-sa-3.0", "cc-by-sa-4.0"), BY_SA),
    **dict.fromkeys(("cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0"), BY_NC),
    **dict.fromkeys(("cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0"), BY_NC_SA),
    "cc-by-nd-4.0": BY_ND,
    **dict.fromkeys(("cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0"), BY_NC_ND),
    "odbl": Terms(share_alike="odbl"),
    "cdla-sharing-1.0": Terms(share_alike="cdla-sharing"),
    **dict.fromkeys(("gpl-2.0", "gpl-3.0"), Terms(share_alike="gpl")),
    **dict.fromkeys(("lgpl-2.1", "lgpl-3.0"), Terms(share_alike="lgpl")),
    "agpl-3.0": Terms(share_alike="agpl"),
    **dict.fromkeys(
        ("openai-terms", "anthropic-terms", "gemini-terms", "xai-terms", "mistral-terms", "llama2", "llama3"),
        NO_COMPETITORS,
    ),
}  # fmt: skip


def alternatives(licence: str) -> tuple[tuple[str, ...], ...]:
    """Return between which licences an SPDX expression lets one choose, and which hold together in each case.

    Ids come as the Hub writes them. What is no expression is one licence with that name.

    >>> alternatives("MIT OR (CC-BY-4.0 AND GPL-3.0-or-later)"), alternatives("Apache 2.0")
    ((('mit',), ('cc-by-4.0', 'gpl-3.0')), (('apache-2.0',),))
    """
    name = "-".join(licence.lower().split())
    if name in LICENSES:
        return ((name,),)
    try:
        parsed = _spdx().parse(licence, simple=True)
    except ExpressionError:
        parsed = None
    if parsed is None or _spdx().unknown_license_keys(parsed):
        return ((name,),)
    choices = parsed.args if isinstance(parsed, _spdx().OR) else (parsed,)
    return tuple(tuple(_hub_id(symbol.key) for symbol in _spdx().license_symbols(choice)) for choice in choices)


@cache
def _spdx() -> Licensing:
    return get_spdx_licensing()


def _hub_id(spdx_id: str) -> str:
    return spdx_id.lower().removesuffix("-only").removesuffix("-or-later").removesuffix("+")


def terms_of(licence: str) -> Terms | None:
    """Return what a licence asks, of several to choose from the least; None for one that is not in the table."""
    choices = [[LICENSES.get(name) for name in together] for together in alternatives(licence)]
    known = [_together([terms for terms in asked if terms]) for asked in choices if None not in asked]
    return min(known, key=lambda terms: terms.strictness, default=None)


def _together(asked: Sequence[Terms]) -> Terms:
    return Terms(
        share_alike=next((terms.share_alike for terms in asked if terms.share_alike), None),
        non_commercial=any(terms.non_commercial for terms in asked),
        no_derivatives=any(terms.no_derivatives for terms in asked),
        no_competitors=any(terms.no_competitors for terms in asked),
    )


def refuse_forbidden_mix(
    declared: str, problem_licenses: Iterable[str | None], teacher_licenses: Mapping[str, str | None]
) -> None:
    """Raise RecipeError when what goes in may not be released under the `declared` licence.

    A licence that is not stated (None) or not in the table refuses nothing; neither does a declared one that is not.
    """
    release = terms_of(declared)
    sources = [
        (f"problems under {licence}", licence)
        for licence in sorted({problem_license for problem_license in problem_licenses if problem_license})
    ]
    sources += [(f"teacher {name!r} under {licence}", licence) for name, licence in teacher_licenses.items() if licence]
    for who, licence in sources:
        faults = [
            [why for name in together if (why := _why_not(name, declared, release))]
            for together in alternatives(licence)
        ]
        if all(faults):
            why = faults[0][0]
            raise RecipeError(
                f"Nothing with {who} may be released as {declared}: {why}",
                "leave them out, or declare in `release.license` one that keeps these terms",
            )


def _why_not(licence: str, declared: str, release: Terms | None) -> str | None:
    terms = LICENSES.get(licence)
    if terms is None:
        return None
    if terms.no_derivatives:
        return "no adapted material may be shared, and a chain about a problem is that"
    if release is None:
        return None
    if terms.no_competitors and not release.no_competitors:
        return "these terms forbid to train competing models on what comes out, which the declared licence allows"
    if terms.non_commercial and not release.non_commercial:
        return "commercial use is forbidden, which the declared licence allows"
    if terms.share_alike is not None and (
        terms.share_alike != release.share_alike or _version(licence) > _version(declared)
    ):
        return f"what is made of it may be shared under the same licence only: expected {licence} or a later version"
    return None


def _version(licence: str) -> float:
    """Return the version at the end of an id, 0 without one.

    >>> _version("cc-by-sa-4.0")
    4.0
    """
    last = _hub_id(licence.strip().replace(" ", "-")).rpartition("-")[2]
    return float(last) if last.replace(".", "", 1).isdigit() else 0.0


class LicenseLine(Record):
    """One licence of what went in, for the card."""

    license: str
    of: str
    terms: str


def license_lines(problems: Mapping[str, int], teachers: Mapping[str, str | None]) -> list[LicenseLine]:
    """Return the licences of problems (with their counts) and teachers, the strictest first, unknown ones last.

    Spellings of one licence (`MIT`, `mit`) are told by that of most problems, theirs in one line.
    """
    spellings: dict[str, list[str]] = defaultdict(list)
    for licence in sorted(problems, key=lambda licence: (-problems[licence], licence)):
        spellings[licence.strip().lower()].append(licence)
    parts = [(same[0], f"{sum(problems[licence] for licence in same):,} problems") for same in spellings.values()]
    for name, stated in teachers.items():
        licence = stated or NOT_STATED
        parts.append((spellings.get(licence.strip().lower(), [licence])[0], f"teacher {name}"))
    known = [(terms, licence, of) for licence, of in parts if (terms := terms_of(licence)) is not None]
    lines = [
        LicenseLine(license=licence, of=of, terms=terms.named)
        for terms, licence, of in sorted(known, key=lambda line: line[0].strictness, reverse=True)
    ]
    unknown = [(licence, of) for licence, of in parts if terms_of(licence) is None]
    return lines + [
        LicenseLine(license=licence, of=of, terms="unknown" if licence == NOT_STATED else "unknown to us: read them")
        for licence, of in unknown
    ]
