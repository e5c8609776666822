"""Answers to the small release's problems: of each kind right ones, wrong ones, and what says no answer."""

ANSWERS: list[tuple[str, str]] = [
    ("product", r"6 * 7 = 42, so \boxed{42}."),
    ("product", r"6 * 7 = 44, so \boxed{42}"),  # right, by a wrong step
    ("product", r"\boxed{43}"),
    ("product", "I do not know."),
    ("sum", r"\boxed{25}"),
    ("sum", r"\boxed{\frac{50}{2}}"),
    ("sum", r"The answer is \boxed{25.5}"),
    ("sum", r"So \boxed{25}<|im_end|>"),
    ("prime", "The answer is (C)."),
    ("prime", "The answer is (A)."),
    ("prime", "The answer is (A) or (C)."),
    ("prime", "13 is prime. The answer is (C)"),
    ("day", "The answer is: Tuesday"),
    ("day", "The answer is: Monday"),
    ("day", "The answer is: tuesday."),
    ("day", "Müßiggang 𝟜"),
    ("twice", "```python\ndef f(n):\n    return 2 * n\n```"),
    ("twice", "```python\ndef f(n):\n    return n + n\n```"),
    ("twice", "```python\ndef f(n):\n    return n * n\n```"),
    ("twice", "```python\nwhile True: pass\n```"),
]
"""Problem's id in its file, response. Four of each, in which no two are the same."""
