"""The exam command: our own exam is passed whole, scores add up, peers and sandboxes that are missing are said so."""

import json
from pathlib import Path

import pytest

from cotfactory.flows.exam.exam import ExamReport, ExamScore, run_exams
from cotfactory.flows.exam.exam_files import find_exams
from cotfactory.flows.exam.exam_scores import Result, rate, score
from cotfactory.flows.exam.write_exam_record import exam_record, write_exam_record
from cotfactory.graders.exam_record import ExamRecord, shipped_record
from cotfactory.graders.grading import GRADERS
from cotfactory.schemas.errors import InputError, ProblemSourceError, RecordingError

OWN = Path(__file__).parents[2] / "exam"


def write(path: Path, *rows: object) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture(scope="module")
def report() -> ExamReport:
    return run_exams(OWN)


def test_our_own_exam_is_passed(report: ExamReport) -> None:
    assert [exam.exam for exam in report.exams] == ["answers", "chains", "responses", "statements"]
    for exam in report.exams:
        assert exam.ours is not None
        assert (exam.ours.wrongly_accepted, exam.ours.wrongly_rejected) == ((), ())
        assert exam.ours.precision.value == exam.ours.recall.value == 1.0
    answers, _, responses, statements = (exam.ours for exam in report.exams)
    assert answers is not None
    assert responses is not None
    assert answers.n >= 400
    assert responses.n >= 120
    assert statements is not None
    assert statements.n >= 290


def test_how_far_it_is_is_told(tmp_path: Path) -> None:
    write(tmp_path / "e.jsonl", {"gold": "5", "candidate": "5", "expected": True})
    lines: list[str] = []
    run_exams(tmp_path, tell=lines.append)
    assert [line.rpartition(": ")[2] for line in lines] == ["1 of 1"]


def test_families_and_rules_partition_an_exam(report: ExamReport) -> None:
    for exam in report.exams:
        assert exam.ours is not None
        assert sum(family.n for family in exam.families.values()) == exam.ours.n
        assert sum(rule.n for rule in exam.rules.values()) == exam.ours.n
    answers = report.exams[0]
    assert {"integer", "rational", "expression", "tuple", "set", "list", "interval", "union", "matrix", "equation",
            "inequality", "ratio", "words", "percent", "quantity"} <= set(answers.families)  # fmt: skip


def test_the_text_holds_every_exam_and_reason(report: ExamReport) -> None:
    text = report.text()
    for said in ("answers", "chains", "responses", "no_answer/several_answers", "slowest"):
        assert said in text


def row(name: str, expected: bool | None, verdict: str, cpu_s: float = 1e-5) -> Result:
    return Result(name, "integer", "rule", expected, verdict == "correct", verdict, "why", cpu_s, cpu_s)


def test_scores() -> None:
    found = score([
        row("a", True, "correct"), row("b", True, "incorrect", 3e-5), row("c", False, "correct"),
        row("d", False, "ungraded", 9e-5), row("e", None, "no_answer"),
    ])  # fmt: skip
    assert (found.n, found.labelled) == (5, 4)
    assert (found.precision.hits, found.precision.n) == (1, 2)
    assert (found.recall.hits, found.recall.n) == (1, 2)
    assert (found.agreement.hits, found.agreement.n) == (2, 4)
    assert found.abstentions == {"ungraded/why": 1, "no_answer/why": 1}
    assert (found.wrongly_accepted, found.wrongly_rejected) == (("c",), ("b",))
    assert (found.cpu_us_median, found.slowest[0].name) == (10.0, "d")


def test_wilson_intervals() -> None:
    # Known values: 0 of 10 is [0, 0.2775], 5 of 10 is [0.2366, 0.7634].
    assert (rate(0, 10).low, rate(0, 10).high) == (0.0, 0.2775)
    assert (rate(5, 10).low, rate(5, 10).high) == (0.2366, 0.7634)
    assert rate(0, 0).value is None


def only(report: ExamReport) -> ExamScore:
    (exam,) = report.exams
    return exam


def test_rows_of_every_kind(tmp_path: Path) -> None:
    write(
        tmp_path / "rows.jsonl",
        {"gold": "2", "candidate": "4/2", "expected_equal": False, "adjudicated": True, "kind": "answer"},
        {"gold": "2", "candidate": "unusable", "adjudicated": None, "expected_equal": True},
        {"gold": ["7", "2"], "candidate": "\\boxed{2}", "expected": True},  # several golds: any of them
        {"gold": "B Lima", "candidate": "It cannot be A, so it's B", "expected": True, "kind": "mcq"},
    )
    found = only(run_exams(tmp_path)).ours
    assert found is not None
    assert (found.n, found.recall.hits) == (3, 3)


