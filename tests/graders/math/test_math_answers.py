"""Math answers of every family: what is equal, what is different, what nobody should decide."""

from collections.abc import Iterator
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotfactory.graders.math.math_answers import compare_math
from cotfactory.graders.math.numbers import Tolerance
from cotfactory.graders.worker_pool import WorkerPool


@pytest.fixture(scope="module")
def algebra() -> Iterator[WorkerPool]:
    pool = WorkerPool("cotfactory.graders.math.algebra:answer", size=1)
    yield pool
    pool.close()


EQUAL_WITHOUT_ALGEBRA = [
    # exact numbers
    ("2.5", "2.50"),
    ("\\frac{1}{2}", "0.5"),
    ("900,000,000", "900000000"),
    ("1", "0.\\overline{9}"),
    ("1000.99", "1000,99"),  # a decimal comma, only beside a decimal point
    # exact forms: proven by polynomial arithmetic, seconded by numbers
    ("x^2-1", "(x-1)(x+1)"),
    ("\\frac{\\sqrt{3}}{3}", "\\frac{1}{\\sqrt{3}}"),
    ("2\\sqrt{3}", "\\sqrt{12}"),
    ("-128 - 128 \\sqrt{3} i", "-128(1+i\\sqrt3)"),
    ("2^{n-1}", "\\frac{2^n}{2}"),
    ("12^{1/7}", "\\sqrt[7]{12}"),
    ("\\sqrt{2}", "\\sqrt2"),
    ("\\frac34i", "\\frac{3}{4}i"),
    ("8\\pi", "8 \\pi "),
    ("\\binom{2026}{1013}", "\\binom{2026}{1013}"),
    ("3", "\\gcd(18, 3)"),
    ("1", "\\gcd(\\sqrt{5}, \\pi)"),  # no whole numbers: polynomials, whose units are the rationals
    ("12x^2", "\\lcm(4x, 6x^2)"),
    ("1", "-1 \\mod 2"),
    ("\\frac{1}{2y}", "1 / 2y"),  # spaces show what the slash divides
    ("A:B = 3", "3"),
    ("\\text{True}", "\\{1\\} \\subseteq \\{1, 2\\}"),
    ("\\\\frac{1}{2}", "0.5"),  # JSON that was never decoded
    ("\\begin{pmatrix}4\\\\6\\end{pmatrix}", "2\\begin{pmatrix}2\\\\3\\end{pmatrix}"),
    ("\\begin{pmatrix}4&6\\end{pmatrix}", "\\begin{pmatrix}1&2\\end{pmatrix} + \\begin{pmatrix}3&4\\end{pmatrix}"),
    ("36", "3 dozen"),
    ("\\frac{3}{4}", "³⁄₄"),
    # names and equations
    ("x=5", "5"),
    ("5", "x = 5"),
    ("74^\\circ", "\\angle APC = 74^\\circ"),
    ("5", "2+3=5"),
    ("y=2x+1", "2x-y+1=0"),
    ("x^2/4 + y^2/3 = 1", "x^2/16 + y^2/12 = 1/4"),
    ("f(x) = 2x + 3", "y = 2x + 3"),
    ("2=x", "x=2"),
    ("\\frac{1}{3}", "x = \\frac{1}{3} \\approx 0.33"),
    # inequalities and intervals
    ("x>3", "3<x"),
    ("x < 1", "-x > -1"),
    ("-793 < a < 10", "(-793, 10)"),
    ("(-\\infty,3)\\cup(3,\\infty)", "x \\neq 3"),
    ("(-\\infty,3)\\cup(3,\\infty)", "\\mathbb{R} \\setminus \\{3\\}"),
    ("x \\in [0.5, \\infty)", "[1/2, \\infty)"),
    ("[0,1) \\cup (2,3]", "(2,3] \\cup [0,1)"),
    # tuples in order, sets and root lists in any
    ("(1,2)", "\\left(1,\\,2\\right)"),
    ("\\{1,2\\}", "\\{2,1\\}"),
    ("1,2", "2,1"),
    ("4, 10, -2", "10, 4, -2"),
    ("7, -2, \\text{ and } -5", "-5,-2,7"),
    ("\\pm 2021", "-2021, 2021"),
    ("15,600", "600, 15"),  # thousands alone, a list beside a list
    ("a=4, -8, -10", "-10, -8, 4"),
    ("p=5,q=2;p=7,q=2", "(5,2),(7,2)"),
    ("p = 5, q = 2 \\text{ and } p = 7, q = 2", "(5,2),(7,2)"),
    ("a_3 = 2, a_{37} = 19", "a_{37} = 19, \\quad a_3 = 2"),
    # matrices and vectors
    ("\\begin{pmatrix}1 & 1/2 \\\\ 3 & 4\\end{pmatrix}", "\\begin{bmatrix}1&0.5\\\\3&4\\end{bmatrix}"),
    ("\\begin{pmatrix}1\\\\2\\end{pmatrix}", "(1,2)"),
    # words, letters, times, bases
    ("\\text{Monday}", "monday"),
    ("\\text{the circle}", "circle"),
    ("\\text{A, B, E}", "\\text{E, A, B}"),
    ("\\text{(C)}", "C"),
    ("B", "\\textbf{(B)}\\ 12"),
    ("5", "\\text{The answer is } 5"),
    ("8\\!:\\!34 \\text{ p.m.}", "8:34 pm"),
    ("4210_{7}", "4210_7"),
    # what phantom shows nobody reads
    ("5", "\\phantom{4}5"),
]


