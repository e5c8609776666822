"""Print the reference of products: what each is, its columns as its contract explains them, and a sample row.

The rows are in docs/sample_rows.json: the demo's simulated student wrote them. `--write` puts the page into
docs/products.md. `tests/test_docs.py` fails while the two differ, and where a sample row breaks its contract.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from cotfactory.data_contracts.contract import Contract, load_contract
from cotfactory.schemas.release_rules import Product

DOCS = Path(__file__).parents[1] / "docs"
PAGE, ROWS = DOCS / "products.md", DOCS / "sample_rows.json"
HEAD = """\
<!-- Made by scripts/product_reference.py --write from data_contracts/ and docs/sample_rows.json: edit those. -->
# Products

A release holds one or more products, each a configuration of its own with a contract of its own. Name them in
`release.products` and load them by name:

```python
datasets.load_dataset("workspace/releases/my-first/v1.0.0", "sft")
```

The columns are explained as in the contracts (`data_contracts/`), which every released row must meet. No product but
`all_graded` holds a chain whose end was cut off.
"""


def page() -> str:
    """Return the whole page as Markdown."""
    rows = json.loads(ROWS.read_text("utf-8"))
    return HEAD + "".join(
        text for product in get_args(Product) for text in _section(load_contract(product), rows[product])
    )


def _section(contract: Contract, row: dict[str, Any]) -> Iterator[str]:
    yield f"\n## {contract.product}\n\n{contract.about}\n\n"
    yield "| column | type | meaning |\n|---|---|---|\n"
    for column in contract.columns:
        kind = f"`{column.type}`" + (", or null" if column.nullable else "")
        yield f"| `{column.name}` | {kind} | {column.meaning} |\n"
    yield f"\nA row:\n\n```json\n{json.dumps(row, ensure_ascii=False, indent=2)}\n```\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page(), "utf-8")
    else:
        print(page(), end="")