def test_chains_without_labels_are_counted(tmp_path: Path) -> None:
    write(tmp_path / "problems.jsonl", {"id": "p", "question": "1+1?", "answer": "2", "answer_kind": "math"})
    said = [{"problem_id": "p", "question": "1+1?", "model": "m", "sample": n, "response": text}
            for n, text in enumerate(["\\boxed{2}", "no idea"])]  # fmt: skip
    write(tmp_path / "recordings.jsonl", *said)
    exam = only(run_exams(tmp_path))
    assert exam.exam == tmp_path.name
    assert exam.ours is not None
    assert (exam.ours.n, exam.ours.labelled, exam.ours.precision.value) == (2, 0, None)
    assert exam.ours.abstentions == {"no_answer/not_a_value": 1}
    write(tmp_path / "recordings.jsonl", {**said[0], "problem_id": "q"})
    with pytest.raises(RecordingError, match="'q'"):
        run_exams(tmp_path)


def test_programs_are_skipped_with_a_reason_without_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    calls = {"kind": "calls", "entry_point": "f", "cases": [{"args": [1], "expected": 2}]}
    problem = {"id": "attack/f", "question": "f", "answer_kind": "code", "tests": calls}
    write(tmp_path / "code_attack_problems.jsonl", problem)
    write(tmp_path / "code_attacks.jsonl", {"id": "A", "class": "exit", "problem": "f", "program": "import os"})
    exam = only(run_exams(tmp_path))
    assert exam.ours is None
    assert exam.skipped is not None
    assert "sandbox" in exam.skipped


def test_the_peer_on_the_same_rows(tmp_path: Path) -> None:
    pytest.importorskip("math_verify")
    write(
        tmp_path / "rows.jsonl",
        {"gold": "\\frac{1}{2}", "candidate": "0.5", "expected": True, "rule": "r"},
        {"gold": "12:00", "candidate": "\\boxed{1:00}", "expected": False, "class": "c"},
    )
    exam = only(run_exams(tmp_path, "math-verify"))
    assert exam.peer is not None
    assert exam.peer.n == 2
    assert exam.peer.recall.hits == 1
    assert exam.cpu_ratio is not None
    assert "math-verify" in run_exams(tmp_path, "math-verify").text()


def test_what_is_no_exam(tmp_path: Path) -> None:
    with pytest.raises(ProblemSourceError, match="holds no exam"):
        run_exams(tmp_path)
    with pytest.raises(ProblemSourceError, match="no folder"):
        run_exams(tmp_path / "gone")
    with pytest.raises(InputError, match="coin"):
        run_exams(tmp_path, "coin")
    (tmp_path / "rows.jsonl").write_text("{broken\n")
    with pytest.raises(ProblemSourceError, match=r"rows\.jsonl"):
        list(find_exams(tmp_path))


def test_the_step_exam_counts_by_task(tmp_path: Path) -> None:
    chain = {"task": "sums", "input": "1+1+1", "target": "3", "answer": "3", "mistake_index": None}
    write(
        tmp_path / "step_mistakes.jsonl",
        {**chain, "steps": ["1 + 1 = 2", "2 + 1 = 3"]},
        {**chain, "steps": ["1 + 1 = 4", "2 + 1 = 3"], "mistake_index": 0},
        {**chain, "steps": ["so it is 3"], "mistake_index": 0},
        {**chain, "task": "other", "steps": ["1 + 1 = 4"], "answer": "4", "mistake_index": 0},
    )
    report = run_exams(tmp_path)
    other, sums, both = report.steps
    assert (sums.task, sums.n, sums.caught.hits, sums.caught.n, sums.false_alarms.hits) == ("sums", 3, 1, 2, 0)
    assert (other.caught.value, other.caught_wrong.hits, both.n) == (None, 1, 4)
    assert "right answer, wrong reason" in report.text()
    write(tmp_path / "step_mistakes.jsonl", {"task": "sums"})
    with pytest.raises(ProblemSourceError, match="lacks answer, input"):
        run_exams(tmp_path)


def test_shipped_record_is_what_this_exam_gives(report: ExamReport, tmp_path: Path) -> None:
    # After a change of a grader: cotfactory exam tests/exam --record graders/exam_results.json
    found = exam_record([pair for exam in report.exams for pair in exam.families.items()])
    assert found == shipped_record()
    assert found.of("math", GRADERS["math"][1]) is not None
    assert found.of("math", "0") is None
    write_exam_record(found, tmp_path / "record.json")
    assert ExamRecord.model_validate_json((tmp_path / "record.json").read_bytes()) == found
    with pytest.raises(InputError, match="cannot be written"):
        write_exam_record(found, tmp_path / "gone" / "record.json")
