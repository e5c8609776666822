"""Check the nodes that a run is to ask from: their software, and whether each reaches each endpoint with its key."""

import sys

from cotfactory.flows.host.grading_tools import grading_terms
from cotfactory.flows.nodes.choice import Nodes
from cotfactory.flows.nodes.link import Node, NodeGone
from cotfactory.flows.nodes.messages import NodeTerms, TeacherTerms
from cotfactory.flows.nodes.refusals import refuse_on_nodes
from cotfactory.generators.ask.strategies import Strategy
from cotfactory.generators.teacher.budget import Limited
from cotfactory.generators.teacher.limiter import LimitShare
from cotfactory.schemas.errors import CotfactoryError
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.teacher_spec import TeacherSpec


async def check_nodes(recipe: Recipe, nodes: Nodes, *, runs_programs: bool) -> tuple[list[str], list[str]]:
    """Return a line for everything that is in order, and one for everything that is not; nothing is bought.

    Raises InputError for a recipe that nodes cannot ask, and where Ray is not installed; NodesError where there are no
    nodes, or they have other software than this process or, where the recipe `runs_programs`, another sandbox image.
    """
    from cotfactory.flows.nodes.ray_cluster import opened_cluster

    refuse_on_nodes(recipe, nodes)
    ok: list[str] = []
    faults: list[str] = []
    grading = grading_terms(recipe, runs_programs=runs_programs)
    terms = NodeTerms("check", Limited(usd=False, tokens=False), grading)
    async with (
        opened_cluster(nodes, lambda text: print(text, file=sys.stderr)) as cluster,
        cluster.asking(terms) as opened,
    ):
        for node in opened:
            image = ", and its sandbox image" if runs_programs else ""
            ok.append(f"node {node.name} has the software of this process{image}")
            for spec in recipe.teachers:
                if spec.is_local or spec.start is not None:
                    continue  # served from here, which is no other machine than the node's
                fault = await _why_not_asked(node, spec)
                if fault is None:
                    ok.append(f"node {node.name} reaches teacher {spec.name}")
                else:
                    faults.append(f"node {node.name}, teacher {spec.name}: {fault}")
    return ok, faults


async def _why_not_asked(node: Node, spec: TeacherSpec) -> str | None:
    """Return why the node cannot ask a teacher; None where its first, free question is answered."""
    try:
        await node.open(TeacherTerms(spec, Strategy(spec), None, frozenset(), LimitShare(1)))
    except (CotfactoryError, NodeGone) as error:
        return str(error)
    return None
