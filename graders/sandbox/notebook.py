"""Run the last of some cells of Python in the sandbox, all before it first, and say what it shows."""

import json
from collections.abc import Sequence

from cotfactory.graders.sandbox.execution import Cells, Execution, Sandbox
from cotfactory.schemas.errors import SandboxError
from cotfactory.schemas.python_tool import MOST_RESULT_CHARACTERS

STOPPED = "Stopped: "
"""How a result begins whose cell was ended from outside: what it did is lost, and it is left out from then on."""
NOTHING = "[no output]"
STARVED_TRIES = 2


def show_last(cells: Sequence[str], sandbox: Sandbox) -> str:
    """Return what the last cell shows. Raises SandboxError for what is not the cells' fault."""
    execution = Execution(program="", way=Cells(cells=tuple(cells), most_characters=MOST_RESULT_CHARACTERS))
    for _ in range(STARVED_TRIES):
        (result,) = sandbox.run([execution])
        if not result.starved:
            break
    else:
        raise SandboxError("a call of the tool python got no CPU", "run again on a machine that is less busy")
    if result.timed_out:
        return f"{STOPPED}it took too long"
    if result.memory_exceeded:
        return f"{STOPPED}it took too much memory"
    if result.output_exceeded or result.exit_code:
        return f"{STOPPED}the interpreter ended"
    try:
        shown = json.loads(result.output)["shown"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return f"{STOPPED}the interpreter ended"
    return str(shown) or NOTHING
