"""Stated values against references, kind by kind: what a unit, an order, a name, a notation changes and what not."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.graders.math.math_answers import compare_math
from cotfactory.graders.worker_pool import WorkerPool


@pytest.fixture(scope="module")
def algebra() -> Iterator[WorkerPool]:
    pool = WorkerPool("cotfactory.graders.math.algebra:answer", size=1)
    yield pool
    pool.close()


# Each row: reference, answer, what the question says, whether the answer is right.

UNITS = [
    ("7 \\text{ kJ}", "7 \\text{ J}", "", False),
    ("7 \\text{ GHz}", "7 \\text{ MHz}", "", False),
    ("7 \\text{ mA}", "7 \\text{ A}", "", False),
    ("7 \\text{ TB}", "7 \\text{ GB}", "", False),
    ("7 \\text{ kg}", "7 \\text{ mg}", "", False),
    ("7 \\text{ kN}", "7 \\text{ N}", "", False),
    ("7 \\text{ moles}", "7 \\text{ kilograms}", "", False),
    ("7 \\text{ kilowatts}", "7 \\text{ watts}", "", False),
    ("7 \\text{ volts}", "7 \\text{ amps}", "", False),
    ("7 \\text{ K}", "7 \\text{ J}", "", False),
    ("7\\ \\Omega", "7 \\text{ k}\\Omega", "", False),
    ("7 \\text{ k}\\Omega", "7000\\ \\Omega", "", True),
    ("7 \\text{ \\mu F}", "7\\ \\mu\\text{F}", "", True),
    ("7 \\text{ F}", "7\\ \\mu\\text{F}", "", False),
    ("7 \\text{ hPa}", "7 \\text{ kPa}", "", False),
    ("7 \\text{ MeV}", "7 \\text{ keV}", "", False),
    ("7 \\text{ lbs}", "7 \\text{ kg}", "", False),
    ("7 \\text{ mL}", "7 \\text{ cL}", "", False),
    ("7 \\text{ km/h}", "7 \\text{ m/s}", "", False),
    ("7 \\text{ Euros}", "7 \\text{ dollars}", "", False),
    ("7 \\text{ pounds sterling}", "7 \\text{ dollars}", "", False),
    ("7 \\text{ yen}", "7 \\text{ yuan}", "", False),
    ("7 \\text{ cats}", "7 \\text{ dogs}", "", False),
    ("7 \\text{ men}", "7 \\text{ women}", "", False),
    ("7 \\text{ acres}", "7 \\text{ square miles}", "", False),
    ("7 \\text{ bits}", "7 \\text{ bytes}", "", False),
    ("7 \\text{ radians}", "7 \\text{ degrees}", "", False),
    ("7 \\text{ ohms}", "7 \\text{ volts}", "", False),
    ("7 \\text{ teslas}", "7 \\text{ webers}", "", False),
    ("30^\\circ C", "30^\\circ F", "", False),
    ("30^\\circ\\text{F}", "30^\\circ\\text{C}", "", False),
    ("30^\\circ \\mathrm{C}", "30^\\circ", "", True),
    ("30", "30^\\circ C", "", True),
    ("30°C", "30°F", "", False),
    ("5\\,\\mathrm{kW}", "5\\,\\mathrm{W}", "", False),
    ("5 kW", "5 W", "", False),
    ("5 kW", "5000 W", "", True),
    ("5 \\text{ MW}", "5000 \\text{ kW}", "", True),
    ("2 \\text{ GB}", "2000 \\text{ MB}", "", True),
    ("2 \\text{ kJ}", "2000 \\text{ J}", "", True),
    ("68^\\circ F", "20^\\circ C", "", True),
    ("1.5 \\text{ kPa}", "1500 \\text{ N/m}^2", "", True),
    ("12 \\text{ m/s}", "43.2 \\text{ km/h}", "", True),
    ("5 \\text{ apples}", "5 \\text{ apples}", "", True),
    ("5 \\text{ apples}", "5", "", True),
    ("12 \\text{ ways}", "12 \\text{ arrangements}", "", True),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), UNITS)
def test_units(reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool) -> None:
    """A unit of the table, or a thing that is counted, conflicts with another; a converted quantity is equal."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


THE_UNIT_THAT_THE_QUESTION_NAMES = [
    ("5", "5 km", "How many meters long is the road?", False),
    ("5", "5 m", "How many meters long is the road?", True),
    ("5", "5 \\text{ meters}", "How long is it, in meters?", True),
    ("5", "500 \\text{ cm}", "How long is it, in meters?", False),
    ("5 \\text{ m}", "500 \\text{ cm}", "How long is the rope?", True),
    ("5 \\text{ m}", "500 \\text{ cm}", "How long is the rope, in meters?", False),
    ("0.4", "0.4 \\text{ kN}", "Find the force in N.", False),
    ("3", "3 s", "How many seconds does it take?", True),
    ("3", "3 min", "How many seconds does it take?", False),
    ("3", "3 g", "How many kilograms is it?", False),  # one letter is a unit, too
    ("3", "3 h", "How many minutes does it take?", False),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), THE_UNIT_THAT_THE_QUESTION_NAMES)
