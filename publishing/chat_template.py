"""The chat template of a tokenizer: messages in, the text that a model is trained on or asked with out.

Rendered as transformers renders it: jinja2 in its immutable sandbox, with `tojson`, `raise_exception`, `strftime_now`,
loop controls and `generation` blocks. The sandbox keeps a template from reaching Python, not from taking time and
memory: whoever renders one that was not written here does so in a process that has limits.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from cotfactory.publishing.tokenizer_folder import CONFIG, TEMPLATE

DEFAULT = "default"


@dataclass(frozen=True)
class ChatTemplate:
    """A template with the special tokens (`bos_token` and so on) that it may name."""

    template: jinja2.Template
    special_tokens: Mapping[str, str]

    def render(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Any] | None = None, *, is_prompt: bool = False
    ) -> str:
        """Return the text of a conversation; of one that is a prompt, with the opening of the assistant's turn.

        Raises jinja2.TemplateError where the template refuses the conversation, and what else it runs into.
        """
        return self.template.render(
            messages=messages, tools=tools, documents=None, add_generation_prompt=is_prompt, **self.special_tokens
        )


def chat_template(source: str, special_tokens: Mapping[str, str]) -> ChatTemplate:
    """Return the template written in `source`. Raises jinja2.TemplateSyntaxError."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, "jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = lambda form: datetime.now().astimezone().strftime(form)
    return ChatTemplate(environment.from_string(source), special_tokens)


def read_chat_template(folder: Path) -> ChatTemplate | None:
    """Return the template of the tokenizer in `folder`, None where it has none.

    Raises ValueError, and jinja2.TemplateSyntaxError.
    """
    config, file = folder / CONFIG, folder / TEMPLATE
    told: dict[str, Any] = json.loads(config.read_text("utf-8")) if config.exists() else {}
    source: Any = file.read_text("utf-8") if file.exists() else told.get("chat_template")
    if isinstance(source, list):  # several, by name
        source = {listed["name"]: listed["template"] for listed in source}.get(DEFAULT)
    if source is None:
        return None
    special = {key: _content(value) for key, value in told.items() if key.endswith("_token") and value}
    return chat_template(source, {key: value for key, value in special.items() if isinstance(value, str)})


def _content(token: Any) -> Any:
    """Return a special token's text, which stands in an object where it says how it is to be found."""
    return token.get("content") if isinstance(token, dict) else token


def _to_json(value: object, indent: int | None = None, **_: object) -> str:
    """Write JSON as it is: jinja's own filter escapes it for HTML."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(why: str) -> NoReturn:
    raise jinja2.TemplateError(why)


class _Generation(Extension):
    """`{% generation %}`: marks what a student learns; the text is that inside."""

    tags = {"generation"}  # noqa: RUF012 - as jinja2 declares it

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)
