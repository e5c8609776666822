"""What an HTTP status says: whom it is about, and whether the request may have been billed all the same.

A teacher is stopped by what is about its endpoint. What is about one request (too long, flagged, no provider for it)
costs its problem a sample, what is passing is asked again: neither says anything about other requests.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

About = Literal["endpoint", "request", "passing", "limit"]
"""`limit`: too many requests for now. Whoever waits is answered."""
Billed = Literal["no", "maybe", "if_it_worked"]
"""`maybe`: a gateway gave up on a model that may have worked. `if_it_worked`: only if it came later than a refusal."""

REFUSAL_TAKES_S = 2.0
"""What comes sooner than this, and in less than half the time of the quickest answer, was refused before any work."""


@dataclass(frozen=True)
class StatusMeaning:
    """Whom a status is about, whether it may have been billed, and what to do about it."""

    about: About
    billed: Billed = "no"
    hint: str = ""

    def maybe_billed(self, *, worked: bool) -> bool:
        """Whether a request may have been billed; `worked`: the reply took longer than a refusal takes."""
        return self.billed == "maybe" or (self.billed == "if_it_worked" and worked)


_LENGTH = "check the prompt's length and the teacher's sampling"
_GATEWAY = "a gateway gave up while the model may have worked, which may be billed: `stream: true` keeps it waiting"

STATUSES: Mapping[int, StatusMeaning] = {
    400: StatusMeaning("request", hint=_LENGTH),
    401: StatusMeaning("endpoint", hint="put a valid key into the environment variable {key}"),
    402: StatusMeaning("endpoint", hint="the account has no credit left: waiting does not help"),
    # Together: longer than the context. OpenRouter: this input was flagged. OpenAI: the key may not use the model.
    403: StatusMeaning("request", hint="the key in {key} may not use this model, or this prompt is refused"),
    404: StatusMeaning("request", hint="check base_url and model {model!r}"),  # OpenRouter: no provider just now
    405: StatusMeaning("endpoint", hint="check base_url: it takes no requests there"),
    407: StatusMeaning("endpoint", hint="give the proxy its login in HTTPS_PROXY"),
    408: StatusMeaning("passing", "if_it_worked"),
    409: StatusMeaning("passing"),
    410: StatusMeaning("endpoint", hint="model {model!r} is gone"),
    413: StatusMeaning("request", hint=_LENGTH),
    422: StatusMeaning("request", hint=_LENGTH),
    424: StatusMeaning("passing", "if_it_worked"),  # TGI, MindIE, Groq: generation failed
    425: StatusMeaning("passing"),
    429: StatusMeaning("limit"),
    498: StatusMeaning("passing"),  # Groq: no flex capacity
    499: StatusMeaning("passing", "if_it_worked"),  # cancelled on the way
    500: StatusMeaning("passing", "if_it_worked"),
    501: StatusMeaning("endpoint"),
    502: StatusMeaning("passing", "maybe", _GATEWAY),
    503: StatusMeaning("passing"),
    504: StatusMeaning("passing", "maybe", _GATEWAY),
    **dict.fromkeys(range(520, 525), StatusMeaning("passing", "maybe", _GATEWAY)),  # Cloudflare
    529: StatusMeaning("passing"),  # Anthropic: overloaded
}


def meaning_of(status: int) -> StatusMeaning:
    """Return what a status that is no success means.

    >>> [meaning_of(status).about for status in (403, 418, 524, 302)]
    ['request', 'request', 'passing', 'endpoint']
    """
    if status in STATUSES:
        return STATUSES[status]
    if status >= 500:
        return StatusMeaning("passing", "if_it_worked")
    if status >= 400:
        return StatusMeaning("request", hint="check the teacher's recipe")
    return StatusMeaning("endpoint", hint="check base_url: the API is elsewhere")
