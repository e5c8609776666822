"""What the Hub refuses, as one message: what failed, what the Hub said, what to do; and how long it asks to wait."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils._http import parse_ratelimit_headers

from cotfactory.schemas.errors import HubUnreachable, PublishError

TRIES = 5
"""How often the head is read when somebody else pushes, or when an answer was lost on its way."""
AGAIN = "publish again: what has arrived is not sent twice"
HINTS = {
    401: "set HF_TOKEN to a token that may write to this repository",
    403: "use a token that may write to this repository",
    404: "check --repo, and that the token may see the repository",
    412: f"somebody else pushed during each of {TRIES} tries: publish again in a quiet moment",
    429: "the Hub limits the rate: wait some minutes and publish again",
}
FULL = re.compile(r"quota|storage|insufficient space|payment required", re.IGNORECASE)
FULL_HINT = "the account's storage on the Hub is full: delete what is not needed there, or buy more, and publish again"
GATED = re.compile(r"gated|ask for access|authorized list", re.IGNORECASE)
GATED_HINT = "its owner decides who reads it: ask for access on its page on the Hub, and set HF_TOKEN"


@contextmanager
def told_as_publish_error(repo: str, api: HfApi) -> Iterator[None]:
    """Turn what the Hub's library raises into a PublishError (HubUnreachable where later may do better)."""
    try:
        yield
    except HfHubHTTPError as error:
        status = error.response.status_code
        said = short(error.server_message or error.response.reason_phrase, api)
        kind = HubUnreachable if status == 429 or (status >= 500 and status != 507) else PublishError
        raise kind(f"The Hub at {api.endpoint} answered {status} for {repo}: {said}", _hint(status, said)) from error
    except (httpx2.TransportError, OSError) as error:
        raise HubUnreachable(
            f"Cannot reach the Hub at {api.endpoint} for {repo}: {short(str(error), api)}", AGAIN
        ) from error
    except RuntimeError as error:  # the end of an upload; its cause tells the signed address, so only its name
        said = f"{short(str(error), api)} ({type(error.__cause__).__name__})"
        raise PublishError(f"Cannot send the release to {repo}: {said}", AGAIN) from error
    except ValueError as error:
        said = short(str(error), api)
        raise PublishError(f"The Hub does not take the release to {repo}: {said}", "fix what it names") from error


def wait_asked_for(error: Exception) -> float | None:
    """Return the seconds (at least 1) that the Hub asks to wait because of its rate limit; None where it does not."""
    if not isinstance(error, HfHubHTTPError) or error.response.status_code != 429:
        return None
    told = error.response.headers.get("Retry-After", "")
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", told):
        return max(float(told), 1.0)
    limits = parse_ratelimit_headers(error.response.headers)
    return max(float(limits.reset_in_seconds), 1.0) if limits is not None else None


def short(text: str, api: HfApi) -> str:
    """Return a message of the Hub or its library on one line; a key that it repeats is not shown."""
    line = " ".join(text.split())
    if isinstance(api.token, str):
        line = line.replace(api.token, "***")
    return line if len(line) <= 300 else f"{line[:297]}..."


def _hint(status: int, said: str) -> str:
    if status in (402, 507) or (status in (403, 413) and FULL.search(said)):
        return FULL_HINT
    if status == 403 and GATED.search(said):
        return GATED_HINT
    return HINTS.get(status, AGAIN)
