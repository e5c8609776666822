"""Refused parameters in the words of several endpoints, and what to change."""

import pytest

from cotfactory.generators.teacher.parameter_advice import parameter_advice


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead.",
         "max_completion_tokens"),
        ("Unsupported value: 'temperature' does not support 0.7 with this model.", "take `temperature` out"),
        ("extra_forbidden body seed Extra inputs are not permitted", "`seed: null`"),
        ("This model only support stream mode, please enable the stream parameter", "`stream: true`"),
        ("parameter.enable_thinking must be set to false for non-streaming calls", "`stream: true`"),
        ("Unrecognized request argument supplied: top_k", "take `top_k` out"),
        ("Invalid value: 'n' must be 1", "samples_per_request"),
        ("This model's maximum context length is 4096 tokens", ""),
        ("Your input was flagged for violence", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_advice(said: str, advice: str) -> None:
    assert advice in parameter_advice(said)
    assert bool(parameter_advice(said)) == bool(advice)
