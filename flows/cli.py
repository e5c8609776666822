"""The command line: `cotfactory ...`. Imports the heavy things inside the command, so that --help is instant."""

import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from cotfactory.flows.host.signals import DRAIN_S, StopSignals
from cotfactory.schemas.errors import CotfactoryError, InputError
from cotfactory.schemas.printable import printable

app = typer.Typer(
    name="cotfactory",
    help="A factory for verified reasoning data: ask teachers, grade every chain, release what is right.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

sandbox = typer.Typer(help="The containers that programs run in.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(sandbox, name="sandbox")


class _ReviewCommands(typer.core.TyperGroup):
    """`review RECIPE` serves the page: what is no name of a command of its own is a recipe."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["serve", *args]
        return super().parse_args(ctx, args)


review = typer.Typer(
    help="Have people review a recipe's chains: `review RECIPE` serves the page.",
    no_args_is_help=True,
    rich_markup_mode=None,
    cls=_ReviewCommands,
)
app.add_typer(review, name="review")

RecipePath = Annotated[Path, typer.Argument(metavar="RECIPE", help="The recipe, a YAML file.")]
Workspace = Annotated[Path, typer.Option("--workspace", metavar="DIR", help="Where everything is kept.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
LogLevel = Annotated[
    str, typer.Option("--log-level", metavar="LEVEL", help="debug, info, warning, error: what logs/RUN_ID.jsonl holds.")
]
RecipeWorkspace = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        metavar="DIR",
        help="Where everything is kept. Default: the folder workspace beside the recipe, else in the current folder.",
    ),
]
Trust = Annotated[
    list[str] | None,
    typer.Option("--trust", metavar="HOST", help="The recipe's keys may go to this host; remembered. May be repeated."),
]
Create = Annotated[bool, typer.Option("--create", help="Make the repository if it does not exist, without asking.")]
WORKSPACE = Path("workspace")
# Every command takes --workspace, so that a script can always pass it; some keep nothing.
NoWorkspace = Annotated[Path, typer.Option("--workspace", hidden=True)]


@app.command()
def run(
    recipe: Annotated[Path | None, typer.Argument(metavar="[RECIPE]", help="Default: the offline demo.")] = None,
    workspace: RecipeWorkspace = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Take only the first N problems.")] = None,
    direct: Annotated[bool, typer.Option("--direct", help="Run the same stages without Prefect.")] = False,
    publish: Annotated[bool, typer.Option("--publish", help="Send the release to release.repo.")] = False,
    create: Create = False,
    drain_s: Annotated[
        float, typer.Option("--drain-s", metavar="SECONDS", min=0, help="How long Ctrl-C and SIGTERM wait for answers.")
    ] = DRAIN_S,
    trust: Trust = None,
    log_level: LogLevel = "info",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Run a recipe from its problems to its release. Resumes by itself; nothing is paid twice."""
    from cotfactory.flows.run import run_recipe

    with _shown(as_json, debug) as show:
        _trust(recipe, trust)
        show(
            run_recipe(
                recipe,
                _workspace_of(recipe, workspace),
                limit,
                direct=direct,
                publish=publish,
                create=create,
                ask=_ask(),
                log_level=log_level,
                drain_s=drain_s,
            )
        )


@app.command()
def deploy(
    recipe: RecipePath,
    cron: Annotated[
        str | None, typer.Option("--cron", metavar="CRON", help='When it is run: "0 2 * * *". Default: when asked.')
    ] = None,
    timezone: Annotated[str, typer.Option("--timezone", metavar="ZONE", help="Of the schedules.")] = "UTC",
    publish: Annotated[bool, typer.Option("--publish", help="Send each release to release.repo.")] = False,
    create: Create = False,
    check_cron: Annotated[
        str | None, typer.Option("--check-cron", metavar="CRON", help="When it is checked and planned, for nothing.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Take only the first N problems.")] = None,
    pool: Annotated[str, typer.Option("--pool", metavar="NAME", help="The work pool; made where there is none.")] = (
        "cotfactory"
    ),
    pause: Annotated[bool, typer.Option("--pause", help="Have nothing more scheduled.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after --pause.")] = False,
    run_now: Annotated[bool, typer.Option("--run-now", help="Have a worker run it at once.")] = False,
    delete: Annotated[bool, typer.Option("--delete", help="Take it from the server; the workspace stays.")] = False,
    workspace: RecipeWorkspace = None,
    trust: Trust = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Have a recipe run by the workers of a Prefect server, on a schedule; nothing is asked now."""
    with _shown(as_json, debug) as show:
        from cotfactory.flows.deploy import Action, DeployRequest, change_deployments, deploy_recipe

        wishes: dict[Action, bool] = {"pause": pause, "resume": resume, "run": run_now, "delete": delete}
        wanted = [action for action, is_wanted in wishes.items() if is_wanted]
        if len(wanted) > 1:
            raise InputError("--pause, --resume, --run-now and --delete exclude each other", "give one of them")
        if wanted:
            show(change_deployments(recipe, wanted[0]))
            return
        _trust(recipe, trust)
        show(
            deploy_recipe(
                DeployRequest(
                    recipe=recipe,
                    workspace=_workspace_of(recipe, workspace),
                    cron=cron,
                    check_cron=check_cron,
                    timezone=timezone,
                    publish=publish,
                    create=create,
                    limit=limit,
                    pool=pool,
                ),
                _ask(),
            )
        )


@app.command()
def plan(recipe: RecipePath, workspace: RecipeWorkspace = None, as_json: Json = False, debug: Debug = False) -> None:
    """Say what a run would ask, reuse and spend. Spends nothing."""
    from cotfactory.flows.inspect.estimate import plan_recipe

    with _shown(as_json, debug) as show:
        show(plan_recipe(recipe, _workspace_of(recipe, workspace)))


@app.command()
def check(
    recipe: RecipePath,
    workspace: RecipeWorkspace = None,
    asks: Annotated[
        bool, typer.Option("--ask/--no-ask", help="Ask each endpoint one question, 16 tokens long.")
    ] = True,
    trust: Trust = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Check the recipe, its endpoints, the sandbox and every reference answer, before tokens are bought."""
    from cotfactory.flows.inspect.check_recipe import check_recipe

    with _shown(as_json, debug) as show:
        _trust(recipe, trust)
        show(check_recipe(recipe, _workspace_of(recipe, workspace), asks=asks))


@app.command()
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

    with _shown(as_json, debug) as show:
        show(grade_recordings(problems, recordings, out, grader))


@app.command(name="import")
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

    with _shown(as_json, debug) as show:
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


@app.command()
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

    with _shown(as_json, debug) as show:
        show(run_exams(folder, against, record, lambda line: typer.echo(line, err=True)))


@app.command()
def loop(
    recipe: RecipePath,
    workspace: RecipeWorkspace = None,
    direct: Annotated[bool, typer.Option("--direct", help="Run the same stages without Prefect.")] = False,
    drain_s: Annotated[
        float, typer.Option("--drain-s", metavar="SECONDS", min=0, help="How long Ctrl-C and SIGTERM wait for answers.")
    ] = DRAIN_S,
    trust: Trust = None,
    trust_commands: Annotated[
        bool, typer.Option("--trust-commands", help="The recipe's train and serve commands may run; remembered.")
    ] = False,
    log_level: LogLevel = "info",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Have a teacher learn from what was kept of its chains, round after round. Resumes by itself."""
    from cotfactory.flows.host import trusted_commands
    from cotfactory.flows.loop.run_loop import loop_recipe
    from cotfactory.flows.settings import load_recipe

    with _shown(as_json, debug) as show:
        _trust(recipe, trust)
        trusted_commands.trust_commands(load_recipe(recipe), recipe.parent, said=trust_commands, ask=_ask())
        place = _workspace_of(recipe, workspace)
        show(loop_recipe(recipe, place, direct=direct, log_level=log_level, drain_s=drain_s))


@app.command()
def prove(
    arms: Annotated[
        str, typer.Option("--arms", metavar="NAME,...", help="strict, answer, majority, unverified.")
    ] = "strict,answer,majority,unverified",
    recipe: Annotated[
        Path | None, typer.Option("--recipe", metavar="RECIPE", help="One arm more: this recipe's curation keys.")
    ] = None,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="How often the students learn.")] = 6,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How often all of it is done.")] = 2,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where the page goes.")] = Path(
        "prove.html"
    ),
    workspace: Workspace = Path("prove"),
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Show on a small model that what was kept teaches, and what was not does not; needs the extra `prove`."""
    from cotfactory.flows.loop.run_prove import prove_arms

    with _shown(as_json, debug) as show:
        show(prove_arms(arms.split(","), recipe, workspace, rounds, seeds, out))


@app.command()
def regrade(
    recipe: RecipePath,
    workspace: RecipeWorkspace = None,
    log_level: LogLevel = "info",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Grade what is stored again and list the verdicts that flipped. Asks no teacher."""
    from cotfactory.flows.run import regrade_recipe

    with _shown(as_json, debug) as show:
        show(regrade_recipe(recipe, _workspace_of(recipe, workspace), log_level))


@app.command()
def release(
    recipe: RecipePath,
    workspace: RecipeWorkspace = None,
    version: Annotated[
        str | None, typer.Option("--version", metavar="vX.Y.Z", help="Default: decided by what changed.")
    ] = None,
    log_level: LogLevel = "info",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Curate and release what is stored. Asks no teacher."""
    from cotfactory.flows.run import release_recipe

    with _shown(as_json, debug) as show:
        show(release_recipe(recipe, _workspace_of(recipe, workspace), version, log_level))


@app.command()
def diff(
    a: Annotated[
        str,
        typer.Argument(metavar="A", help="The older release: a folder, NAME@vX.Y.Z, or ORG/NAME@vX.Y.Z on the Hub."),
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="The newer one.")],
    workspace: Workspace = WORKSPACE,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Count the rows that were added, removed and changed between two releases, by source and by reason."""
    from cotfactory.flows.release.publish import compare

    with _shown(as_json, debug) as show:
        show(compare(a, b, workspace))


@app.command()
def rebuild(
    release: Annotated[str, typer.Argument(metavar="RELEASE", help="A release folder, or NAME@vX.Y.Z.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the release is made again.")],
    workspace: Workspace = WORKSPACE,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Make a release again from its manifest and the workspace, and check that it holds the same rows."""
    from cotfactory.flows.release.rebuild import rebuild as make_again

    with _shown(as_json, debug) as show:
        show(make_again(release, workspace, out))


@app.command()
def publish(
    release: Annotated[str, typer.Argument(metavar="RELEASE", help="A release folder, or NAME@vX.Y.Z.")],
    repo: Annotated[
        str | None, typer.Option("--repo", metavar="ORG/NAME", help="The dataset on the Hub. Default: the recipe's.")
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="Everybody may read the repository, all versions in it. Default: private.")
    ] = False,
    create: Create = False,
    workspace: Workspace = WORKSPACE,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Send a release to the Hugging Face Hub as one commit and one tag. Its contract must have passed."""
    from cotfactory.flows.release.publish import publish_folder

    with _shown(as_json, debug) as show:
        show(publish_folder(release, repo, workspace, public=public, create=create, ask=_ask()))


@app.command()
def sql(
    question: Annotated[
        str | None, typer.Argument(metavar="SELECT ...|NAME", help="DuckDB's SQL, or the name of a canned question.")
    ] = None,
    workspace: Workspace = WORKSPACE,
    listed: Annotated[bool, typer.Option("--list", help="List the canned questions.")] = False,
    form: Annotated[str, typer.Option("--format", metavar="table|csv|json", help="How to print rows.")] = "table",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    debug: Debug = False,
) -> None:
    """Ask the catalog: problems, candidates, grades, rewards, decisions, reviews, runs, releases."""
    from cotfactory.flows.inspect.ask_catalog import answer, list_questions

    form = "json" if as_json else form
    with _shown(False, debug) as show:
        show(list_questions(form) if listed else answer(question, workspace, form))


@app.command()
def report(
    release: Annotated[
        str | None, typer.Argument(metavar="[RELEASE]", help="A release folder, or NAME@vX.Y.Z. Default: the latest.")
    ] = None,
    workspace: Workspace = WORKSPACE,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Say where the report of a release is: one page, to be opened in a browser."""
    from cotfactory.flows.release.publish import find_report

    with _shown(as_json, debug) as show:
        show(find_report(release, workspace))


@app.command()
def settle(
    recipe: RecipePath,
    billed: Annotated[
        float,
        typer.Option("--billed", metavar="USD", help="What the provider billed in all for the recipe's budget."),
    ],
    workspace: RecipeWorkspace = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Replace what may have been billed (unconfirmed) by what was, as the provider's own page tells it."""
    from cotfactory.flows.settle import settle_recipe

    with _shown(as_json, debug) as show:
        show(settle_recipe(recipe, _workspace_of(recipe, workspace), billed))


@app.command()
def status(workspace: Workspace = WORKSPACE, as_json: Json = False, debug: Debug = False) -> None:
    """Say what a workspace holds, what is going on in it, and what is still open."""
    from cotfactory.flows.inspect.ask_catalog import describe_workspace

    with _shown(as_json, debug) as show:
        show(describe_workspace(workspace))


@app.command()
def doctor(workspace: Workspace = WORKSPACE, as_json: Json = False, debug: Debug = False) -> None:
    """Look a workspace over: damage, what killed runs left, disk. Deletes nothing."""
    from cotfactory.flows.inspect.doctor import examine_workspace

    with _shown(as_json, debug) as show:
        show(examine_workspace(workspace))


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder, or an older backup.")],
    workspace: Workspace = WORKSPACE,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Copy a workspace, also while a run goes on; only what is new is copied, and all of it is checked."""
    from cotfactory.flows.inspect.doctor import back_up_workspace

    with _shown(as_json, debug) as show:
        show(back_up_workspace(workspace, target))


@app.command()
def forget(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe's file, or its name.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, it is only told what would go.")] = False,
    workspace: RecipeWorkspace = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Take the data of one recipe out of a workspace; what others share, and what was spent, stays."""
    from cotfactory.flows.inspect.forget import forget_recipe

    path = Path(recipe)
    with _shown(as_json, debug) as show:
        show(forget_recipe(recipe, _workspace_of(path if path.is_file() else None, workspace), yes=yes))


@app.command()
def replay(
    recordings: Annotated[Path, typer.Argument(metavar="FILE", help="Recorded completions.")],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port on 127.0.0.1.")] = 8900,
    workspace: NoWorkspace = WORKSPACE,
    debug: Debug = False,
) -> None:
    """Serve recorded completions as an OpenAI-compatible teacher, until Ctrl-C."""
    from cotfactory.generators.local_teachers.replay_teacher import serve_replay

    with _shown(False, debug):
        serve_replay(recordings, port)


@app.command()
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
    with _shown(False, debug):
        serve_rewards(
            ServeRequest(
                *(what, workspace, host, port, policy, not no_store, seal_every, wait_for_programs),
                *(grader, {key: value for key, value in code.items() if value is not None}, any_version, rules),
            ),
            lambda line: typer.echo(line),
        )


@review.command("serve")
def serve_review(
    recipe: RecipePath,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8810,
    host: Annotated[str, typer.Option("--host", help="Another than this machine's own shows it to others.")] = (
        "127.0.0.1"
    ),
    workspace: RecipeWorkspace = None,
    debug: Debug = False,
) -> None:
    """Serve the review page until Ctrl-C; `review RECIPE` is short for it."""
    from cotfactory.flows.review.review import ReviewRequest, serve_reviews

    with _shown(False, debug):
        serve_reviews(
            ReviewRequest(recipe, _workspace_of(recipe, workspace), host, port), lambda line: typer.echo(line)
        )


PersonName = Annotated[str, typer.Argument(metavar="NAME", help="Stays in the workspace; reviews name a pseudonym.")]


@review.command("add-person")
def add_person(
    name: PersonName,
    host: Annotated[str, typer.Option("--host", help="Where the page is reached.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Where the page is reached.")] = 8810,
    workspace: Workspace = WORKSPACE,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Give a person a link to the page; a new link ends the one before."""
    from cotfactory.flows.review.review import add_person as give_link

    with _shown(as_json, debug) as show:
        show(give_link(name, workspace, host, port))


@review.command("remove-person")
def remove_person(
    name: PersonName, workspace: Workspace = WORKSPACE, as_json: Json = False, debug: Debug = False
) -> None:
    """End a person's link; what they said stays, and what waited for them goes to others."""
    from cotfactory.flows.review.review import remove_person as end_link

    with _shown(as_json, debug) as show:
        show(end_link(name, workspace))


@review.command("status")
def review_status(
    recipe: RecipePath, workspace: RecipeWorkspace = None, as_json: Json = False, debug: Debug = False
) -> None:
    """Say how far people are, how far they agree, and what that says of the graders."""
    from cotfactory.flows.review.review import review_status as status_of

    with _shown(as_json, debug) as show:
        show(status_of(recipe, _workspace_of(recipe, workspace)))


ReviewFormat = Annotated[str, typer.Option("--format", metavar="label-studio|argilla", help="The tool's form.")]


@review.command("export")
def export_review(
    recipe: RecipePath,
    form: ReviewFormat,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the items go, as JSON.")],
    workspace: RecipeWorkspace = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write the items for Label Studio or Argilla."""
    from cotfactory.flows.review.exchange import export_items

    with _shown(as_json, debug) as show:
        show(export_items(recipe, _workspace_of(recipe, workspace), form, out))


@review.command("import")
def import_review(
    recipe: RecipePath,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What the tool exported, as JSON.")],
    form: ReviewFormat,
    workspace: RecipeWorkspace = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Take in what people answered in Label Studio or Argilla; the same file again changes nothing."""
    from cotfactory.flows.review.exchange import import_reviews

    with _shown(as_json, debug) as show:
        show(import_reviews(recipe, _workspace_of(recipe, workspace), form, file))


@sandbox.command()
def build(
    base: Annotated[str | None, typer.Option(metavar="IMAGE", help="Default: python:3.12.12-slim-bookworm.")] = None,
    tag: Annotated[str, typer.Option(metavar="TAG", help="What to call it.")] = "cotfactory-sandbox:latest",
    languages: Annotated[bool, typer.Option("--languages", help="C++, JavaScript, Java, Go, Rust too.")] = False,
    workspace: NoWorkspace = WORKSPACE,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Build the image that programs run in, on the Docker engine."""
    from cotfactory.flows.host.sandbox_image import build_sandbox

    with _shown(as_json, debug) as show:
        show(build_sandbox(base, tag, "languages" if languages else "python"))


@sandbox.command("trust")
def trust_image(
    tag: Annotated[str, typer.Argument(metavar="[TAG]")] = "cotfactory-sandbox:latest",
    workspace: NoWorkspace = WORKSPACE,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Take the image that a tag names now for the one that programs are to run in."""
    from cotfactory.flows.host.sandbox_image import trust_sandbox

    with _shown(as_json, debug) as show:
        show(trust_sandbox(tag))


def _workspace_of(recipe: Path | None, given: Path | None) -> Path:
    """Return the workspace of a recipe, and say where it is when that is not the current folder's."""
    from cotfactory.warehouse.workspace import find_workspace

    found = given or find_workspace(recipe, WORKSPACE)
    if given is None and found != WORKSPACE:
        here = f"; the one in {WORKSPACE.resolve()} is left alone" if WORKSPACE.exists() else ""
        print(f"cotfactory: the workspace is beside the recipe, {found}{here}", file=sys.stderr)
    return found


def main() -> None:
    """Run the command line; the exit code says how it ended (see `schemas.errors`)."""
    # People look at the progress; what is logged goes into the run's own file.
    logging.getLogger("cotfactory").propagate = False
    try:
        app()
    except SystemExit as ended:
        if "prefect" in sys.modules and isinstance(ended.code, int):
            # Its threads still hold our modules when the interpreter ends, and DuckDB's binding would list all of them.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(ended.code)
        raise


def _trust(recipe: Path | None, hosts: list[str] | None) -> None:
    """Remember which hosts the recipe's keys may go to: those named, and what is answered with yes on a terminal."""
    if recipe is None:  # the demo sends nothing to anybody
        return
    from cotfactory.flows.host.trusted_hosts import trust_what_is_answered_yes
    from cotfactory.flows.settings import load_recipe

    trust_what_is_answered_yes(load_recipe(recipe), hosts or (), _ask())


def _ask() -> Callable[[str], bool] | None:
    """Return what asks a person on the terminal a yes-or-no question; None where nobody can answer."""
    can_answer = sys.stdin.isatty() and sys.stderr.isatty()
    return (lambda question: typer.confirm(question, err=True)) if can_answer else None


@contextmanager
def _shown(as_json: bool, debug: bool) -> Iterator[Callable[[Any], None]]:
    """Run a command inside; print what it shows (a Record, or None) or its error, and leave with the right exit code.

    An error that leaves a summary behind (a budget or a contract stopped the run) prints both.
    """
    code = 0
    results: list[Any] = []
    try:
        with StopSignals().handled() as signals:
            yield results.append
    except CotfactoryError as error:
        if debug:
            raise
        print(f"cotfactory: {printable(str(error))}", file=sys.stderr)
        code = error.exit_code
        results.append(error.summary)
        # Prefect keeps the error until the interpreter ends, and the error its frames with their open databases.
        traceback.clear_frames(error.__traceback__)
    except BaseException as error:
        # DuckDB makes a RuntimeError of its own of a signal that interrupts a question.
        if signals.received is None and not isinstance(error, KeyboardInterrupt):
            raise
        print(f"cotfactory: {signals.interruption()}", file=sys.stderr, flush=True)
        # Everything is sealed and every child has ended; what libraries still hold would only complain at the end.
        os._exit(signals.exit_code)
    result = results[0] if results else None
    if as_json and result is not None:
        print(json.dumps(result.model_dump(mode="json"), ensure_ascii=False))
    elif result is not None and code == 0:
        print(printable(result.text()))
    if signals.received is not None:
        # Threads of libraries still hold our modules when the interpreter ends, and DuckDB's binding would list them.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    raise typer.Exit(code)