@pytest.mark.parametrize(("reference", "answer"), EQUAL_WITHOUT_ALGEBRA)
def test_equal_by_exact_rules(reference: str, answer: str) -> None:
    assert compare_math(reference, answer, "", None).result == "equal"


EQUAL_BY_ALGEBRA = [
    ("\\tan^2(y)+1", "\\sec^2(y)"),
    ("2 \\sin b \\cos a", "\\sin(a+b)-\\sin(a-b)"),
    ("10x\\sqrt{21x}", "10\\sqrt{21}x^{3/2}"),
    ("\\sqrt{2}+\\sqrt{3}", "\\sqrt{5+2\\sqrt{6}}"),
    ("\\ln 8", "3\\ln 2"),
    ("\\frac{1}{2}", "\\int_0^1 x dx"),  # only latex2sympy2 reads this one
]


@pytest.mark.parametrize(("reference", "answer"), EQUAL_BY_ALGEBRA)
def test_equal_by_algebra(reference: str, answer: str, algebra: WorkerPool) -> None:
    assert compare_math(reference, answer, "", None).result == "undecided"  # nothing cheaper accepts it
    assert compare_math(reference, answer, "", algebra).result == "equal"


NOT_EQUAL = [
    ("\\frac{1}{3}", "0.333333"),  # no tolerance
    ("\\sqrt{2}", "1.41421356"),
    ("1", "0.9999999"),
    ("100000000000", "100000000001"),
    ("5", "5=6"),
    ("5", "5 \\ne 6"),
    ("7 = 11a+c", "11a+c"),
    ("(1,2)", "(2,1)"),
    ("(1,2)", "\\{1,2\\}"),
    ("(1,2)", "[1,2]"),
    ("[-3,2]", "(-3,2)"),
    ("[1,2,3]", "(1,3,2)"),
    ("1,23", "123"),
    ("32349", "32, 349"),
    ("42", "41, 42"),
    ("4", "[3, 5]"),
    ("0,1", "0,1,2"),
    ("1,1,2", "1,2"),  # a double root is stated twice
    ("\\pm 2021", "2021"),
    ("1-\\frac{1}{e}", "1+\\frac{1}{e}"),
    ("x > 5", "x < 5"),
    ("y=2x+1", "y=2x-1"),
    ("f(x)", "f(y)"),
    ("|x|", "x"),
    ("x", "\\sqrt{x^2}"),
    ("8\\pi", "8 \\cdot 3.14"),
    ("12:00", "1:00"),
    ("4:30 \\text{ p.m.}", "6:30 \\text{ p.m.}"),
    ("4:30 \\text{ p.m.}", "4:30 \\text{ a.m.}"),
    ("2401_7", "2401_8"),
    ("5", "4 \\phantom{5}"),
    ("12", "\u202e21"),  # a right-to-left mark only turns what the eye sees
    ("2", "²"),
    ("listen", "silent"),
    ("odd", "even"),
    ("\\text{B}", "\\text{A, B}"),  # the A is a letter here, not an article
    ("4\\%", "4 \\text{ units}"),
    ("10\\%", "\\sqrt{2}"),
    ("2401_7", "x + 1"),
    ("B", "C"),
    ("5", "\\text{answer}"),
    ("1 : 2", "2 : 1"),
    ("1", "\\gcd(m, n)"),  # of whole numbers nobody knows
    ("mn", "\\lcm(m, n)"),
    ("3", "3 more than Bob"),
    ("3", "3 squared"),
    ("3", "3 \\text{ halves}"),
    ("3", "3 dozen"),
    ("\\text{True}", "\\{3\\} \\subseteq \\{1, 2\\}"),
    ("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "\\begin{vmatrix}1&2\\\\3&4\\end{vmatrix}"),
]


@pytest.mark.parametrize(("reference", "answer"), NOT_EQUAL)
def test_never_equal(reference: str, answer: str, algebra: WorkerPool) -> None:
    assert compare_math(reference, answer, "", algebra).result != "equal"
    assert compare_math(answer, reference, "", algebra).result != "equal"


RESULTS = [
    ("2", "1 \\text{ or } 2", "several"),
    ("5", "no solution exists", "different"),  # a set without elements
    ("5", "it depends on the reader", "no_value"),
    ("50", "10+John's age", "no_value"),
    ("\\{5\\}", "5", "equal"),
    ("[1,3]", "1,3", "undecided"),  # the ends of an interval are no interval
    ("1 : 2", "2 : 4", "undecided"),
    ("x/2", "1/2x", "undecided"),  # (1/2)x or 1/(2x)
    ("2401_7", "2401", "undecided"),
]


@pytest.mark.parametrize(("reference", "answer", "result"), RESULTS)
def test_what_is_neither(reference: str, answer: str, result: str) -> None:
    assert compare_math(reference, answer, "", None).result == result


def test_the_question_may_name_the_base() -> None:
    assert compare_math("2401_7", "2401", "Write it in base 7.", None).result == "equal"


BOMBS = [
    "9**9**9**9",
    "2^{2^{2^{49}}}",
    "\\binom{10^9}{5\\cdot 10^8}",
    "(x+y+z)^{399}(x+y+z+1)",
    "(" * 3_000 + "2" + ")" * 3_000,
    "\\frac{1}{" * 300 + "5" + "}" * 300,
    "{" * 2_000,
    "9" * 3_900,
    "10^{10^{10}}",
    "1000000!",
    "((((((x+1)^{50}+1)^{50}+1)^{50}+1)^{50}+1)^{50}+1)^{50}",
    "\\sqrt{" * 50 + "2" + "}" * 50,
    ",".join("123"),
    "+".join("abcdefghijk" * 20),
    "x" * 4_001,
    "\\pm" * 500,
    "a_{" * 500,
    "\\text{" * 600,
    '__import__("os").system("touch pwned")',
    "().__class__.__base__.__subclasses__()",
    "\\input{/etc/passwd}",
    "lambda: 0",
]


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_are_answered_without_a_worker(bomb: str) -> None:
    assert compare_math("7", bomb, "", None).result != "equal"
    assert compare_math(bomb, "7", "", None).result != "equal"


@pytest.mark.parametrize(
    "bomb", ["\\sum_{n=1}^{10^{12}} \\frac{1}{n^{2}}", "\\int_0^{1} \\sin(x^{x^{x}}) e^{\\cos(x^{7})} dx"]
)
def test_a_hanging_worker_is_left_behind(bomb: str, algebra: WorkerPool) -> None:
    assert compare_math("1", bomb, "", algebra).result == "undecided"
    assert compare_math("\\tan^2 x + 1", "\\sec^2 x", "", algebra).result == "equal"  # the next one is served


WORKED_OUT = [
    ("(0, 1) \\cup [1, 2)", "(0, 2)", True),
    ("(0, 1) \\cup (1, 2)", "(0, 2)", False),  # 1 is missing
    ("\\{1, 2\\} \\cap \\{2, 3\\}", "\\{2\\}", True),
    ("\\{1, 2\\} \\cup \\{3\\}", "\\{3, 1, 2\\}", True),
    ("[0, 2] \\setminus (0, 1)", "\\{0\\} \\cup [1, 2]", True),
    ("(-\\infty, 1) \\cup (3, \\infty)", "x < 1 \\text{ or } x > 3", True),
    ("(-\\infty, 1) \\cup (3, \\infty)", "x < 1 \\text{ or } y > 3", False),  # two symbols
    ("(1, 3)", "x > 1 \\text{ and } x < 3", True),
    ("(3, \\infty)", "\\{x \\in \\mathbb{R} : x > 3\\}", True),
    ("(3, \\infty)", "\\{x \\mid x \\ge 3\\}", False),
    ("[-2, 2]", "|x| \\le 2", True),
    ("[-2, 2]", "|x| < 2", False),
    ("\\begin{pmatrix} 3 \\\\ 7 \\end{pmatrix}",
     "\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix} \\begin{pmatrix} 1 \\\\ 1 \\end{pmatrix}", True),
    ("\\begin{pmatrix} 1 & 3 \\\\ 2 & 4 \\end{pmatrix}", "\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}^T", True),
    ("-2", "\\begin{vmatrix} 1 & 2 \\\\ 3 & 4 \\end{vmatrix}", True),
    ("-2", "\\det \\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}", True),
    ("2", "\\det \\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}", False),
    ("30^\\circ", "\\sin 30^\\circ", False),
    ("\\frac{\\pi}{2}", "90^\\circ", True),
    ("\\frac{\\pi}{3}", "90^\\circ", False),
    ("yes", "Yes", True),
    ("yes", "no", False),
]  # fmt: skip


@pytest.mark.parametrize(("reference", "answer", "equal"), WORKED_OUT)
def test_what_is_worked_out(reference: str, answer: str, equal: bool) -> None:
    for left, right in ((reference, answer), (answer, reference)):
        assert (compare_math(left, right, "", None).result == "equal") == equal


def test_degrees_of_an_angle_are_no_unit_of_the_answer(algebra: WorkerPool) -> None:
    assert compare_math("\\frac{1}{2}", "\\sin 30^\\circ", "", algebra).result == "equal"
    assert compare_math("\\frac{1}{2}", "\\sin 30", "", algebra).result == "different"


def test_a_derivative_is_no_quotient(algebra: WorkerPool) -> None:
    assert compare_math("2x", "\\frac{d}{dx}(x^2)", "", algebra).result == "equal"
    assert compare_math("2x", "\\frac{d}{dx}(x^3)", "", algebra).result != "equal"


TOLERATED = [
    ("3.14", "3.15", True),  # exactly at the bound: no float decides
    ("3.14", "3.1500000000000000000001", False),
    ("10", "10.01", True),
    ("10", "11", False),
    ("\\sqrt{2}", "1.414", True),
    ("3.14", "\\pi", True),
    ("(1, 2.5)", "(1.01, 2.49)", True),  # each number by itself
    ("(1, 2.5)", "(1.02, 2.5)", False),
    ("[0, 1.5]", "(0, 1.5)", False),  # a bracket is no number
    ("x + 1", "1.001x + 1", False),  # nor is a coefficient
    ("y = 2x", "y = 2.001x", False),
    ("5 \\text{ m}", "500.9 \\text{ cm}", True),  # in the unit of the reference
    ("5 \\text{ m}", "5 \\text{ kg}", False),
    ("50\\%", "50.005\\%", True),
    ("50\\%", "0.5001", True),  # 50.01 %
    ("50\\%", "0.51", False),
    ("\\text{even}", "\\text{odd}", False),
]


@pytest.mark.parametrize(("reference", "answer", "equal"), TOLERATED)
def test_a_declared_tolerance_is_for_numbers(reference: str, answer: str, equal: bool) -> None:
    found = compare_math(reference, answer, "", None, Tolerance(Fraction("0.01")))
    assert (found.result == "equal") == equal


RESULT_NAMES = {"equal", "different", "undecided", "several", "no_value"}
ANSWERS = st.one_of(
    st.integers(-(10**12), 10**12).map(str),
    st.fractions(max_denominator=999).map(lambda value: f"{value.numerator}/{value.denominator}"),
    st.tuples(st.integers(-9, 9), st.integers(-9, 9)).map(lambda pair: f"({pair[0]}, {pair[1]})"),
    st.lists(st.integers(-9, 9), min_size=2, max_size=4).map(lambda items: ", ".join(map(str, items))),
    st.integers(2, 40).map(lambda value: f"\\sqrt{{{value}}}"),
    st.tuples(st.integers(1, 9), st.integers(1, 9)).map(lambda pair: f"{pair[0]}x^2 + {pair[1]}x"),
    st.integers(-9, 9).map(lambda value: f"x \\ge {value}"),
)


@given(ANSWERS, ANSWERS)
def test_equality_is_symmetric_on_the_exact_families(left: str, right: str) -> None:
    forth = compare_math(left, right, "", None).result == "equal"
    assert forth == (compare_math(right, left, "", None).result == "equal")


@given(ANSWERS)
def test_every_answer_equals_itself(answer: str) -> None:
    assert compare_math(answer, answer, "", None).result == "equal"


@settings(max_examples=400)
@given(
    st.one_of(
        st.text(max_size=60), st.text(alphabet="0123456789xyzeipm+-*/^_()[]{}\\,;=<>!|&$% fracsqrtbegin", max_size=60)
    )
)
def test_any_answer_gets_a_finding(text: str) -> None:
    for reference in ("5", "(1,2)", "x^2+1", "\\text{odd}"):
        assert compare_math(reference, text, "", None).result in {
            "equal",
            "different",
            "undecided",
            "several",
            "no_value",
        }
