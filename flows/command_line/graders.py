"""Commands that hand what others wrote to the graders: grade, import, exam, serve; and replay, which hands it out."""

from pathlib import Path
from typing import Annotated

import typer

from cotfactory.flows.command_line.options import WORKSPACE, Debug, Json, NoWorkspace
from cotfactory.flows.command_line.shown import shown


def grade(
    problems: Annotated[Path, typer.Argument(metavar="PROBLEMS", help="A problem file.")],
    recordings: Annotated[Path, typer.Argument(metavar="RECORDINGS", help="Recorded completions.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the grades go, a JSON line each.")],
    grader: Annotated[
        str | None, typer.Option("--grader", metavar="FILE.py:FUNCTION", help="A grader of your own, for all of them.")
    ] = None,
    workspace: NoWorkspace = WORKSPACE,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Grade recorded completions; needs no workspace and no teacher."""
    from cotfactory.flows.inspect.grade_recordings import grade_recordings

    with shown(as_json, debug) as show:
        show(grade_recordings(problems, recordings, out, grader))


def import_(
    source: Annotated[
        str, typer.Argument(metavar="FILE|DIR|REPO", help="A file, a folder of files, or ORG/NAME on the Hub.")
    ],
    form: Annotated[
        str,
        typer.Option(
            "--as",
            metavar="FORMAT",
            help="nemo-gym, verifiers, openr1, openthoughts, synthetic1, distilabel or messages.",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where the files go. Default: NAME-FORMAT.")
    ] = None,
    compare: Annotated[
        bool, typer.Option("--second-opinion", help="Grade them, and print where our verdict and theirs differ.")
    ] = False,
    answer_kind: Annotated[
        str | None, typer.Option("--answer-kind", metavar="KIND", help="Default: choice with choices, else math.")
    ] = None,
    model: Annotated[str, typer.Option(metavar="NAME", help="Who wrote what names no model.")] = "unknown",
    terms: Annotated[str | None, typer.Option("--license", metavar="ID", help="The licence of the rows.")] = None,
    revision: Annotated[str, typer.Option(metavar="REF", help="Of a dataset: a tag, branch or commit.")] = "main",
    split: Annotated[str, typer.Option(metavar="[CONFIG:]SPLIT", help="Of a dataset.")] = "train",
    workspace: NoWorkspace = WORKSPACE,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Turn other people's rollouts or data sets into problems and recordings; nothing is bought."""
    from cotfactory.flows.inspect.import_rollouts import ImportRequest, answer_kind_of, import_rollouts

    with shown(as_json, debug) as show:
        request = ImportRequest(
            source=source,
            form=form,
            out=out,
            revision=revision,
            split=split,
            answer_kind=answer_kind_of(answer_kind),
            license=terms,
            model=model,
        )
        imported = import_rollouts(request)
        if compare and imported.recordings:
            from cotfactory.flows.inspect.second_opinion import second_opinion

            opinion = second_opinion(Path(imported.out), typer.echo)
            imported = imported.model_copy(update={"second_opinion": opinion})
        show(imported)


def exam(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder with labelled exams or recordings.")],
    against: Annotated[
        str | None, typer.Option("--against", metavar="PEER", help="math-verify, on the same rows.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option("--record", metavar="FILE", help="Write our scores by grader there.")
    ] = None,
    workspace: NoWorkspace = WORKSPACE,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Measure the graders on labelled exams: precision, recall, abstentions, time; needs no workspace."""
    from cotfactory.flows.exam.exam import run_exams

    with shown(as_json, debug) as show:
        show(run_exams(folder, against, record, lambda line: typer.echo(line, err=True)))


def replay(
    recordings: Annotated[Path, typer.Argument(metavar="FILE", help="Recorded completions.")],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port on 127.0.0.1.")] = 8900,
    workspace: NoWorkspace = WORKSPACE,
    debug: Debug = False,
) -> None:
    """Serve recorded completions as an OpenAI-compatible teacher, until Ctrl-C."""
    from cotfactory.generators.local_teachers.replay_teacher import serve_replay

    with shown(False, debug):
        serve_replay(recordings, port)


def serve(
    what: Annotated[
        str,
        typer.Argument(metavar="RELEASE|PROBLEMS", help="A release (folder, NAME@vX.Y.Z, ORG/NAME@vX.Y.Z) or a file."),
    ],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8800,
    host: Annotated[str, typer.Option("--host", help="Another than this machine's own needs COTFACTORY_TOKEN.")] = (
        "127.0.0.1"
    ),
    policy: Annotated[str, typer.Option("--policy", metavar="NAME", help="Who is trained: `policy:NAME`.")] = "policy",
    no_store: Annotated[bool, typer.Option("--no-store", help="Keep no rollout.")] = False,
    seal_every: Annotated[
        float, typer.Option("--seal-every", metavar="SECONDS", min=0.1, help="`sql` sees rollouts after so long.")
    ] = 60.0,
    wait_for_programs: Annotated[
        float,
        typer.Option(
            "--wait-for-programs", metavar="SECONDS", min=1, help="Programs without a verdict then are masked."
        ),
    ] = 45.0,
    grader: Annotated[
        str | None, typer.Option("--grader", metavar="FILE.py:FUNCTION", help="A grader of your own, for all of them.")
    ] = None,
    max_time_s: Annotated[
        float | None, typer.Option("--max-time", metavar="SECONDS", min=0.1, help="The most CPU time of one test.")
    ] = None,
    max_memory_mb: Annotated[
        int | None, typer.Option("--max-memory", metavar="MB", min=16, help="The most memory of one test.")
    ] = None,
    max_output_mb: Annotated[
        int | None, typer.Option("--max-output", metavar="MB", min=1, help="The most output of one test.")
    ] = None,
    allow_weak: Annotated[
        bool | None,
        typer.Option("--allow-weak/--no-allow-weak", help="Reward programs whose tests ran within their reach."),
    ] = None,
    any_version: Annotated[
        bool, typer.Option("--any-version", help="Reward releases that other grader versions judged.")
    ] = False,
    require_steps: Annotated[
        bool, typer.Option("--require-steps", help="A right answer with a wrong step is worth an incorrect one.")
    ] = False,
    correct: Annotated[float, typer.Option("--correct", help="What a right answer is worth.")] = 1.0,
    incorrect: Annotated[float, typer.Option("--incorrect", help="What a wrong answer is worth.")] = 0.0,
    no_answer: Annotated[float, typer.Option("--no-answer", help="What no final answer is worth.")] = 0.0,
    length_penalty: Annotated[
        float, typer.Option("--length-penalty", min=0, help="Taken off for every 1,000 characters too many.")
    ] = 0.0,
    free_characters: Annotated[int, typer.Option("--free-characters", min=0, help="Characters that cost nothing.")] = 0,
    format_reward: Annotated[
        float, typer.Option("--format-reward", help="Added where the answer stands in the form that was asked for.")
    ] = 0.0,
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", metavar="DIR", help="Default: the release's own, else ./workspace."),
    ] = None,
    debug: Debug = False,
) -> None:
    """Serve the graders as the reward of a trainer, until Ctrl-C; every rollout is kept as a candidate."""
    from cotfactory.flows.serve.serve import ServeRequest
    from cotfactory.flows.serve.serve import serve as serve_rewards
    from cotfactory.rewards.reward import RewardRules

    rules = RewardRules(correct, incorrect, no_answer, require_steps, length_penalty, free_characters, format_reward)
    code = {"max_time_s": max_time_s, "max_memory_mb": max_memory_mb, "max_output_mb": max_output_mb}
    code["allow_weak"] = allow_weak
    with shown(False, debug):
        serve_rewards(
            ServeRequest(
                *(what, workspace, host, port, policy, not no_store, seal_every, wait_for_programs),
                *(grader, {key: value for key, value in code.items() if value is not None}, any_version, rules),
            ),
            lambda line: typer.echo(line),
        )
