"""Programs in other languages: compiled once, as a candidate; then run for each case from what came of it.

Sent into the container as text. A compiler reads a text that a model wrote, so it is itself held like a program. What
it makes is bytes for the host, which sends them along with each case: an executable is run from a file in memory, since
the candidate's folder allows none, everything else from that folder.
"""

import os
import re
from typing import NoReturn

from cotfactory.graders.sandbox.values import DOES_NOT_COMPILE, MISSING_LANGUAGE

MOST_MESSAGE = 2000
Commands = tuple[tuple[str, ...], ...]
COMPILERS: dict[str, tuple[Commands, ...]] = {
    "cpp": tuple((("g++", "-O2", f"-std={year}", "-o", "program", "{source}"),) for year in ("gnu++20", "gnu++17")),
    "go": ((("go", "build", "-o", "program", "{source}"),),),
    "rust": ((("rustc", "-O", "--edition=2021", "-o", "program", "{source}"),),),
    "java": ((("javac", "-d", "classes", "{source}"), ("jar", "cfe", "program", "{main}", "-C", "classes", ".")),),
}
"""The commands that make `program`, run in the candidate's folder; further ones are tried where the first refuse.

What was C++ in 2017 is not always C++20: `u8"x"` is no `char` there, and `concept` no name.
"""
SETTINGS = {"GOCACHE": "/tmp/.go", "CGO_ENABLED": "0"}  # noqa: S108 - the container's own
"""The environment of compilers beside that of every program."""
SOURCES = {"cpp": "program.cpp", "go": "program.go", "rust": "program.rs", "java": "{main}.java"}
RUNNERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "javascript": ("program.js", ("node", "--stack-size=50000", "program.js")),
    "java": ("program.jar", ("java", "-Xss64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-jar", "program.jar")),
}
"""Of what is no executable: as which file it lies in the candidate's folder, and the command that runs it."""
MAIN_CLASS = re.compile(r"\bpublic\s+(?:final\s+)?class\s+(\w+)|\bclass\s+(\w+)\s*\{[^{}]*\bvoid\s+main\b")


def compile_program(source: str, language: str) -> tuple[bytes, int]:
    """Return what the compiler made and 0, or what it said and an exit code."""
    import subprocess  # not warm: it brings threading with it

    found = MAIN_CLASS.search(source) if language == "java" else None
    names = {"main": next(filter(None, found.groups()), "Main") if found else "Main"}
    names["source"] = SOURCES[language].format(**names)
    with open(names["source"], "w", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - pathlib is not warm
        file.write(source)
    for name, value in SETTINGS.items():
        os.putenv(name, value)
    refusals = []
    for commands in COMPILERS[language]:
        for command in commands:
            filled = [part.format(**names) for part in command]
            try:
                done = subprocess.run(  # noqa: S603
                    filled,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    check=False,
                )
            except FileNotFoundError:
                return f"{command[0]} is not in the image".encode(), MISSING_LANGUAGE
            if done.returncode != 0:
                refusals.append(done.stdout[:MOST_MESSAGE])
                break
        else:
            with open("program", "rb") as made:  # noqa: PTH123 - pathlib is not warm
                return made.read(), 0
    return refusals[0], DOES_NOT_COMPILE


def become(language: str, args: list[str], artifact: bytes, executable: int) -> NoReturn:
    """Be the compiled program from here on; exits where its interpreter is not in the image."""
    if language not in RUNNERS:
        os.execv(f"/proc/self/fd/{executable}", ["program", *args])  # noqa: S606
    name, command = RUNNERS[language]
    with open(name, "wb") as file:  # noqa: PTH123 - pathlib is not warm
        file.write(artifact)
    try:
        os.execvp(command[0], [*command, *args])  # noqa: S606
    finally:
        os._exit(MISSING_LANGUAGE)