def test_the_unit_that_the_question_names(
    reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool
) -> None:
    """Where the question names the unit, a bare reference has it, and only money is converted."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


A_UNIT_BESIDE_A_BARE_REFERENCE = [
    ("50", "50 kHz", "", True),
    ("50", "50 m/s^2", "", True),
    ("50", "50 N", "", True),
    ("50", "50 W", "", True),
    ("50", "50 eV", "", True),
    ("50", "50 mol", "", True),
    ("50", "50 Pa", "", True),
    ("50", "50 ohms", "", True),
    ("50", "50 km/h", "", True),
    ("50", "50 J/kg", "", True),
    ("50", "50 cm^3", "", True),
    ("50", "50 MB", "", True),
    ("50", "50 dB", "", True),
    ("50", "50 rad/s", "", True),
    ("50", "50 bpm", "", True),
    ("50", "50 V", "", True),
    ("50", "50 A", "", True),
    ("50", "50 mm", "", True),
    ("50", "50 lb", "", True),
    ("50", "50 K", "", True),
    ("50", "50 T", "", True),
    ("50", "50 nm", "", True),
    ("50", "50 GeV", "", True),
    ("50", "50 m^3", "", True),
    ("50", "50 kg m/s", "", True),
    ("50", "50 N m", "", True),
    ("50", "50 kg/m^3", "", True),
    ("50", "50 mol/L", "", True),
    ("50", "50 bits", "", True),
    ("50", "50 rpm", "", True),
    ("50", "51 Hz", "", False),
    ("50", "50x", "", False),
    ("50", "50 y", "", False),
    ("7", "7m", "Express the total in terms of m.", False),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), A_UNIT_BESIDE_A_BARE_REFERENCE)
def test_a_unit_beside_a_bare_reference(
    reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool
) -> None:
    """Symbols after a number, as chains on physics write them."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


WORDS_THAT_ARE_NO_UNIT = [
    ("17", "17 \\text{ is not right}", "", False),
    ("17", "17 \\text{ doesn't fit}", "", False),
    ("17", "17 \\text{ included}", "", False),
    ("17", "17 \\text{ nope}", "", False),
    ("17", "17 \\text{ close to it}", "", False),
    ("17", "17 \\text{ is a wrong answer}", "", False),
    ("17", "17 \\text{ or so}", "", False),
    ("17", "17 \\text{ at most}", "", False),
    ("17", "17 \\text{ crore}", "", False),
    ("17", "17 \\text{ K?}", "", False),
    ("17", "17 \\text{ mn}", "", False),
    ("17", "17 \\text{ thousand}", "", False),
    ("17", "17 \\text{ is impossible}", "", False),
    ("17", "17 \\text{ perhaps}", "", False),
    ("17", "17 \\text{ supposedly}", "", False),
    ("17", "17 \\text{ recurring}", "", False),
    ("17", "17 \\text{ in base 8}", "", False),
    ("17", "17 \\text{ squared}", "", False),
    ("17", "17 \\text{ is too large}", "", False),
    ("17", "17 \\text{ is my guess}", "", False),
    ("17", "17 \\text{ minus one}", "", False),
    ("17", "17 \\text{ b}", "", False),
    ("17", "17 \\text{ million}", "", False),
    ("17", "17 \\text{ hundred}", "", False),
    ("17", "17 \\text{ rejected}", "", False),
    ("17", "17 \\text{ more}", "", False),
    ("17", "17 \\text{ times}", "", False),
    ("17", "17 \\text{ or less}", "", False),
    ("17", "17 \\text{ not}", "", False),
    ("17", "17 \\text{ would be a mistake}", "", False),
    ("17", "17 \\text{ is untrue}", "", False),
    ("17", "17 \\text{ unless I erred}", "", False),
    ("17", "17 \\text{ T}", "", True),
    ("17", "17 \\text{ is not the answer}", "", False),
    ("17", "\\text{everything but } 17", "", False),
    ("17", "\\text{all but } 17", "", False),
    ("17", "\\text{not } 17", "", False),
    ("17", "\\text{any number except } 17", "", False),
    ("17", "\\text{less than } 17", "", False),
    ("17", "\\text{other than } 17", "", False),
    ("17", "\\text{not equal to } 17", "", False),
    ("17", "\\text{at least } 17", "", False),
    ("17", "\\text{anything besides } 17", "", False),
    ("17", "17 \\text{ apples}", "", True),
    ("17", "17 \\text{ students}", "", True),
    ("17", "17 \\text{ square units}", "", True),
    ("17", "17 \\text{ cm}", "", True),
    ("17", "17 \\text{ red marbles}", "", True),
    ("17", "17 \\text{ people in total}", "", True),
    ("17", "17 \\text{ days}", "", True),
    ("17", "17 \\text{ ways}", "", True),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), WORDS_THAT_ARE_NO_UNIT)
