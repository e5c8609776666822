"""A recipe file is plain values, each on a line that errors name; nothing in it can hang, mislead or name a type."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.flows.recipe_file import line_of, read_recipe_file
from cotfactory.schemas.errors import RecipeError

LAUGHS = "a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 10)
)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "r.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # YAML lets the last one win: a budget of a cent would be 9,999 USD.
        ("budget: {usd: 0.01}\nname: r\nbudget: {usd: 9999}\n", "line 3, has the key 'budget' on line 1 and again"),
        ("teachers:\n- name: t\n  model: m\n  name: u\n", "line 4, has the key 'name' on line 2 and again"),
        ("1: a\n'1': b\n", "the key '1' on line 1 and again"),
        (LAUGHS, "more than 50,000 values"),
        ("x: &a [*a]", "line 1, has a value that holds itself"),
        ("x: &a {y: {z: *a}}", "holds itself"),
        ("x: " + "[" * 3000 + "]" * 3000, "nested deeper than 50 levels"),
        ("x: " + "{a: " * 60 + "1" + "}" * 60, "nested deeper than 50 levels"),
        ("x: " + "9" * 5000, "a number of 5,000 signs"),
        ("x: 0x" + "f" * 5000, "a number of 5,002 signs"),
        ('path: "p\\0.jsonl"', "the sign U\\+0000"),
        ('name: "\\ud800"', "the sign U\\+D800"),
        ('name: "\\e[31m"', "the sign U\\+001B"),
        ("x: !!timestamp z", "the type 'tag:yaml.org,2002:timestamp'"),
        ("x: !!binary aGk=", "the type 'tag:yaml.org,2002:binary'"),
        ("x: !!python/object/apply:os.system [id]", "the type 'tag:yaml.org,2002:python"),
        ("x: !!int many", "not readable YAML"),
        ("x: !!bool perhaps", "not readable YAML"),
        ("? [1]\n: 2", "a list or mapping as a key"),
        ("x: *nobody", "undefined alias"),
        ("a: 1\n---\nb: 2\n", "not readable YAML"),
        ("- a", "holds no keys"),
        ("", "holds no keys"),
        ("x: " + "y" * (1 << 20), "larger than 1,048,576 bytes"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        read_recipe_file(written(tmp_path, text))


@pytest.mark.parametrize("name", ["no.yaml", "p\0.yaml", "x" * 5000])
def test_a_path_that_is_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecipeError, match="give the path of a YAML file"):
        read_recipe_file(tmp_path / name)


def test_dates_are_text_and_aliases_of_a_person_s_own_are_fine(tmp_path: Path) -> None:
    values, _ = read_recipe_file(written(tmp_path, "name: 2024-13-45\na: &s {t: 1}\nb: {<<: *s, u: 0.5}\nc: *s\n"))
    assert values == {"name": "2024-13-45", "a": {"t": 1}, "b": {"t": 1, "u": 0.5}, "c": {"t": 1}}


def test_the_line_of_a_place_is_its_own_or_that_of_what_it_lies_in(tmp_path: Path) -> None:
    _, lines = read_recipe_file(written(tmp_path, "name: r\nproblems:\n- source: file\n  path: p\nteachers:\n- {}\n"))
    assert line_of(("problems", 0, "file", "path"), lines) == 4  # pydantic names the member of the union
    assert line_of(("teachers", 0, "model"), lines) == 6  # it is missing
    assert line_of(("release",), lines) == 1


@given(text=st.text(alphabet="ab:{}[]&*!-?|>'\"%@#0123456789.,<=~\n \t\\eux"))
def test_any_text_is_read_or_refused(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text.encode("utf-8"))
    try:
        values, lines = read_recipe_file(path)
    except RecipeError:
        return
    assert isinstance(values, dict)
    assert set(lines.values()) <= set(range(1, text.count("\n") + 2))
