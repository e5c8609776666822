"""Executions in one line, and what they return."""

import json
from typing import Any

from cotfactory.graders.sandbox.execution import Call, Execution, ExecutionResult, Sandbox


def call(program: str, *args: Any, entry_point: str = "f") -> Execution:
    return Execution(program=program, way=Call(entry_point=entry_point, args=args))


def run_one(sandbox: Sandbox, execution: Execution) -> ExecutionResult:
    (result,) = sandbox.run([execution])
    return result


def returned(sandbox: Sandbox, program: str, *args: Any) -> Any:
    result = run_one(sandbox, call(program, *args))
    assert result.exit_code == 0, result
    return json.loads(result.output)
