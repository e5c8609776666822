"""Print the reference of drop reasons: what each means, in the order of the tables of rules that decide them.

`--write` puts the page into docs/drop_reasons.md. `tests/test_docs.py` fails while the two differ.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args

from cotfactory.curation.drop_rules import CHAIN_RULES, SELECTION_RULES, WITHIN_PROBLEM_RULES
from cotfactory.flows import problem_rules
from cotfactory.schemas.drop_reasons import BOUGHT_FOR_OTHER_CHAINS, DROP_REASONS, DropReason, Flag

PAGE = Path(__file__).parents[1] / "docs" / "drop_reasons.md"
HEAD = """\
<!-- Made by scripts/drop_reason_reference.py --write from schemas/drop_reasons.py and the rules: edit those. -->
# Drop reasons

Every chain gets one decision: kept, or dropped for one reason. Reasons are looked for in the order of this page, and
the first one counts. Nothing is deleted: the chain, its grade and its decision stay in the [workspace](workspace.md),
and `decisions.detail` says what the reason rests on.

```sh
cotfactory sql "SELECT reason, detail, problem_id, candidate_id FROM decisions WHERE NOT kept"
```

The rules stand in `flows/problem_rules.py` (problems) and `curation/drop_rules.py` (chains), each under its reason.
"""
LABELS = """
Those from `{first}` to `{last}` only label a chain where `curation.label_only` names them (for `wrong_step` also where
`curation.drop_wrong_steps` is off); by default that is `answer_first` and `answer_from_prompt`.
"""


def page() -> str:
    """Return the whole page as Markdown."""
    flags = get_args(Flag)
    return "".join(
        (
            HEAD,
            *_section("Of problems, before anything is asked", problem_rules.PROBLEM_RULES),
            *_section("Of chains, each on its own", CHAIN_RULES),
            LABELS.format(first=flags[0], last=flags[-1]),
            *_section("Of chains, beside the others of their problem", WITHIN_PROBLEM_RULES),
            *_section("Of chains, beside all others", SELECTION_RULES),
            *_section("Of what was bought for other chains", BOUGHT_FOR_OTHER_CHAINS),
        )
    )


def _section(title: str, reasons: Iterable[DropReason]) -> Iterator[str]:
    yield f"\n## {title}\n\n| reason | meaning |\n|---|---|\n"
    for reason in reasons:
        yield f"| `{reason}` | {DROP_REASONS[reason]} |\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page(), "utf-8")
    else:
        print(page(), end="")
