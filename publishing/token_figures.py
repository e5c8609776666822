"""How many tokens the rows of a release have for a tokenizer, and how its chat template writes them.

Tokenizer and template may come from anywhere, and a template is a program: `publishing/count_tokens.py` reads both in a
process of its own, with limits.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from cotfactory.publishing.failed_process import why_it_failed
from cotfactory.publishing.tokenizer_folder import told_tokenizer
from cotfactory.schemas.errors import InputError
from cotfactory.schemas.record import Record
from cotfactory.schemas.release_rules import Product

COUNT_TIMEOUT_S = 900.0
ROWS_COUNTED = 5_000
"""Of each file of rows the first, which are any: rows are sorted by the hashes that their ids are."""


class ProductTokens(Record):
    """Tokens of a row of one product: over the `counted` ones of its `rows` rows, `total` of all as far as these tell.

    Some the template `refused`, which are no part of the figures; others it wrote without their thinking.
    """

    product: str
    rows: int
    counted: int
    total: int
    median: int
    p95: int
    longest: int
    refused: int
    without_thinking: int


class TokenFigures(Record):
    """What a tokenizer makes of a release: `sha256` is that of its `tokenizer.json`.

    `is_rendered`: rows were counted as its chat template writes them, else their texts alone. `preview` is how the
    template writes the first row of the first product, cut where it is long; `refusal` what it said of the first row
    that it refused.
    """

    tokenizer: str
    sha256: str
    is_rendered: bool
    products: tuple[ProductTokens, ...] = ()
    preview: str | None = None
    refusal: str | None = None


def token_figures(named: str, folder: Path, files: Mapping[Product, Sequence[Path]]) -> TokenFigures:
    """Count the rows in `files`, by product, with the tokenizer in `folder`; without files see whether it can be read.

    Raises InputError for a tokenizer or a template that cannot be read, or is not done in time.
    """
    wanted = {
        "folder": str(folder),
        "files": {product: [str(path) for path in paths] for product, paths in files.items()},
        "rows": ROWS_COUNTED,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "cotfactory.publishing.count_tokens"],
            input=json.dumps(wanted).encode(),
            capture_output=True,
            timeout=COUNT_TIMEOUT_S,
            check=True,
        )
        return TokenFigures.model_validate({"tokenizer": told_tokenizer(named), **json.loads(done.stdout)})
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise InputError(
            f"The tokenizer {told_tokenizer(named)} cannot be used: {why_it_failed(error)}",
            "fix `release.tokenizer`: expected the tokenizer.json of a fast tokenizer, and a chat template of jinja2",
        ) from error
