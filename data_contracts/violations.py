"""Row expectations as SQL: which rows an expectation looks at, and which of them break it.

What Great Expectations' pandas engine says of a column, a DuckDB aggregate says of a million rows in a second. The
meaning is Great Expectations' own: a null is not looked at, and of a pair only where both are null.
"""

from cotfactory.data_contracts.contract import Expectation


def checked_sql(promise: Expectation) -> str:
    """Return the SQL aggregate of how many rows `promise` looks at."""
    first, *second = [quoted(name) for name in promise.columns()]
    if promise.type == "expect_column_values_to_not_be_null":
        return "count(*)"
    return f"count(*) FILTER ({first} IS NOT NULL OR {second[0]} IS NOT NULL)" if second else f"count({first})"


def failed_sql(promise: Expectation) -> str:
    """Return the SQL condition of a row that breaks `promise`; null or false for one that does not."""
    names = [quoted(name) for name in promise.columns()]
    value, other = names[0], names[-1]
    if promise.type == "expect_column_values_to_not_be_null":
        return f"{value} IS NULL"
    if promise.type == "expect_column_values_to_be_in_set":
        return f"{value} NOT IN ({_values(promise)})"
    if promise.type == "expect_column_values_to_not_be_in_set":
        return f"{value} IN ({_values(promise)})"
    if promise.type == "expect_column_values_to_be_between":
        limits = [f"{value} < {promise.min_value!r}"] if promise.min_value is not None else []
        limits += [f"{value} > {promise.max_value!r}"] if promise.max_value is not None else []
        return " OR ".join(limits) or "false"
    if promise.type == "expect_column_values_to_match_regex":
        return f"NOT regexp_matches({value}, {literal(promise.regex or '')})"
    if promise.type == "expect_column_values_to_be_json_parseable":
        return f"NOT json_valid({value})"
    if promise.type == "expect_column_pair_values_to_be_equal":
        return f"{value} IS DISTINCT FROM {other}"
    if promise.type == "expect_column_pair_values_a_to_be_greater_than_b":
        sign = ">=" if promise.or_equal else ">"
        return f"NOT coalesce({value} {sign} {other}, {value} IS NULL AND {other} IS NULL)"
    raise AssertionError(f"{promise.type} does not hold row by row")


def quoted(name: str) -> str:
    """Return a column's name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | int | bool) -> str:
    """Return a value as SQL writes it."""
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)


def _values(promise: Expectation) -> str:
    return ", ".join(literal(value) for value in promise.value_set or ())
