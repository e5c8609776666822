"""Why a process of ours failed, which draws pictures or counts tokens apart from the run."""

import subprocess


def why_it_failed(error: Exception) -> str:
    """Return what went wrong without the code that was run, which is in the message of a CalledProcessError."""
    if isinstance(error, subprocess.CalledProcessError):
        last = error.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        return f"the process ended with code {error.returncode}: {last[:300]}"
    if isinstance(error, subprocess.TimeoutExpired):
        return f"the process was not done after {error.timeout:g} s"
    return f"{type(error).__name__}: {error}"