def test_words_that_are_no_unit(
    reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool
) -> None:
    """Words that deny, doubt, scale or change a number make no quantity of it."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


CASES = [
    ("\\begin{cases}3 & x\\ge 1\\\\4 & x<1\\end{cases}", "3, 4", "", False),
    ("\\begin{cases}3 & x\\ge 1\\\\4 & x<1\\end{cases}", "\\begin{cases}4 & x\\ge 1\\\\3 & x<1\\end{cases}", "", False),
    ("\\begin{cases}3 & x\\ge 1\\\\4 & x<1\\end{cases}", "\\begin{cases}4 & x<1\\\\3 & x\\ge 1\\end{cases}", "", True),
    (
        "\\begin{cases}3 & x\\ge 1\\\\4 & x<1\\end{cases}",
        "\\begin{cases}3 & 1\\le x\\\\4 & \\text{otherwise}\\end{cases}",
        "",
        True,
    ),
    ("\\begin{cases}3 & x\\ge 1\\\\4 & x<1\\end{cases}", "\\begin{cases}3 & x\\ge 2\\\\4 & x<2\\end{cases}", "", False),
    (
        "\\begin{cases}3 & x\\ge 1\\\\4 & x<1\\end{cases}",
        "\\begin{cases}3 & x> 1\\\\4 & x\\le 1\\end{cases}",
        "",
        False,
    ),
    (
        "\\begin{cases}x & x\\ge 0\\\\-x & x<0\\end{cases}",
        "\\begin{cases}x & x> 0\\\\-x & x\\le 0\\end{cases}",
        "",
        True,
    ),
    (
        "\\begin{cases}2n & n \\text{ is even}\\\\3n & n \\text{ is odd}\\end{cases}",
        "\\begin{cases}3n & n \\text{ is even}\\\\2n & n \\text{ is odd}\\end{cases}",
        "",
        False,
    ),
    (
        "\\begin{cases}2n & n \\text{ even}\\\\3n & n \\text{ odd}\\end{cases}",
        "\\begin{cases}3n & n \\text{ odd}\\\\2n & n \\text{ even}\\end{cases}",
        "",
        True,
    ),
    (
        "\\begin{cases}1 & \\text{if } x>0\\\\0 & \\text{if } x = 0\\\\-1 & \\text{if } x<0\\end{cases}",
        "\\begin{cases}1 & x>0\\\\0 & x=0\\\\-1 & x<0\\end{cases}",
        "",
        True,
    ),
    (
        "\\begin{cases}1 & \\text{if } x>0\\\\0 & \\text{if } x = 0\\\\-1 & \\text{if } x<0\\end{cases}",
        "\\begin{cases}1 & x>0\\\\0 & x=2\\\\-1 & x<0\\end{cases}",
        "",
        False,
    ),
    (
        "\\begin{cases}x^2 & x>1\\\\0 & \\text{else}\\end{cases}",
        "\\begin{cases}x^2 & x>2\\\\0 & \\text{else}\\end{cases}",
        "",
        False,
    ),
    (
        "\\begin{cases}x^2 & x>1\\\\0 & \\text{otherwise}\\end{cases}",
        "\\begin{cases}x \\cdot x & x>1\\\\0 & x\\le 1\\end{cases}",
        "",
        True,
    ),
    ("\\begin{cases}1 & n=1\\\\2 & n=2\\end{cases}", "\\begin{cases}1 & n=2\\\\2 & n=1\\end{cases}", "", False),
    (
        "\\begin{cases}1 & 0<x<2\\\\0 & \\text{otherwise}\\end{cases}",
        "\\begin{cases}1 & 0<x<3\\\\0 & \\text{otherwise}\\end{cases}",
        "",
        False,
    ),
    ("\\begin{cases}1 & 0<x<2\\\\0 & \\text{otherwise}\\end{cases}", "1", "", False),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), CASES)
def test_cases(reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool) -> None:
    """Functions by cases are compared as (condition, value)."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


ORDER_WHERE_IT_IS_ASKED_FOR = [
    ("B, A, C", "A, B, C", "In which order do they finish?", False),
    ("\\text{Tom, Ann, Sue}", "\\text{Ann, Tom, Sue}", "In what order do they sit?", False),
    ("\\text{Tom, Ann, Sue}", "\\text{Tom, Ann, Sue}", "In what order do they sit?", True),
    ("1, 4, 9", "9, 4, 1", "Arrange the numbers in increasing order.", False),
    ("1, 4, 9", "9, 4, 1", "Find all squares below ten.", True),
    ("5, 2, 1", "1, 2, 5", "List the values from largest to smallest.", False),
    ("2, 3", "3, 2", "Find the roots in order to factor it.", True),
    ("(1,2),(3,4)", "(3,4),(1,2)", "Find all ordered pairs.", True),
    ("4, 7", "7, 4", "Give the mean and the median, respectively.", False),
    ("4, 7", "7, 4", "Two boys have 3 and 5 coins, respectively. Which sums are possible?", True),
    ("1, 4, 9", "9, 4, 1", "Find the first three terms of the sequence.", False),
    ("\\text{Tom, Ann}", "\\text{Ann, Tom}", "Who came in first and second, in this order?", False),
    # what is counted tells numbers apart as names do
    ("4 \\text{ boys and } 6 \\text{ girls}", "6, 4", "", False),
    ("4 boys and 6 girls", "4, 6", "", True),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), ORDER_WHERE_IT_IS_ASKED_FOR)
