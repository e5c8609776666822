"""What is published of a recipe is a recipe, without folders and without logins."""

from cotfactory.publishing.published_recipe import published_recipe
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.teacher_spec import TeacherSpec
from tests.publishing.made_groups import made_recipe


def recipe_with(teacher: TeacherSpec) -> Recipe:
    return made_recipe().model_copy(update={"teachers": (teacher,)})


def test_folders_and_logins_are_left_out() -> None:
    teacher = TeacherSpec(
        name="owl", model="owl-7b", base_url="https://me:secret@host.example:8443/v1?api_key=secret#secret"
    )
    told = published_recipe(recipe_with(teacher))
    assert told["problems"][0]["path"] == "problems.jsonl"
    assert told["teachers"][0]["base_url"] == "https://host.example:8443/v1"
    recorded = published_recipe(recipe_with(TeacherSpec(name="owl", model="m", recordings="/home/me/r.jsonl")))
    assert recorded["teachers"][0]["recordings"] == "r.jsonl"


def test_of_a_tokenizers_folder_the_name_is_told() -> None:
    release = made_recipe().release.model_copy(update={"tokenizer": "/home/me/qwen"})
    told = published_recipe(made_recipe().model_copy(update={"release": release}))
    assert told["release"]["tokenizer"] == "./qwen"
    Recipe.model_validate(told)


def test_of_headers_the_names_alone_are_told() -> None:
    headers = {"X-Tenant": "secret", "api-key": "${AZURE_KEY}"}
    teacher = TeacherSpec(name="owl", model="m", headers=headers, ca_bundle="/home/me/ca.pem")
    (told,) = published_recipe(recipe_with(teacher))["teachers"]
    assert told["headers"] == {"X-Tenant": "${X_TENANT}", "api-key": "${API_KEY}"}
    assert told["ca_bundle"] == "ca.pem"


def test_it_is_still_the_recipe() -> None:
    recipe = recipe_with(TeacherSpec(name="owl", model="owl-7b", base_url="http://host/v1"))
    told = Recipe.model_validate(published_recipe(recipe))
    assert told.model_copy(update={"problems": recipe.problems}) == recipe


def test_what_was_left_at_its_default_does_not_count_as_set() -> None:
    """Defaults are told too: a teacher with `batch` may say nothing of concurrency, and did not."""
    spec = {"name": "t", "model": "m", "base_url": "http://host/v1", "batch": {}, "limits": {"retries": 1}}
    recipe = recipe_with(TeacherSpec.model_validate(spec))
    assert Recipe.model_validate(published_recipe(recipe)).teachers == recipe.teachers
