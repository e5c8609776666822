"""Lists of models as endpoints send them, and names that are the same model."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.generators.teacher.model_names import is_listed, listed_models


@pytest.mark.parametrize(
    ("page", "models"),
    [
        ({"data": [{"id": "m"}, {"id": "n"}]}, ("m", "n")),
        ([{"id": "m"}], ("m",)),  # Together
        ({"models": [{"name": "models/m"}]}, ("models/m",)),  # Gemini, Ollama
        (["m", 7, None, {"id": 7}, {}], ("m",)),
        ({"data": "portal"}, ()),
        ({"data": None}, ()),
        ("m", ()),
        (None, ()),
    ],
)
def test_lists(page: Any, models: tuple[str, ...]) -> None:
    assert listed_models(page) == models


@pytest.mark.parametrize(
    ("model", "listed", "same"),
    [
        ("m", "M", True),
        ("m", "models/m", True),
        ("models/m", "m", True),
        ("org/m:free", "org/m", True),
        ("m", "m:latest", True),
        ("m:8b", "m:70b", False),
        ("m", "m-mini", False),
    ],
)
def test_names(model: str, listed: str, same: bool) -> None:
    assert is_listed(model, ["other", listed]) is same


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["data", "models", "id", "name"]), inner),
    )
)
def test_reading_a_list_never_raises(page: Any) -> None:  # fmt: skip
    assert all(isinstance(name, str) for name in listed_models(page))
