"""Every way of copying a benchmark is met by the method that is there for it; the planted test says how often."""

import random

import pytest

from cotfactory.curation.decontaminate import benchmark_index, contaminations, strongest
from cotfactory.curation.planted import false_alarms, planted_recall, plantings
from cotfactory.schemas.curation import Overlap
from cotfactory.schemas.decontamination import METHODS, BenchmarkText, Method

QUESTION = (
    "A train travels 1200 miles in 3 hours. At the same rate, how many additional hours would it take to travel an "
    "additional 2000 miles through the valley?"
)
SHORT = "Compute the value of the long sum 31 + 52 + 7."


NAMES = [f"{first}{last}" for first in ("tab", "cor", "vel") for last in ("le", "ner", "vet", "dow", "gon", "ta", "mi")]


def a_benchmark(*texts: str) -> list[BenchmarkText]:
    return [BenchmarkText(benchmark="b", row=str(n), column="question", text=text) for n, text in enumerate(texts)]


INDEX = benchmark_index(a_benchmark(QUESTION, SHORT, "What is 2?"), Overlap())


def methods(text: str, *, by_characters: bool = True) -> set[Method]:
    (hits,) = contaminations([text], INDEX, by_characters=by_characters)
    return {hit.method for hit in hits}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (QUESTION, set(METHODS)),
        (QUESTION.upper().replace(" ", "\n"), set(METHODS)),
        (
            f"Please solve. {QUESTION} Think well." + " And so on." * 40,
            {"words_8", "words_13", "masked_8", "covered_7"},
        ),
        (
            QUESTION.replace("1200", "900").replace("3", "4").replace("2000", "100"),
            {"masked_8", "covered_7", "characters"},
        ),
        ("A bus covers 7 miles an hour. How long for 9 miles through the valley of the shadow of doubt?", set()),
        (SHORT, {"exact", "characters", "words_8", "covered_7"}),
        (" ".join(QUESTION.split()[: len(QUESTION.split()) // 2]), {"covered_7"}),  # half of it
        (" ".join(QUESTION.split()[len(QUESTION.split()) // 2 :]), {"covered_7"}),
        (QUESTION.replace("a", "\u0430").replace("o", "\u03bf"), set(METHODS)),  # letters of other scripts
        (QUESTION.replace("e", "e\u200b\u00ad"), set(METHODS)),  # signs that nobody sees
        ("".join(chr(0x1D41A + ord(sign) - 97) if "a" <= sign <= "z" else sign for sign in QUESTION), set(METHODS)),
        ("What is 2?", set()),  # equal by chance
        ("", set()),
    ],
)
def test_methods(text: str, found: set[str]) -> None:
    assert methods(text) == found


def test_chains_are_not_compared_by_characters() -> None:
    assert methods(SHORT.replace("7", "9"), by_characters=True) == {"characters", "covered_7"}
    assert methods(SHORT.replace("7", "9"), by_characters=False) == {"covered_7"}


def test_the_evidence_names_the_row() -> None:
    (hits,) = contaminations([QUESTION], INDEX, by_characters=True)
    hit = strongest(hits)
    assert hit is not None
    assert hit.evidence("question") == "b row 0 question, exact 1.00, in question"
    assert strongest([]) is None


def test_a_run_that_is_everywhere_says_nothing() -> None:
    texts = [f"Find the sum of all the roots of the equation number {n}" for n in range(30)]
    index = benchmark_index(a_benchmark(*texts), Overlap())
    (hits,) = contaminations(["Find the sum of all the roots of the equation that I wrote"], index, by_characters=False)
    assert hits == []


def test_a_benchmark_of_numbers_is_met_by_its_plain_runs() -> None:
    """Only masked runs have to be mostly words: with their numbers masked, tables of numbers would all be the same."""
    table = "12 7 45 88 3 19 64 5 71 20 33 48 90 11 56 27 81 6"
    index = benchmark_index(a_benchmark(table), Overlap())
    (hits,) = contaminations(
        [f"Look at the row {table} of the table and add it up, please do."], index, by_characters=False
    )
    assert {"words_8", "words_13"} <= {hit.method for hit in hits}
    assert "masked_8" not in {hit.method for hit in hits}


@pytest.mark.parametrize("text", [SHORT, QUESTION, "", "Compute the value of another sum 1 + 2 + 3 + 4, please."])
def test_a_benchmark_without_short_texts(text: str) -> None:
    index = benchmark_index(a_benchmark(QUESTION * 3), Overlap())
    (hits,) = contaminations([text], index, by_characters=True)
    assert "characters" not in {hit.method for hit in hits}


def test_a_benchmark_of_a_single_run_is_met() -> None:
    """The first key of the index counts like any other."""
    only = "alpha beta gamma delta epsilon zeta eta theta"
    index = benchmark_index(a_benchmark(only), Overlap())
    (hits,) = contaminations([f"Say {only} and then go on as you like."], index, by_characters=False)
    assert "words_8" in {hit.method for hit in hits}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        # Four runs of eight words are enough to be known with their numbers masked; fewer never are.
        ("12 foxes alpha beta gamma delta epsilon zeta eta theta iota", True),
        ("12 foxes alpha beta gamma delta epsilon zeta eta theta", False),
    ],
)
def test_a_short_benchmark_text_is_never_met_with_its_numbers_masked(words: str, found: bool) -> None:
    index = benchmark_index(a_benchmark(words), Overlap())
    (hits,) = contaminations([words.replace("12", "31")], index, by_characters=False)
    assert ("masked_8" in {hit.method for hit in hits}) is found


@pytest.mark.parametrize("row", [0, 1, 2])
def test_of_texts_that_share_a_run_each_counts_by_its_own_runs(row: int) -> None:
    """All three hold the run, and one of them is nothing else."""
    run = "alpha beta gamma delta epsilon zeta eta theta"
    texts = [f"{run} " + " ".join(f"{name}{n}" for n in range(12)) for name in ("cow", "elk", "owl")]
    texts[row] = run
    index = benchmark_index(
        a_benchmark("nothing of the kind stands in here at all " * 2, *texts), Overlap(words_8=0.05)
    )
    (hits,) = contaminations([f"Say {run} and go on."], index, by_characters=False)
    hit = next(hit for hit in hits if hit.method == "words_8")
    assert (hit.row, hit.overlap) == (str(row + 1), 1.0)


@pytest.mark.parametrize(
    ("text", "method", "found"),
    [
        ("What is 22?!", "exact", True),  # 12 characters
        ("What is 22?", "exact", False),  # equal by chance
        ("word " * 7 + "words", "characters", True),  # 40 characters
        ("word " * 7 + "word", "characters", False),
        ("word " * 59 + "words", "characters", True),  # 300
        ("word " * 59 + "wordss", "characters", False),
    ],
)
def test_how_short_and_long_a_text_may_be(text: str, method: Method, found: bool) -> None:
    index = benchmark_index(a_benchmark(text, "Something else that nobody asks about, of a usual length."), Overlap())
    (hits,) = contaminations([text], index, by_characters=True)
    assert (method in {hit.method for hit in hits}) is found


@pytest.mark.parametrize(("texts", "found"), [(20, True), (21, False)])
def test_a_run_in_more_than_twenty_texts_is_common(texts: int, found: bool) -> None:
    run = "find the value of the number x such that"
    index = benchmark_index(a_benchmark(*(f"{run} {name} holds" for name in NAMES[:texts])), Overlap(words_8=0.3))
    (hits,) = contaminations([f"Please {run} nothing breaks"], index, by_characters=False)
    assert ("words_8" in {hit.method for hit in hits}) is found


@pytest.mark.parametrize("by_characters", [True, False])
def test_without_texts_or_without_benchmarks_nothing_is_met(by_characters: bool) -> None:
    assert contaminations([], INDEX, by_characters=by_characters) == []
    nothing = benchmark_index([], Overlap())
    assert contaminations([QUESTION, ""], nothing, by_characters=by_characters) == [[], []]


def test_batches_make_no_difference() -> None:
    texts = [QUESTION, "nothing", f"x {QUESTION}", "", SHORT]
    whole = contaminations(texts, INDEX, by_characters=True)
    assert whole == [hits for text in texts for hits in contaminations([text], INDEX, by_characters=True)]


def made_benchmark(count: int) -> list[BenchmarkText]:
    draw = random.Random(5)
    nouns = [f"{a}{b}" for a in ("tab", "cor", "vel", "min", "dra", "pel") for b in ("le", "ner", "vet", "dow", "gon")]
    return a_benchmark(*(
        f"How many {' '.join(draw.choices(nouns, k=18))} are there if each of {draw.randint(10, 99)} "
        f"{' '.join(draw.choices(nouns, k=6))} has {draw.randint(10, 99)} of them and {draw.randint(2, 9)} are lost?"
        for _ in range(count)
    ))  # fmt: skip


def test_the_planted_test() -> None:
    index = benchmark_index(made_benchmark(200), Overlap())
    recall = {
        (recalled.planting, recalled.method): recalled.found / recalled.planted for recalled in planted_recall(index)
    }
    assert recall["verbatim", "any"] == recall["verbatim", "exact"] == recall["embedded", "any"] == 1.0
    assert recall["digits_swapped", "masked_8"] == 1.0
    assert recall["digits_swapped", "exact"] == 0.0
    assert recall["first_half", "covered_7"] == recall["second_half", "covered_7"] == 1.0
    assert recall["first_half", "words_8"] < 0.5
    assert recall["look_alike", "any"] == recall["unseen", "any"] == 1.0
    assert recall["paraphrased", "any"] > 0.5 > recall["paraphrased", "exact"]
    clean, alarms = false_alarms(index)
    assert (clean, alarms["any"]) == (100, 0)


def test_a_text_is_planted_in_ways_that_change_it() -> None:
    assert set(plantings("2 + 2")) == {"verbatim", "embedded", "digits_swapped"}
    ways = plantings("How many are 12?")
    assert ways == plantings("How many are 12?")
    assert ways["paraphrased"] == "what number of are 12?"
    assert ways["digits_swapped"] != ways["verbatim"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # Seven words that anybody ends a question with are half of a short one.
        ("If 45 pairs of balls leave out number 3, then what is the value of n?", False),
        ("If 45 pairs of balls leave out number 3, so the roots are equal, then what is the value of n?", True),
    ],
)
def test_a_phrase_of_seven_words_is_no_half_of_a_question(text: str, found: bool) -> None:
    index = benchmark_index(a_benchmark("If both of the roots are equal, then what is the value of n?"), Overlap())
    (hits,) = contaminations([text], index, by_characters=False)
    assert bool(hits) is found
