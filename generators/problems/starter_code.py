"""Starter code: what a question gives its solver to begin with, fenced, so that the grader finds it there too."""


def with_code(question: str, code: str, lead: str = "Begin with this code:", language: str = "python") -> str:
    """Return a question with the code that its solver is given; as it is where there is none."""
    return f"{question.rstrip()}\n\n{lead}\n\n```{language}\n{code.rstrip()}\n```" if code.strip() else question