def test_order_where_it_is_asked_for(
    reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool
) -> None:
    """A list is in order only where the question asks for one."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


NAMES = [
    ("x=7", "y=7", "", False),
    ("x=7", "x=7", "", True),
    ("g(1)=7", "g(2)=7", "", False),
    ("f(1)=7", "g(1)=7", "", False),
    ("t<4", "x<4", "", False),
    ("x \\le 4", "x\\le 4", "", True),
    ("a=1, b=2", "c=1, d=2", "", False),
    ("x=7", "7", "", True),
    ("n \\ge 3", "m \\ge 3", "", False),
    ("1<x<2", "1<y<2", "", False),
    ("x \\in [1,2]", "y \\in [1,2]", "", False),
    ("y=2x+1", "f(x)=2x+1", "", True),
    ("x = -3", "z = -3", "", False),
    ("f(0)=1", "f(1)=1", "", False),
    ("(a,b)=(3,4)", "(b,a)=(3,4)", "", False),
    ("(a,b)=(3,4)", "(a,b)=(3,4)", "", True),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), NAMES)
def test_names(reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool) -> None:
    """y = 7 is no answer to x = 7."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


DOMAINS_AND_CONSTANTS = [
    ("\\ln|x|", "\\ln x", "", False),
    ("\\ln|x|+C", "\\ln x+C", "", False),
    ("\\ln|x-1|", "\\ln(x-1)", "", False),
    ("\\ln|x|", "\\ln|x|", "", True),
    ("\\sqrt{x^2}", "x", "", False),
    ("|x|", "x", "", False),
    ("|x|", "\\sqrt{x^2}", "", True),
    ("\\sin x + C", "\\sin x + K", "", True),
    ("e^x + C", "e^x + c", "", True),
    ("e^x + C", "e^x", "", False),
    ("\\frac{x^3}{3}+C", "\\frac{x^3}{3}+\\text{const}", "", True),
    ("2x+C", "C+2x", "", True),
    ("x^2+C", "x^2+x", "", False),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), DOMAINS_AND_CONSTANTS)
def test_domains_and_constants(reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool) -> None:
    """ln x has no value where ln|x| has one; the constant of integration has any letter."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


LOGARITHMS = [
    ("\\ln 7", "\\log 7", "", False),
    ("\\log 7", "\\ln 7", "", False),
    ("3", "\\log 1000", "", True),
    ("\\log_{10} 7", "\\log 7", "", True),
    ("\\log 8", "3\\log 2", "", True),
    ("\\ln 8", "\\log_e 8", "", True),
    ("\\log_2 8", "\\log 8", "", False),
    ("-2", "\\log 0.01", "", True),
    ("\\ln 5", "\\log 5", "Evaluate the integral $\\int_1^5 \\frac{1}{x} dx$.", True),
    ("\\lg 2", "\\log_{10} 2", "", True),
    ("1", "\\log e", "", False),
    ("1", "\\log 10", "", True),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), LOGARITHMS)
def test_logarithms(reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool) -> None:
    """log has base ten unless the question is about analysis."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


LISTS_AND_RATIOS = [
    ("3,4", "3.4", "", False),
    ("2,5", "2.5", "", False),
    ("1, 2", "1.2", "", False),
    ("3.4", "3,4", "", True),
    ("\\frac{2}{5}", "2:5", "", True),
    ("2:5", "\\frac{2}{5}", "", True),
    ("2:5", "0.4", "", True),
    ("5:2", "\\frac{2}{5}", "", False),
    ("3:20", "0.15", "At what time does the train leave?", False),
    ("7:32", "7 \\text{ to } 32", "", True),
    ("7:32", "32 to 7", "", False),
    # an end of the line is no number, and not the other end
    ("x<3", "x>3", "", False),
    ("\\infty", "-\\infty", "", False),
    ("5", "\\infty", "", False),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), LISTS_AND_RATIOS)
def test_lists_and_ratios(reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool) -> None:
    """1.2 is not the list 1, 2; 3:4 is the fraction 3/4."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


BASES = [
    ("2F_{16}", "2f_{16}", "", True),
    ("2F_{16}", "0x2F", "", True),
    ("2F_{16}", "0x2f", "", True),
    ("110_2", "0b110", "", True),
    ("110_2", "110 in base 2", "", True),
    ("110_2", "110 \\text{ (base 2)}", "", True),
    ("17_8", "0o17", "", True),
    ("110_2", "110_3", "", False),
    ("110_2", "0b111", "", False),
    ("2F_{16}", "0x2E", "", False),
    ("110_2", "(110)_2", "", True),
    ("110_2", "110_{\\text{two}}", "", True),
    ("AB_{12}", "ab_{12}", "", True),
    ("110_2", "110 \\text{ in base } 2", "", True),
    ("110_2", "6", "", False),
    ("110_2", "{110}_2", "", True),
    ("110_2", "110 in binary", "", True),
    ("3C_{16}", "3C (hexadecimal)", "", True),
    ("110_2", "110 in octal", "", False),
    ("110_2", "\\text{110}_2", "", True),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), BASES)
def test_bases(reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool) -> None:
    """Digits and base, however they are written."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


