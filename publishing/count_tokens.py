"""The process behind `token_figures`: a tokenizer's folder and files of rows in, as JSON; figures out.

A conversation is `messages`, or `prompt` with what follows it (`completion`, else `chosen`); of `rl` it is the prompt.
Plain texts are counted as they are.
"""

import hashlib
import json
import resource
import statistics
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from tokenizers import Tokenizer

from cotfactory.publishing.chat_template import ChatTemplate, read_chat_template
from cotfactory.publishing.tokenizer_folder import TOKENIZER
from cotfactory.schemas.reasoning_tags import split_thinking

MEMORY_BYTES, CPU_S = 8 << 30, 800
"""The most that this process may take: what a template costs is its author's choice."""
COLUMNS = ("messages", "prompt", "completion", "chosen", "tools")
PREVIEW_CHARS = 1_500
BATCH = 256
Message = Mapping[str, Any]


def main() -> None:
    """Read what is wanted, write what was found."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    wanted = json.load(sys.stdin)
    folder = Path(wanted["folder"])
    written = (folder / TOKENIZER).read_bytes()
    tokenizer, template = Tokenizer.from_buffer(written), read_chat_template(folder)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    found: dict[str, Any] = {
        "sha256": hashlib.sha256(written).hexdigest(),
        "is_rendered": template is not None,
        "products": [],
        "preview": None,
        "refusal": None,
    }
    for product, paths in wanted["files"].items():
        _count(product, [Path(path) for path in paths], wanted["rows"], tokenizer, template, found)
    json.dump(found, sys.stdout)


def _count(
    product: str,
    paths: Sequence[Path],
    most: int,
    tokenizer: Tokenizer,
    template: ChatTemplate | None,
    found: dict[str, Any],
) -> None:
    """Add the figures of one product, unless its rows are no conversations."""
    lengths: list[int] = []
    refused = without_thinking = 0
    texts: list[str] = []
    for row in _first_rows(paths, most):
        conversation = conversation_of(row)
        if not conversation:
            continue
        if isinstance(conversation, str) or template is None:
            texts.append(conversation if isinstance(conversation, str) else _plain(conversation))
        else:
            try:
                text = _rendered(template, conversation, row)
            except Exception as error:  # whatever a template runs into
                refused += 1
                found["refusal"] = found["refusal"] or f"{type(error).__name__}: {error}"[:300]
                continue
            without_thinking += thinking_of(conversation) not in text
            found["preview"] = found["preview"] or text[:PREVIEW_CHARS]
            texts.append(text)
        if len(texts) == BATCH:
            lengths += _lengths(tokenizer, texts)
            texts = []
    lengths += _lengths(tokenizer, texts)
    if not lengths and not refused:
        return
    lengths.sort()
    rows = sum(pq.read_metadata(path).num_rows for path in paths)
    found["products"].append(
        {
            "product": product,
            "rows": rows,
            "counted": len(lengths),
            "total": round(statistics.fmean(lengths) * rows) if lengths else 0,
            "median": int(statistics.median_low(lengths)) if lengths else 0,
            "p95": lengths[int(0.95 * (len(lengths) - 1))] if lengths else 0,
            "longest": lengths[-1] if lengths else 0,
            "refused": refused,
            "without_thinking": without_thinking,
        }
    )


def _first_rows(paths: Iterable[Path], most: int) -> Iterator[dict[str, Any]]:
    """Yield the first rows of each file, only the columns with texts in them."""
    for path in paths:
        left = most
        file = pq.ParquetFile(path)
        columns = [name for name in COLUMNS if name in file.schema_arrow.names]
        for batch in file.iter_batches(batch_size=BATCH, columns=columns) if columns else ():
            yield from batch.to_pylist()[:left]
            left -= batch.num_rows
            if left <= 0:
                break


def conversation_of(row: Mapping[str, Any]) -> list[Message] | str:
    """Return what a row says: messages, without keys that are null, or a text; nothing where it is neither.

    A prompt may end inside the assistant's turn: what follows goes on with it.

    >>> turn = {"role": "assistant", "content": "2 + 2"}
    >>> conversation_of({"prompt": [turn], "completion": [{"role": "assistant", "content": " = 4"}]})
    [{'role': 'assistant', 'content': '2 + 2 = 4'}]
    """
    if row.get("messages"):
        return [_without_null(message) for message in row["messages"]]
    prompt, rest = row.get("prompt"), row.get("completion") or row.get("chosen")
    if isinstance(prompt, str):
        return prompt + (rest or "") if isinstance(rest, str) else ""
    messages: list[Message] = []
    for message in (*(prompt or ()), *(rest if isinstance(rest, list) else ())):
        last = messages[-1] if messages else {}
        if last.get("role") == message["role"] == "assistant":
            messages[-1] = {**last, "content": f"{last['content']}{message['content']}"}
        else:
            messages.append(_without_null(message))
    return messages


def thinking_of(conversation: Sequence[Message]) -> str:
    """Return the thinking of the last turn: in a field of its own, or in the tags that our rows have."""
    last = conversation[-1]
    if last["role"] != "assistant":
        return ""
    return (last.get("reasoning_content") or split_thinking(last.get("content") or "").reasoning or "").strip()


def _rendered(template: ChatTemplate, conversation: Sequence[Message], row: Mapping[str, Any]) -> str:
    tools = json.loads(row["tools"]) if row.get("tools") else None
    return template.render(conversation, tools, is_prompt=conversation[-1]["role"] != "assistant")


def _plain(conversation: Iterable[Message]) -> str:
    texts = (message.get(key) for message in conversation for key in ("reasoning_content", "content"))
    return "\n\n".join(text for text in texts if text)


def _without_null(message: Message) -> Message:
    return {key: value for key, value in message.items() if value is not None}


def _lengths(tokenizer: Tokenizer, texts: Sequence[str]) -> list[int]:
    return [len(encoded.ids) for encoded in tokenizer.encode_batch(texts, add_special_tokens=False)]


if __name__ == "__main__":
    main()
