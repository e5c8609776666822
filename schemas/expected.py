"""What was expected where a value broke its schema, in words of our own: pydantic's speak of Python."""

from pydantic_core import ErrorDetails

EXPECTED = {
    "missing": "is missing",
    "tuple_type": "expected a list",
    "list_type": "expected a list",
    "dict_type": "expected keys and values",
    "string_type": "expected text",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "finite_number": "expected a finite number",
    "greater_than": "expected more than {gt}",
    "greater_than_equal": "expected {ge} or more",
    "less_than": "expected less than {lt}",
    "less_than_equal": "expected {le} or less",
    "too_short": "expected {min_length} or more of them",
    "too_long": "expected {max_length} of them at most",
    "string_too_short": "expected {min_length} or more characters",
    "string_too_long": "expected {max_length} characters at most",
    "literal_error": "expected {expected}",
    "union_tag_invalid": "expected {discriminator}: {expected_tags}",
    "union_tag_not_found": "expected the key {discriminator}, which says what kind it is",
}
"""Type of pydantic's error -> what to say, with the limits that it names."""


def expected(mistake: ErrorDetails) -> str:
    """Return what was expected where a mistake was found, and not what was found there."""
    words = EXPECTED.get(mistake["type"])
    if words is None:
        return mistake["msg"].removeprefix("Value error, ")
    return words.format(**mistake.get("ctx", {}))