COMPLEX_NUMBERS = [
    ("2-5i", "2-5j", "", True),
    ("2-5i", "2+5j", "", False),
    ("i", "e^{i\\pi/2}", "", True),
    ("-1+i\\sqrt3", "2e^{2\\pi i/3}", "", True),
    ("2+2i", "2\\sqrt2 e^{i\\pi/4}", "", True),
    ("2+2i", "2\\sqrt2(\\cos\\frac{\\pi}{4}+i\\sin\\frac{\\pi}{4})", "", True),
    ("2+2i", "2\\sqrt2 \\operatorname{cis} 45^\\circ", "", True),
    ("-1", "e^{i\\pi}", "", True),
    ("1-i", "\\sqrt2 e^{i\\pi/4}", "", False),
    ("3j", "3i", "", True),
    ("j+1", "i+1", "Express it in terms of i and j", False),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), COMPLEX_NUMBERS)
def test_complex_numbers(reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool) -> None:
    """Polar forms and the letter j."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


FLOAT_NOISE = [
    ("7", "6.999999999999999", "", True),
    ("7", "7.000000000000001", "", True),
    ("2500", "2500.0000000000005", "", True),
    ("0.1", "0.10000000000000009", "", True),
    ("1.1", "1.1000000000000001", "", True),
    ("19.99", "19.990000000000002", "", True),
    ("-3", "-2.9999999999999996", "", True),
    ("\\frac{1}{7}", "0.14285714285714285", "", True),
    ("\\frac{2}{3}", "0.6666666666666666", "", True),
    ("45", "44.99999999999999", "", True),
    ("7", "6.9999", "", False),
    ("7", "7.0000001", "", False),
    ("2500", "2500.0001", "", False),
    ("\\frac13", "0.3333", "", False),
    ("10000000000000", "10000000000001", "", False),
    ("100000000000000001", "100000000000000000", "", False),
    ("\\sqrt2", "1.4142135623730951", "", False),
    ("0", "0.0000000000000001", "", False),
    ("262537412640768744", "262537412640768743.99999999999925", "", False),
    ("3.14159265358979", "3.14159265358978", "", False),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), FLOAT_NOISE)
def test_float_noise(reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool) -> None:
    """What floating point leaves behind a number, and near misses that it does not explain."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


SETS_IN_WORDS = [
    ("(0,\\infty)", "\\mathbb{R}^+", "", True),
    ("[0,\\infty)", "\\mathbb{R}_{\\ge 0}", "", True),
    ("(0,\\infty)", "\\mathbb{R}^-", "", False),
    ("(-\\infty,0)\\cup(0,\\infty)", "\\mathbb{R} - \\{0\\}", "", True),
    ("(1,4)", "]1,4[", "", True),
    ("[1,4)", "[1,4[", "", True),
    ("(1,4]", "]1,4]", "", True),
    ("[1,4]", "]1,4[", "", False),
    ("(-\\infty,\\infty)", "\\text{all reals}", "", True),
    ("\\mathbb{R}", "\\text{all real numbers}", "", True),
    ("\\text{all real numbers}", "(-\\infty,\\infty)", "", True),
    ("(-\\infty, \\infty)", "\\text{All real numbers}", "", True),
    ("\\mathbb{R}", "\\text{any real number}", "", True),
    ("(-\\infty,\\infty)", "-\\infty < x < \\infty", "", True),
    ("(-\\infty,0)\\cup(0,\\infty)", "\\text{all real numbers except 0}", "", True),
    ("(-\\infty,0)\\cup(0,\\infty)", "\\text{all nonzero real numbers}", "", True),
    ("(-\\infty,0)\\cup(0,\\infty)", "\\text{all real numbers}", "", False),
    ("(0,\\infty)", "\\text{all positive real numbers}", "", True),
    ("\\text{all real numbers}", "\\mathbb{Z}", "", False),
    ("\\mathbb{R}\\setminus\\{1,2\\}", "(-\\infty,1)\\cup(1,2)\\cup(2,\\infty)", "", True),
    ("(-\\infty,5]", "x \\le 5 \\text{ (all reals at most 5)}", "", True),
    ("[0,\\infty)", "\\text{all non-negative real numbers}", "", True),
    ("\\emptyset", "\\text{no solution}", "", True),
    ("\\text{no solution}", "\\emptyset", "", True),
    ("\\text{no solution}", "\\text{the empty set}", "", True),
    ("\\text{no real solutions}", "\\{\\}", "", True),
    ("\\text{No solution}", "\\text{there are no solutions}", "", True),
    ("\\text{no solution}", "0", "", False),
    ("\\emptyset", "\\{0\\}", "", False),
    ("\\text{no solution}", "\\text{one solution}", "", False),
    ("\\mathbb{Z}", "\\text{all integers}", "", True),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), SETS_IN_WORDS)
