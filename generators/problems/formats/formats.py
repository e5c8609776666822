"""FORMATS: name -> how its rows are read as problems, an explicit dict."""

from collections.abc import Mapping

from cotfactory.generators.problems.formats.apps import AppsRow
from cotfactory.generators.problems.formats.benchmark_row import BenchmarkRow
from cotfactory.generators.problems.formats.bigcodebench import BigCodeBenchRow
from cotfactory.generators.problems.formats.codecontests import CodeContestsRow
from cotfactory.generators.problems.formats.codeforces import CodeforcesRow
from cotfactory.generators.problems.formats.humanevalplus import HumanEvalPlusRow
from cotfactory.generators.problems.formats.kodcode import KodCodeRow
from cotfactory.generators.problems.formats.livecodebench import LiveCodeBenchRow
from cotfactory.generators.problems.formats.mbppplus import MbppPlusRow
from cotfactory.generators.problems.formats.multipl_e import MultiPlERow
from cotfactory.generators.problems.formats.taco import TacoRow
from cotfactory.schemas.problem_sources import RowFormat

FORMATS: Mapping[RowFormat, type[BenchmarkRow]] = {
    "livecodebench": LiveCodeBenchRow,
    "apps": AppsRow,
    "taco": TacoRow,
    "codecontests": CodeContestsRow,
    "codeforces": CodeforcesRow,
    "humanevalplus": HumanEvalPlusRow,
    "mbppplus": MbppPlusRow,
    "bigcodebench": BigCodeBenchRow,
    "multipl-e": MultiPlERow,
    "kodcode": KodCodeRow,
}
