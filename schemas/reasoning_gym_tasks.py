"""EXACT_TASKS: the reasoning-gym tasks that may be used, by what their scorers were read to do.

A task is here when its scorer (reasoning-gym 0.1.25) gives exactly 1.0 for a right answer only and never evaluates
an answer: no `eval`, `exec`, `parse_expr` or `sympify`, no tolerance, no truth value of a string, no search for the
first number in a sentence. Tasks with answers of several lines are left out, because no rule finds where they end,
and so are tasks whose items hold values that JSON cannot keep (`count_primes`, `course_schedule`, `string_*`).
"""

EXACT_TASKS = frozenset(
    {
        # the package's default scorer: equal to the reference as a string (parts of it earn less than 1.0)
        "acre", "aiw", "base_conversion", "basic_arithmetic", "binary_alternation", "caesar_cipher", "count_bits",
        "gcd", "isomorphic_strings", "largest_island", "lcm", "leg_counting",
        "letter_counting", "list_functions", "mahjong_puzzle", "maze", "number_filtering", "number_sequence",
        "ransom_note", "rotten_oranges", "simple_equations", "simple_geometry", "string_manipulation",
        "syllogism", "word_sequence_reversal",
        # equal as decimals
        "chain_sum", "decimal_chain_sum", "products",
        # equal as strings, but for case or spaces
        "ab", "circuit_logic", "color_cube_rotation", "family_relationships", "needle_haystack", "self_reference",
        "spell_backward", "zebra_puzzles",
        # equal as weekday, whole number or yes and no; as the list of words; as a path of the same length
        "calendar_arithmetic", "word_sorting", "shortest_path",
    }
)  # fmt: skip