def test_sets_in_words(reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool) -> None:
    """Reversed brackets, all real numbers, the empty set."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


WORDS = [
    ("\\text{undefined}", "\\text{not defined}", "", True),
    ("\\text{undefined}", "\\text{defined}", "", False),
    ("\\text{isosceles}", "\\text{isosceles triangle}", "", True),
    ("\\text{isosceles}", "\\text{scalene triangle}", "", False),
    ("\\text{Monday}", "\\text{on Monday}", "", True),
    ("\\text{Monday}", "\\text{on Tuesday}", "", False),
    ("\\text{does not exist}", "\\text{DNE}", "", True),
    ("\\text{DNE}", "\\text{The limit does not exist}", "", True),
    ("DNE", "doesn't exist", "", True),
    ("\\text{DNE}", "0", "", False),
    ("\\infty", "\\text{infinity}", "", True),
    ("-\\infty", "\\text{negative infinity}", "", True),
    ("-\\infty", "\\text{infinity}", "", False),
    ("\\infty", "\\text{infinitely many}", "", True),
    ("\\text{even}", "\\text{an even number}", "", True),
    ("\\text{even}", "\\text{even function}", "", True),
    ("\\text{even}", "\\text{not even}", "", False),
    ("\\text{even}", "\\text{odd}", "", False),
    ("\\text{True}", "\\text{Yes}", "", True),
    ("\\text{False}", "\\text{No}", "", True),
    ("\\text{True}", "\\text{No}", "", False),
    ("\\text{Yes}", "\\text{True}", "", True),
    ("\\text{prime}", "\\text{a prime number}", "", True),
    ("(c)", "C", "", True),
    ("(c)", "(C)", "", True),
    ("(c)", "B", "", False),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), WORDS)
def test_words(reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool) -> None:
    """Short words that say the same."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


MATRICES = [
    ("\\begin{pmatrix}5&6\\\\7&8\\end{pmatrix}", "[[5,6],[7,8]]", "", True),
    ("\\begin{pmatrix}5&6\\\\7&8\\end{pmatrix}", "\\left[\\begin{array}{rr}5&6\\\\7&8\\end{array}\\right]", "", True),
    ("\\begin{pmatrix}5&6\\\\7&8\\end{pmatrix}", "\\left(\\begin{array}{cc}5&6\\\\7&8\\end{array}\\right)", "", True),
    ("\\begin{pmatrix}5&6\\\\7&8\\end{pmatrix}", "[[5,7],[6,8]]", "", False),
    ("\\begin{pmatrix}5&6\\\\7&8\\end{pmatrix}", "\\begin{bmatrix}5&6\\\\7&9\\end{bmatrix}", "", False),
    ("\\begin{bmatrix}1\\\\2\\\\3\\end{bmatrix}", "[1,2,3]", "", True),
    ("\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\langle 1,2\\rangle", "", True),
    ("[[1,2],[3,4]]", "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "", True),
    ("\\begin{pmatrix}1&0\\\\0&1\\end{pmatrix}", "[1,0;0,1]", "", True),
    ("\\left[\\begin{array}{c}1\\\\2\\end{array}\\right]", "\\begin{pmatrix}1\\\\2\\end{pmatrix}", "", True),
    ("\\left[\\begin{array}{cc|c}1&2&3\\end{array}\\right]", "\\begin{bmatrix}1&2&3\\end{bmatrix}", "", True),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), MATRICES)
def test_matrices(reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool) -> None:
    """Arrays in brackets and nested lists."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


REPEATING_DECIMALS = [
    ("\\frac{2}{3}", "0.(6)", "", True),
    ("\\frac{2}{3}", "0.666\\ldots", "", True),
    ("\\frac{2}{3}", "0.6666...", "", True),
    ("\\frac{2}{3}", "0.\\bar{6}", "", True),
    ("\\frac{2}{3}", "0.\\dot{6}", "", True),
    ("\\frac16", "0.1\\overline{6}", "", True),
    ("\\frac16", "0.1(6)", "", True),
    ("\\frac16", "0.1666\\dots", "", True),
    ("\\frac{3}{11}", "0.272727...", "", True),
    ("\\frac{2}{3}", "0.666", "", False),
    ("\\frac{2}{3}", "0.67", "", False),
    ("\\frac{1}{7}", "0.\\overline{142857}", "", True),
    ("\\frac{1}{7}", "0.\\dot{1}4285\\dot{7}", "", True),
    ("\\frac{1}{3}", "0.666\\ldots", "", False),
    ("\\pi", "3.14159...", "", False),
    ("e", "2.718281828...", "", False),
    ("\\frac{4}{9}", "0.\\overline4", "", True),
    ("1", "0.999...", "", True),
    ("\\frac{5}{11}", "0.4545...", "", True),  # several digits twice
    ("\\sqrt{2}", "1.4141...", "", False),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), REPEATING_DECIMALS)
def test_repeating_decimals(reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool) -> None:
    """Every notation of a cycle; dots after digits that show none say nothing."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


