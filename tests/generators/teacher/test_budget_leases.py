"""A budget that several nodes share by leases is used up, and never exceeded, whatever order things come in."""

import asyncio
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from cotfactory.generators.teacher.budget import Amount, RunBudget
from cotfactory.generators.teacher.budget_leases import BudgetLeases, LeasedBudget
from cotfactory.schemas.errors import BudgetReached
from cotfactory.schemas.recipe import Budget

WORST, PAID = 0.04, 0.01


@dataclass
class Asking:
    """What a node asks for until its budget says no: requests that hold WORST and cost PAID, four at a time."""

    budget: LeasedBudget
    held: int = 0
    paid: int = 0
    ended: list[BudgetReached] = field(default_factory=list)

    async def ask(self) -> None:
        while True:
            try:
                await self.budget.hold(WORST, 100)
            except BudgetReached as error:
                self.ended.append(error)
                return
            self.held += 1
            await asyncio.sleep(0)
            self.held -= 1
            self.paid += 1
            self.budget.settle(WORST, 100, PAID, 10)


def exchange(leases: BudgetLeases, name: str, budget: LeasedBudget) -> None:
    leases.reported(name, budget.report())
    budget.take(leases.answer(name))


@settings(deadline=None, max_examples=25)
@given(
    budget=st.sampled_from([{"usd": 1.0}, {"tokens": 1_000}, {"usd": 1.0, "tokens": 2_000}]),
    turns=st.lists(st.integers(0, 2), max_size=60),
    lost_at=st.none() | st.integers(0, 20),
)
def test_a_budget_is_used_up_and_never_exceeded(
    budget: dict[str, float], turns: list[int], lost_at: int | None
) -> None:
    """Three nodes report in any order; one may be lost, with what it has in flight unconfirmed."""

    async def run() -> None:
        run_budget = RunBudget(Budget.model_validate(budget))
        leases = BudgetLeases(run_budget, 3)
        nodes = {str(number): Asking(LeasedBudget(run_budget.limits)) for number in range(3)}
        tasks = {name: [asyncio.create_task(node.ask()) for _ in range(4)] for name, node in nodes.items()}
        order = [str(number) for number in turns]
        for step in range(4_000):
            await asyncio.sleep(0)
            if step == lost_at and "0" in nodes:
                for task in tasks.pop("0"):
                    task.cancel()
                gone = nodes.pop("0")
                leases.lost("0", Amount(WORST * gone.held, 100 * gone.held))
            name = order[step] if step < len(order) else str(step % 3)
            if name in nodes:
                exchange(leases, name, nodes[name].budget)
            left = run_budget.left()
            assert left.usd >= -1e-9
            assert left.tokens >= 0
            if all(task.done() for of_node in tasks.values() for task in of_node):
                break
        assert all(len(node.ended) == 4 for node in nodes.values())
        assert run_budget.left().usd < WORST + 1e-9 or run_budget.left().tokens < 100
        if lost_at is None:
            assert (
                run_budget.spent_usd == sum(node.paid for node in nodes.values()) * PAID
                or abs(run_budget.spent_usd - sum(node.paid for node in nodes.values()) * PAID) < 1e-9
            )

    asyncio.run(run())


def test_nodes_seldom_come_for_more() -> None:
    """The prototype asked for every second request."""

    async def run() -> tuple[int, int]:
        run_budget = RunBudget(Budget(usd=100.0))
        leases = BudgetLeases(run_budget, 2)
        nodes = {name: Asking(LeasedBudget(run_budget.limits)) for name in "ab"}
        tasks = [asyncio.create_task(node.ask()) for node in nodes.values() for _ in range(16)]
        while not all(task.done() for task in tasks):
            for _ in range(50):  # a message takes longer than an answer
                await asyncio.sleep(0)
            for name, node in nodes.items():
                exchange(leases, name, node.budget)
        return leases.asked, sum(node.paid for node in nodes.values())

    asked, paid = asyncio.run(run())
    assert paid * PAID > 99.0
    assert asked <= paid / 50
