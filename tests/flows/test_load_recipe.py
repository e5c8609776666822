"""A recipe file is read as data: its mistakes have lines, and the environment is in its paths alone."""

from pathlib import Path

import pytest

from cotfactory.flows.load_recipe import DEFAULT_RECIPE, load_recipe, recipe_id, shipped_recipe
from cotfactory.flows.settings import remote_endpoint
from cotfactory.publishing.published_recipe import published_recipe
from cotfactory.schemas.errors import RecipeError
from cotfactory.schemas.teacher_spec import TeacherSpec

RECIPE = """
name: r
problems: [{source: file, path: "${FOLDER}/p.jsonl"}]
teachers: [{name: t, model: m, recordings: r.jsonl}]
release: {license: mit}
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    return path


def test_variables_and_relative_paths(tmp_path: Path) -> None:
    recipe = load_recipe(written(tmp_path, RECIPE), {"FOLDER": "/data"})
    assert recipe.problems[0].path == "/data/p.jsonl"  # type: ignore[union-attr]
    assert recipe.teachers[0].recordings == str(tmp_path / "r.jsonl")


def test_a_folder_without_its_dot_is_told_how_to_be_written(tmp_path: Path) -> None:
    text = RECIPE.replace("license: mit", "license: mit, tokenizer: my-tokenizer")
    with pytest.raises(RecipeError, match=r"expected \./FOLDER for a folder, or ORG/NAME"):
        load_recipe(written(tmp_path, text), {"FOLDER": "/data"})


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("./qwen", "{folder}/qwen"),  # a folder, from the recipe's
        ("${FOLDER}/qwen", "/data/qwen"),
        ("Qwen/Qwen3-8B", "Qwen/Qwen3-8B"),  # the Hub's
    ],
)
def test_a_tokenizer_is_a_folder_or_a_model_of_the_hub(named: str, found: str, tmp_path: Path) -> None:
    text = RECIPE.replace("license: mit", f"license: mit, tokenizer: '{named}'")
    recipe = load_recipe(written(tmp_path, text), {"FOLDER": "/data"})
    assert recipe.release.tokenizer == found.format(folder=tmp_path)
    moved = recipe.model_copy(update={"release": recipe.release.model_copy(update={"tokenizer": "/else/qwen"})})
    assert (recipe_id(moved) == recipe_id(recipe)) is (named != "Qwen/Qwen3-8B")


MISTAKEN = [
    ("name: r", "name: r\nattempts: two", "expected a whole number, or keys with values, such as `max: ...`"),
    ("name: r", "name: r\nattempts: 0", "attempts: expected 1 or more (got '0')"),
    ("license: mit", "license: mit, products: [stf]", "(got 'stf'), did you mean `sft`?"),
    ("license: mit", "license: mit, products: sft", "release.products: expected a list (got 'sft')"),
    ("source: file", "source: flie", "'procedural', 'grown' (got 'flie'), did you mean `file`?"),
    ("model: m", "model: m, price: {in: 1}", "price.in: unknown key, expected input, output, cached_input"),
    ("recordings: r.jsonl", "base_url: https://h/v1/chat/completions/", "expected what comes before that"),
    ("model: m", "model: m, promt: solve", "teachers.0.promt: unknown key, did you mean `prompt`?"),
    ("model: m", "model: m, sampling: {temperature: hot}", "sampling.temperature: expected a number (got 'hot')"),
    ("model: m", "model: m, stream: 7", "teachers.0.stream: expected true or false (got '7'), or 'auto' (got '7')"),
    ("name: r", "name: r\ngrader: ./g.py", "grader: expected FILE.py:FUNCTION, as in `./mine.py:grade` (got './g.py')"),
    ("name: r", "name: a/b", "name: expected letters, digits, `.`, `_` and `-` (got 'a/b')"),
    ("name: r", "\tname: r", "found character '\\t' that cannot start any token"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "said"), MISTAKEN)
def test_a_mistake_is_told_in_the_words_of_recipes(tmp_path: Path, right: str, wrong: str, said: str) -> None:
    text = RECIPE.replace("${FOLDER}", ".").replace(right, wrong, 1)
    assert wrong in text
    with pytest.raises(RecipeError) as raised:
        load_recipe(written(tmp_path, text))
    assert said in str(raised.value)
    assert "pydantic" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (RECIPE, "FOLDER"),  # not set
        ("name: [", "not readable YAML"),
        ("", "holds no keys"),
        ("name: r\ncolour: red\n", "colour: unknown key"),
        ("name: r\ncolour: red\n", "teachers: is missing"),  # all mistakes at once
        # A number that no table could hold would be found out after the first answer was paid for.
        (
            RECIPE.replace("model: m", "model: m, sampling: {seed: 9223372036854775808}").replace("${FOLDER}", ""),
            "sampling.seed",
        ),
        (
            RECIPE.replace("model: m", "model: m, sampling: {max_tokens: 2147483648}").replace("${FOLDER}", ""),
            "sampling.max_tokens",
        ),
    ],
)
def test_mistakes(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        load_recipe(written(tmp_path, text), {})


def test_a_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"line 4, teachers\.0\.modle: unknown key, did you mean `model`\?"):
        load_recipe(written(tmp_path, RECIPE.replace("model: m", "modle: m")), {"FOLDER": "/data"})


@pytest.mark.parametrize(
    ("teacher", "key"),
    [
        # Each of them is published, or part of what an endpoint is told.
        ("model: 'ok-${SECRET}'", "model"),
        ("model: m, license: '${SECRET}'", "license"),
        ("model: m, extra_body: {user: '${SECRET}'}", "user"),
        ("model: m, sampling: {max_tokens: '${SECRET}'}", "max_tokens"),
    ],
)
def test_a_variable_is_filled_in_where_it_is_a_place_and_nowhere_else(tmp_path: Path, teacher: str, key: str) -> None:
    text = RECIPE.replace("model: m", teacher).replace("${FOLDER}", "")
    with pytest.raises(RecipeError, match=f"in `{key}`: expected .* only in base_url, base_urls,") as caught:
        load_recipe(written(tmp_path, text), {"SECRET": "42"})
    assert "42" not in str(caught.value)


def test_a_variable_in_a_url_is_filled_in_where_it_is_asked_and_stays_as_it_is_in_the_recipe(tmp_path: Path) -> None:
    written_url = "https://h.example/${TENANT}/v1"
    text = RECIPE.replace("recordings: r.jsonl", f"base_url: '{written_url}'")
    recipe = load_recipe(written(tmp_path, text), {"FOLDER": "/data", "TENANT": "secret"})
    assert published_recipe(recipe)["teachers"][0]["base_url"] == written_url
    environment = {"TENANT": "secret", "OPENAI_API_KEY": "k"}
    assert remote_endpoint(recipe.teachers[0], environment).base_url == "https://h.example/secret/v1"
    with pytest.raises(RecipeError, match="TENANT}, which is not set"):
        remote_endpoint(recipe.teachers[0], {"OPENAI_API_KEY": "k"})
    with pytest.raises(RecipeError, match="is no URL with the environment's values in it"):
        remote_endpoint(TeacherSpec(name="t", model="m", base_url="${TENANT}/v1"), environment)


def test_the_value_of_an_unknown_key_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(written(tmp_path, "name: r\nteachers: [{name: t, model: m, api_key: sk-secret}]"), {})
    assert "api_key: unknown key" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("key", ["sk-aB3dE5fG7hJ9kL1mN2pQ", "gsk_" + "aB3dE5fG" * 6, "0b1c" * 8, "c1b0" * 8, "MY KEY"])
def test_a_key_where_the_name_of_its_variable_belongs_is_refused_and_not_shown(tmp_path: Path, key: str) -> None:
    with pytest.raises(RecipeError, match="expected the name of an environment variable") as caught:
        load_recipe(written(tmp_path, f"name: r\nteachers: [{{name: t, model: m, api_key_env: {key}}}]"), {})
    assert key not in str(caught.value)


def test_a_list_with_a_wrong_item_is_not_called_empty(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(written(tmp_path, RECIPE.replace("model: m", "modle: m")), {"FOLDER": "/data"})
    assert "at least 1 item" not in str(caught.value)


def test_a_missing_recipe_is_named_in_full(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=str(tmp_path / "no.yaml")):
        load_recipe(tmp_path / "no.yaml")


def test_a_recipe_is_data_and_never_code(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="has the type"):
        load_recipe(written(tmp_path, "name: !!python/object/apply:os.getcwd []"))


def test_every_shipped_recipe_is_valid() -> None:
    folder = shipped_recipe(DEFAULT_RECIPE).parent
    names = sorted(path.stem for path in folder.glob("*.yaml"))
    assert DEFAULT_RECIPE in names
    for name in names:
        assert load_recipe(folder / f"{name}.yaml", {"COTFACTORY_SHARED": "/shared"}).name == name


def test_where_things_lie_is_not_in_the_recipe_id(tmp_path: Path) -> None:
    recipe = load_recipe(written(tmp_path, RECIPE), {"FOLDER": "/data"})
    assert recipe_id(recipe) == recipe_id(load_recipe(written(tmp_path, RECIPE), {"FOLDER": "/elsewhere"}))
    assert recipe_id(recipe) != recipe_id(recipe.model_copy(update={"name": "other"}))