MONEY = [
    ("3000000", "\\$3 \\text{ million}", "", True),
    ("3000000", "3 million dollars", "", True),
    ("3", "3 million dollars", "", False),
    ("2500000", "\\$2.5 \\text{ million}", "", True),
    ("0.60", "60 \\text{ cents}", "How many dollars does it cost?", True),
    ("60", "\\$0.60", "How many cents does it cost?", True),
    ("60", "60¢", "How many cents?", True),
    ("1.25", "\\$1.25", "", True),
    ("1.25", "€1.25", "", True),
    ("\\$1.25", "€1.25", "", False),
    ("\\$1.25", "125 \\text{ cents}", "", True),
    ("\\$1.25", "1.25 \\text{ USD}", "", True),
    ("45", "Rs. 45", "", True),
    ("45", "45 \\text{ rupees}", "", True),
    ("60", "60 \\text{ cents}", "How many dollars does it cost?", False),
    ("18", "US\\$18", "", True),
    ("18", "₹18", "", True),
    ("\\$18", "₹18", "", False),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), MONEY)
def test_money(reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool) -> None:
    """Scales stay with the number, cents are dollars."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


TIMES = [
    ("2:45 PM", "14:45", "", True),
    ("14:45", "2:45 PM", "", True),
    ("2:45 PM", "2:45 AM", "", False),
    ("2:45 PM", "2:45 p.m.", "", True),
    ("2:45 PM", "12:45", "", False),
    ("12:15 AM", "0:15", "", True),
    ("12:30 PM", "12:30", "", True),
    ("75 minutes", "1 \\text{ hour } 15 \\text{ minutes}", "", True),
    ("2.5 \\text{ hours}", "2 \\text{ hours and } 30 \\text{ minutes}", "", True),
    ("90 \\text{ seconds}", "1 \\text{ min } 30 \\text{ s}", "", True),
    ("90 \\text{ minutes}", "1 hour 20 minutes", "", False),
    ("66 \\text{ inches}", "5 \\text{ feet } 6 \\text{ inches}", "", True),
    ("3 \\text{ PM}", "3:00 PM", "", True),
    ("90 minutes", "1.5 hours", "", True),
    ("3:30 PM", "03:30", "", False),  # a zero in front is the clock of 24 hours
    ("3:30 AM", "03:30", "", True),
    ("3:30 PM", "15{:}30", "", True),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), TIMES)
def test_times(reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool) -> None:
    """Times of day, and durations of several units."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


ODD_SPELLINGS = [
    ("5000000", "5_000_000", "", True),
    ("2500000", "25,00,000", "", True),
    ("250000", "2,50,000", "", True),
    ("\\frac32", "three halves", "", True),
    ("\\frac34", "three quarters", "", True),
    ("\\frac34", "\\text{three-fourths}", "", True),
    ("12", "one dozen", "", True),
    ("24", "two dozen", "", True),
    ("\\frac12", "one half", "", True),
    ("\\frac12", "half", "", True),
    ("100", "a hundred", "", True),
    ("\\frac23", "two thirds", "", True),
    ("\\frac25", "three fifths", "", False),
    ("1000000", "10,000,00", "", False),
    ("42", "\\colorbox{yellow}{42}", "", True),
    ("42", "\\fcolorbox{red}{white}{42}", "", True),
    ("42", "\\text{\\textbf{42}}", "", True),
    ("42", "\\large 42", "", True),
    ("42", "\\mathtt{42}", "", True),
    ("\\sqrt[3]{2}", "∛2", "", True),
    ("42", "\\text{exactly } 42", "", True),
    ("-7", "negative seven", "", True),
    ("-7", "minus 7", "", True),
    ("7", "minus 7", "", False),
    ("1800000000", "-1.8 billion", "", False),
    ("-1800000000", "-1.8 billion", "", True),
    ("6", "half a dozen", "", True),
    ("7", '"7"', "", True),
    ("2+3i", "2+3\\imath", "", True),
    ("12", "12 (cm)", "", True),
    ("12 \\text{ m}", "12 (cm)", "", False),
    ("12", "12 (= 3 * 4)", "", True),
    ("12", "12 (= 3 * 5)", "", False),
    ("42", "\\color{blue}{42}", "", True),
    ("42", "{\\color{blue}42}", "", True),
    ("42", "\\textcolor{red}{42}", "", True),
    ("42", "\\underline{\\underline{42}}", "", True),
    ("42", "\\underline{43}", "", False),
    ("42", "\\mathbf{42}", "", True),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), ODD_SPELLINGS)
