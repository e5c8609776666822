"""The inside of a worker for a grader of the user's own: load its file once, call one of its functions."""

import hashlib
import json
import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any


def call(path: str, sha256: str, function: str | None, *arguments: Any) -> Any:
    """Return what a function of the file returns, as JSON values; for None the names of the file's functions.

    Raises whatever loading the file or the function raises, RuntimeError for a file that changed since the run began,
    TypeError for a return value that is not JSON.
    """
    module = _loaded(path, sha256)
    if function is None:
        return [name for name, value in vars(module).items() if callable(value)]
    return json.loads(json.dumps(getattr(module, function)(*arguments)))


@lru_cache(maxsize=1)
def _loaded(path: str, sha256: str) -> ModuleType:
    code = Path(path).read_bytes()
    if hashlib.sha256(code).hexdigest() != sha256:
        raise RuntimeError("the file was changed during the run: run again")
    module = ModuleType(Path(path).stem)
    module.__file__ = path
    sys.path.insert(0, str(Path(path).parent))
    # The user's own file, which the recipe names; what a model wrote only ever reaches it as text.
    exec(compile(code, path, "exec"), module.__dict__)  # noqa: S102
    return module
