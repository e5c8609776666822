"""Rounds: how `cotfactory loop` has a teacher learn from what was kept of its own chains, round after round."""

import re
import shlex
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cotfactory.schemas.record import RecipeKeys

PositiveInt = Annotated[int, Field(ge=1)]
PLACEHOLDER = re.compile(r"(?<!\$)\{([a-z]+)\}")
PLACEHOLDERS = {"train": ("release", "out", "from", "round"), "serve": ("out", "port", "model")}
NEEDED = {"train": ("release", "out"), "serve": ("out", "port")}


class Rounds(RecipeKeys):
    """Rounds in which a teacher learns from its own chains, for [`cotfactory loop`](loop.md) and nothing else.

    A round asks, releases `NAME@v0.R.0`, trains on the release and serves what was trained: the next round's teacher.
    Both commands are started in the recipe's folder, without a shell, as you: `--trust-commands` says that they may be.
    """

    max: PositiveInt = 4
    """How many rounds."""
    problems_per_round: PositiveInt
    """Of how many problems a round asks for chains to learn from: the next ones that no round has asked."""
    train: str
    """The command that trains: `sh train.sh {release} {out}`. `{release}` is the release's folder, `{out}` the folder
    that it fills, `{from}` the model to start from (`restart_from`), `{round}` the round's number from 1. It has done
    its work when it ends with code 0. What it says is in `rounds/NAME/R/train.log` of the workspace."""
    serve: str
    """The command that serves what was trained, an OpenAI-compatible server on 127.0.0.1: `sh serve.sh {out} {port}`.
    `{model}` is what requests call the model, for servers that check it. It is waited for (half an hour, or the
    teacher's `wait_for_s`), and ended before the next training."""
    base: str | None = None
    """The model that everything begins with: a folder, relative to the recipe's, or whatever the commands take for a
    model. The first round has it served as `{out}`; null: the first round asks the teacher where the recipe says."""
    restart_from: Literal["base", "last"] = "base"
    """What `{from}` is: `base` in every round (ReST-EM, arXiv 2312.06585), or the model of the last round."""
    keep_rounds: PositiveInt = 2
    """A release holds the chains of so many rounds, the newest."""
    stop_if_falls: Literal["pass_at_1", "pass_at_8"] | None = "pass_at_8"
    """Stop where a round made this worse on the held-out problems for certain: the 95 % interval of the paired
    differences lies below 0. null: go on."""

    @model_validator(mode="after")
    def _commands_have_what_they_need(self) -> Self:
        for key, known in PLACEHOLDERS.items():
            command: str = getattr(self, key)
            try:
                words = shlex.split(command)
            except ValueError as error:
                raise ValueError(
                    f"rounds.{key} is no command: {error}; expected words as a shell reads them"
                ) from error
            found = set(PLACEHOLDER.findall(command))
            lacks = [name for name in NEEDED[key] if name not in found]
            if not words or lacks or not found <= set(known):
                needed, all_known = (", ".join(f"{{{name}}}" for name in names) for names in (NEEDED[key], known))
                raise ValueError(
                    f"rounds.{key} is {command!r}: expected a command with {needed}, of the placeholders {all_known}"
                )
        begins = "{from}" in self.train
        if begins and self.base is None:
            raise ValueError(
                "rounds.train names {from}: expected `rounds.base`, the model that the first round is from"
            )
        if self.restart_from == "last" and not begins:
            raise ValueError(
                "`restart_from: last` without {from} in rounds.train: nothing would tell what to go on from"
            )
        return self