def test_odd_spellings(reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool) -> None:
    """Number words, grouped digits, colours."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


SIGNIFICANT_FIGURES = [
    ("3.7", "3.68", "Give your answer to 2 significant figures.", True),
    ("3.68", "3.7", "Round to two significant digits.", True),
    ("3.7", "3.78", "Give your answer to 2 significant figures.", False),
    ("0.0123", "0.01234", "Answer correct to 3 s.f.", True),
    ("1200", "1234", "Give your answer to 2 significant figures.", True),
    ("5.94", "5.944", "Compute the size (in 3 sig.fig.).", True),
    ("3.7", "3.68", "", False),
    ("2.33", "2.333", "Give the answer to 2 decimal places.", True),
    ("2.33", "2.3", "Give the answer to 2 decimal places.", False),
    ("2.3", "2.34", "Round your answer to one decimal place.", True),
    ("\\frac{7}{3}", "2.3", "Give your answer to 2 significant figures.", True),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), SIGNIFICANT_FIGURES)
def test_significant_figures(reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool) -> None:
    """Rounding as the question asks."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


POINTS = [
    ("(5,6)", "y=6, x=5", "", True),
    ("(5,6)", "y=5, x=6", "", False),
    ("(5,6)", "x=5, y=6", "", True),
    ("(5,6)", "5, 6", "Find the point of intersection.", True),
    ("(5,6)", "5, 6", "Solve the inequality; give the interval.", False),
    ("(1,2,3)", "z=3, x=1, y=2", "", True),
    ("(1,2,3)", "1, 2, 3", "", True),
    ("(5,6)", "6, 5", "Find the coordinates.", False),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), POINTS)
def test_points(reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool) -> None:
    """Names and brackets of a point."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


CHOICES_AND_IDENTITIES = [
    ("120", "{}_{10}C_{3}", "", True),
    ("120", "^{10}C_3", "", True),
    ("720", "{}_{10}P_3", "", True),
    ("120", "C(10,3)", "", True),
    ("121", "{}_{10}C_3", "", False),
    ("(a+b)^2=a^2+2ab+b^2", "(a+b)^2=a*a+b*b+2ab", "", True),
    ("(a-b)(a+b)=a^2-b^2", "a^2-b^2=(a-b)(a+b)", "", True),
    ("(a+b)^2=a^2+2ab+b^2", "(a-b)^2=a^2-2ab+b^2", "", False),
    ("\\sin^2 x+\\cos^2 x=1", "1=\\cos^2 x+\\sin^2 x", "", True),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), CHOICES_AND_IDENTITIES)
def test_choices_and_identities(
    reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool
) -> None:
    """nCk, and identities side by side."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


COMMENTS = [
    ("8 km", "8 \\text{ km } (8000 \\text{ m})", "", True),
    ("8", "8 \\text{ (eight)}", "", True),
    ("8", "8 (not 9)", "", True),
    ("8", "8 \\text{ (mod 9)}", "", False),
    ("8", "8 \\text{ (wrong)}", "", False),
    ("8 km", "8 \\text{ km } (9000 \\text{ m})", "", False),
    ("(2,3)", "(2,3) \\text{ (the vertex)}", "", True),
    ("9", "8 (9)", "", False),
]


@pytest.mark.parametrize(("reference", "answer", "question", "is_right"), COMMENTS)
def test_comments(reference: str, answer: str, question: str, is_right: bool, algebra: WorkerPool) -> None:
    """What stands in brackets after an answer."""
    assert (compare_math(reference, answer, question, algebra).result == "equal") == is_right


UNITS_OF_A_KIND = [
    "mm",
    "cm",
    "m",
    "km",
    "ft",
    "kW",
    "W",
    "MHz",
    "kHz",
    "kJ",
    "J",
    "mol",
    "g",
    "kg",
    "V",
    "A",
    "GB",
    "MB",
]


@given(st.sampled_from(UNITS_OF_A_KIND), st.sampled_from(UNITS_OF_A_KIND), st.integers(1, 10**6))
def test_a_number_in_another_unit_is_another_quantity(left: str, right: str, value: int) -> None:
    found = compare_math(f"{value} \\text{{ {left}}}", f"{value} \\text{{ {right}}}", "", None).result
    assert found == ("equal" if left == right else "different")


QUANTITIES = st.tuples(st.integers(1, 5000), st.sampled_from(UNITS_OF_A_KIND)).map(
    lambda pair: f"{pair[0]} \\text{{ {pair[1]}}}"
)


@given(QUANTITIES, QUANTITIES)
def test_equality_of_quantities_is_symmetric(left: str, right: str) -> None:
    assert compare_math(left, right, "", None) == compare_math(right, left, "", None)


@given(st.text(alphabet="0123456789 kmghzMHWVJ°CF^{}\\text/.%$¢€()notiswrong,:[]|", max_size=60))
def test_any_text_beside_a_number_gets_a_finding(text: str) -> None:
    for reference in ("5", "5 \\text{ kW}", "3:30 PM", "2A_{16}", "\\begin{cases}1 & x>0\\\\0 & x\\le 0\\end{cases}"):
        found = compare_math(reference, text, "How many seconds does it take?", None)
        assert found.result in {"equal", "different", "undecided", "several", "no_value"}
