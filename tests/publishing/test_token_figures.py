"""Tokens are counted as the chat template writes rows; what a template leaves out, refuses or does to us is told."""

import json
from pathlib import Path

import jinja2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from cotfactory.publishing.chat_template import chat_template, read_chat_template
from cotfactory.publishing.hub import HubTarget
from cotfactory.publishing.release import write_release
from cotfactory.publishing.token_figures import token_figures
from cotfactory.publishing.tokenizer_folder import tokenizer_folder
from cotfactory.schemas.errors import InputError, RecipeError
from cotfactory.schemas.rows import MESSAGES
from tests.publishing.hub_repo import HubRepo
from tests.publishing.hub_server import HubServer
from tests.publishing.made_groups import made_facts, made_mixed_group, made_recipe

PLAIN = "{% for m in messages %}<{{ m.role }}> {{ m.content }}\n{% endfor %}"
FORGETFUL = "{% for m in messages %}<{{ m.role }}> {{ m.content.split('</think>')[-1] }}\n{% endfor %}"
"""As that of DeepSeek-R1 does it: thinking is taken for history."""
STRICT = "{% if messages[-1].content == 'no' %}{{ raise_exception('no `no`') }}{% endif %}" + PLAIN


def words_tokenizer(folder: Path, template: str | None = None) -> str:
    """Write a tokenizer for which each run of signs between spaces is a token."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    folder.mkdir(exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    if template is not None:
        (folder / "chat_template.jinja").write_text(template)
    return str(folder)


def rows_file(path: Path, *answers: str) -> Path:
    turns = [[{"role": "user", "content": "two words"}, {"role": "assistant", "content": answer}] for answer in answers]
    pq.write_table(pa.table({"messages": pa.array(turns, MESSAGES)}), path)
    return path


def test_rows_are_counted_as_the_template_writes_them(tmp_path: Path) -> None:
    named = words_tokenizer(tmp_path / "words", PLAIN)
    rows = rows_file(tmp_path / "train-0.parquet", "a b c", "<think>\nx\n</think>\n\ny")
    figures = token_figures(named, tmp_path / "words", {"sft": [rows]})
    assert figures.tokenizer == "./words"
    counted = figures.products[0]
    # <user> two words <assistant> and what was answered
    assert (counted.counted, counted.longest, counted.median, counted.total) == (2, 8, 7, 15)
    assert (counted.refused, counted.without_thinking) == (0, 0)
    assert figures.preview == "<user> two words\n<assistant> a b c\n"


def test_without_a_template_the_texts_are_counted(tmp_path: Path) -> None:
    named = words_tokenizer(tmp_path / "words")
    figures = token_figures(named, tmp_path / "words", {"sft": [rows_file(tmp_path / "train-0.parquet", "a b c")]})
    assert not figures.is_rendered
    assert figures.preview is None
    assert figures.products[0].total == len(["two", "words", "a", "b", "c"])


def test_thinking_that_the_template_leaves_out_is_told(tmp_path: Path) -> None:
    rows = rows_file(tmp_path / "train-0.parquet", "no thinking", "<think>\nlong thought\n</think>\n\ny")
    named = words_tokenizer(tmp_path / "words", FORGETFUL)
    assert token_figures(named, tmp_path / "words", {"sft": [rows]}).products[0].without_thinking == 1


def test_rows_that_the_template_refuses_are_no_part_of_the_figures(tmp_path: Path) -> None:
    named = words_tokenizer(tmp_path / "words", STRICT)
    figures = token_figures(named, tmp_path / "words", {"sft": [rows_file(tmp_path / "train-0.parquet", "yes", "no")]})
    assert (figures.products[0].counted, figures.products[0].refused) == (1, 1)
    assert figures.refusal == "TemplateError: no `no`"


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"tokenizer.json": "{}"}, "cannot be used"),  # JSON, and no tokenizer
        ({"chat_template.jinja": "{% for %}"}, "TemplateSyntaxError"),
        ({"tokenizer_config.json": "[1"}, "JSONDecodeError"),
        ({"chat_template.jinja": None, "tokenizer_config.json": json.dumps({"chat_template": 7})}, "cannot be used"),
    ],
)
def test_what_cannot_be_read_is_told_before_anything_is_bought(
    files: dict[str, str | None], says: str, tmp_path: Path
) -> None:
    named = words_tokenizer(tmp_path / "words", PLAIN)
    for name, text in files.items():
        (tmp_path / "words" / name).unlink(missing_ok=True)
        if text is not None:
            (tmp_path / "words" / name).write_text(text)
    with pytest.raises(InputError, match=says) as raised:
        token_figures(named, tmp_path / "words", {})
    assert "release.tokenizer" in raised.value.hint


def test_a_folder_without_a_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"has no tokenizer\.json"):
        tokenizer_folder(str(tmp_path), HubTarget())


def test_of_a_model_on_the_hub_its_tokenizer_is_fetched_and_no_weights(hub_server: HubServer, tmp_path: Path) -> None:
    words_tokenizer(tmp_path / "words", PLAIN)
    hub_server.repos["ducks/model"] = HubRepo("ducks/model")
    files = {path.name: path.read_bytes() for path in (tmp_path / "words").iterdir()}
    commit = hub_server.repos["ducks/model"].commit("first", {**files, "model.safetensors": b"weights"}, [])
    target = HubTarget(endpoint=hub_server.endpoint)
    for named in ("ducks/model", f"ducks/model@{commit}"):
        folder = tokenizer_folder(named, target)
        assert sorted(path.name for path in folder.iterdir()) == ["chat_template.jinja", "tokenizer.json"]
    with pytest.raises(RecipeError, match="ducks/other cannot be fetched"):
        tokenizer_folder("ducks/other", target)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("{{ ''.__class__.__mro__ }}", "unsafe"),  # the way out of every template
        ("{{ messages.append(1) }}", "unsafe"),  # the sandbox is immutable
    ],
)
def test_a_template_does_not_reach_python(source: str, says: str) -> None:
    with pytest.raises(jinja2.exceptions.SecurityError, match=says):
        chat_template(source, {}).render([])


def test_a_template_that_takes_all_memory_is_refused_like_any_other(tmp_path: Path) -> None:
    named = words_tokenizer(tmp_path / "words", "{{ 'a' * 10 ** 11 }}")
    figures = token_figures(named, tmp_path / "words", {"sft": [rows_file(tmp_path / "train-0.parquet", "a")]})
    assert figures.products[0].refused == 1
    assert figures.refusal is not None
    assert figures.refusal.startswith("MemoryError")


def test_templates_are_found_where_tokenizers_have_them(tmp_path: Path) -> None:
    config = {"bos_token": {"content": "<s>"}, "chat_template": "{{ bos_token }}{{ messages[0].content | tojson }}"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    template = read_chat_template(tmp_path)
    assert template is not None
    assert template.render([{"role": "user", "content": "<é>"}]) == '<s>"<é>"'
    # several, by name; and the marks of what a student learns are no text
    named = [
        {"name": "tool_use", "template": "x"},
        {"name": "default", "template": "{% generation %}y{% endgeneration %}"},
    ]
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": named}))
    template = read_chat_template(tmp_path)
    assert template is not None
    assert template.render([]) == "y"
    (tmp_path / "chat_template.jinja").write_text("of the file")
    template = read_chat_template(tmp_path)
    assert template is not None
    assert template.render([]) == "of the file"


def test_card_and_page_tell_tokens_and_contact(tmp_path: Path) -> None:
    named = words_tokenizer(
        tmp_path / "words", "{% for m in messages %}``` <b>{{ m.content.split('</think>')[-1] }}{% endfor %}"
    )
    recipe = made_recipe("sft", "preference", "kto_text", "rl", "steps", "all_graded")
    told = recipe.release.model_copy(update={"tokenizer": named, "contact": "data@ducks.example"})
    recipe = recipe.model_copy(update={"release": told})
    groups = [(made_mixed_group(number),) for number in range(3)]
    path = write_release(
        recipe.name,
        groups,
        recipe,
        made_facts(problems=groups),
        tmp_path / "releases",
        tmp_path / "staging",
        with_pictures=False,
        tokenizer=tmp_path / "words",
    ).path
    card, page = (path / "README.md").read_text("utf-8"), (path / "report.html").read_text("utf-8")
    section = card.partition("## Tokens")[2].partition("\n## ")[0]
    assert [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")] == [
        "sft", "preference", "kto_text", "rl",
    ]  # fmt: skip
    assert "**This template leaves the thinking of 3 of 6 rows of `sft` out**" in section
    assert "\n````\n``` <b>" in section  # what a template writes ends no block of the card
    assert "data@ducks.example" in card
    assert "&lt;b&gt;" in page
    assert "This template leaves the thinking of 3 of 6 rows of <code>sft</code> out" in page
    assert str(tmp_path) not in card + page + (path / "manifest.json").read_text("utf-8")
    assert "data@ducks.example" in (path / "CITATION.cff").read_text("utf-8")
