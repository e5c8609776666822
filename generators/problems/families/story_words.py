"""Names and things that the stories of several families are told with."""

NAMES = (
    "Aisha", "Amir", "Anna", "Ben", "Carlos", "Chloe", "Dana", "Diego", "Elena", "Emeka", "Farah", "Felix",
    "Grace", "Hana", "Ibrahim", "Ines", "Jonas", "Kavya", "Kofi", "Lars", "Leila", "Lena", "Marco", "Mei",
    "Mira", "Nadia", "Noah", "Olga", "Omar", "Oskar", "Pavel", "Priya", "Ravi", "Rosa", "Samir", "Sofia",
    "Tariq", "Tomas", "Yuki", "Zara",
)  # fmt: skip

TOWNS = (
    "Aston",
    "Belford",
    "Corley",
    "Dunmore",
    "Elmstead",
    "Fairview",
    "Garston",
    "Hollin",
    "Marlow",
    "Norton",
)


def counted(n: int, thing: str) -> str:
    """Return `n` things: `1 day`, `3 days`."""
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"
