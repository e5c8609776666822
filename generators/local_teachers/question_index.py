"""Find which of many known questions a rendered prompt contains, in time that grows with the prompt alone."""

from collections import defaultdict
from collections.abc import Iterable

WINDOW = 24


class QuestionIndex:
    """Known questions, found by their first characters.

    Every place of the prompt costs one dict lookup of the window that starts there. Only where a window begins
    a known question are the possible lengths tried, longest first, each with one lookup more - so thousands of
    questions that all begin `What is the value of` cost no more than their different lengths.

    With `How many eggs are there?` and `How many eggs are there? Round up.` known, a prompt that holds the
    second is the second's: the longest question wins, and of equally long ones the last in the prompt.
    """

    def __init__(self, questions: Iterable[str]) -> None:
        self._questions = {question.strip() for question in questions} - {""}
        windows: defaultdict[str, set[int]] = defaultdict(set)
        short: set[int] = set()
        for question in self._questions:
            if len(question) < WINDOW:
                short.add(len(question))
            else:
                windows[question[:WINDOW]].add(len(question))
        self._lengths = {window: sorted(lengths, reverse=True) for window, lengths in windows.items()}
        self._short_lengths = sorted(short, reverse=True)

    def find(self, prompt: str) -> str | None:
        """Return the known question, without surrounding space, that stands in `prompt`; None if none does."""
        best = ""
        starts = [i for i in range(len(prompt) - WINDOW + 1) if prompt[i : i + WINDOW] in self._lengths]
        for start in starts:
            for length in self._lengths[prompt[start : start + WINDOW]]:
                if length < len(best):
                    break
                if prompt[start : start + length] in self._questions:
                    best = prompt[start : start + length]
                    break
        return best or self._find_short(prompt)

    def _find_short(self, prompt: str) -> str | None:
        for length in self._short_lengths:
            for start in range(len(prompt) - length, -1, -1):
                if prompt[start : start + length] in self._questions:
                    return prompt[start : start + length]
        return None
