"""Places where arithmetic stories happen: the sentences of each kind of event and each way to ask."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """One place. Sentences have blanks: `{name}`, `{things}`, one amount `{n}`, or `{a}` times `{b}`.

    Two sentences for each kind of event, so that a story need not repeat itself.
    """

    key: str
    things: tuple[str, ...]
    start: str
    gain: tuple[str, str]
    loss: tuple[str, str]
    batch: tuple[str, str]
    ask: str
    share: str
    price: str


SETTINGS = (
    Setting(
        "warehouse",
        ("lamps", "kettles", "toasters", "radios", "helmets"),
        "{name} unloads {a} crates with {b} {things} in each crate.",
        ("A van brings {n} more {things}.", "{n} {things} are returned by a customer."),
        ("{n} {things} turn out to be damaged and are thrown away.", "A shop collects {n} of the {things}."),
        (
            "{a} boxes with {b} {things} each are added to the stock.",
            "A lorry delivers {a} pallets with {b} {things} on each.",
        ),
        "How many {things} are in stock now?",
        "All of the {things} in stock are put on {n} shelves, the same number on each. "
        "How many {things} are on one shelf?",
        "Every one of the {things} in stock is then sold for {n} dollars. How many dollars do they bring in?",
    ),
    Setting(
        "bakery",
        ("rolls", "muffins", "pretzels", "scones", "bagels"),
        "{name}'s bakery starts the day with {a} trays of {b} {things} each.",
        ("The apprentice bakes {n} more {things}.", "{n} more {things} arrive from the second oven."),
        ("A café collects {n} {things}.", "Customers buy {n} of the {things}."),
        (
            "{a} baskets with {b} {things} each come out of the oven.",
            "{name} fills another {a} trays with {b} {things} each.",
        ),
        "How many {things} does the bakery have now?",
        "The {things} that are there now are packed into {n} bags, with the same number in every bag. "
        "How many {things} go into one bag?",
        "The bakery now sells every one of its {things} for {n} cents. How many cents does it earn?",
    ),
    Setting(
        "library",
        ("novels", "atlases", "comics", "cookbooks", "picture books"),
        "A library owns {a} shelves of {things}, with {b} on every shelf.",
        ("{name} donates {n} {things} to it.", "The library buys {n} more {things}."),
        ("Water ruins {n} of the {things}.", "{n} of the {things} are given to a hospital."),
        (
            "The town hands over {a} boxes with {b} {things} each.",
            "Each of {a} schools sends {b} of its {things} to the library.",
        ),
        "How many {things} are in the library at the end?",
        "The {things} are then spread evenly over {n} reading rooms. How many {things} does each room get?",
        "At the end the library glues {n} labels on every one of its {things}. How many labels does it need?",
    ),
    Setting(
        "orchard",
        ("apples", "pears", "plums", "peaches", "lemons"),
        "{name} picks {b} {things} from each of {a} trees.",
        ("A neighbour gives {name} {n} more {things}.", "{name} finds {n} more {things} in a barn."),
        ("{name} presses {n} {things} for juice.", "{name} feeds {n} {things} to the goats."),
        (
            "{name} fills {a} bags with {b} {things} each and adds them.",
            "Each of {a} friends brings {name} {b} {things}.",
        ),
        "How many {things} does {name} have in the end?",
        "{name} shares the {things} equally among {n} families. How many {things} does each family get?",
        "{name} sells each of the {things} for {n} cents at the market. How many cents does {name} earn?",
    ),
    Setting(
        "collection",
        ("stickers", "stamps", "trading cards", "postcards", "photos"),
        "{name} has an album of {a} pages with {b} {things} on each page.",
        ("For a birthday {name} gets {n} more {things}.", "{name} swaps a toy for {n} {things}."),
        ("{name} gives {n} {things} to a friend.", "{name} loses {n} of the {things} on the way to school."),
        (
            "{name} buys {a} packets with {b} {things} in each.",
            "An aunt sends {a} envelopes with {b} {things} in each.",
        ),
        "How many {things} does {name} have now?",
        "{name} sorts all the {things} into {n} piles of the same size. How many {things} are in one pile?",
        "A collector pays {name} {n} cents for every one of the {things}. How many cents does {name} get?",
    ),
    Setting(
        "savings",
        ("dollars", "euros", "pounds", "pesos", "francs"),
        "{name} puts {b} {things} into a savings box every month for {a} months.",
        ("A grandmother adds {n} {things}.", "{name} sells a bicycle and adds the {n} {things} it brings."),
        ("{name} takes out {n} {things} to buy a present.", "{name} lends {n} {things} of it to a cousin."),
        (
            "{name} earns {b} {things} on each of {a} weekends and puts everything into the box.",
            "For {a} weeks {name} adds {b} {things} a week from a newspaper round.",
        ),
        "How many {things} are in the box now?",
        "{name} splits the money equally between {n} charities. How many {things} does each of them get?",
        "{name} changes the money and gets {n} tokens for each of the {things}. How many tokens does {name} get?",
    ),
    Setting(
        "theatre",
        ("seats", "chairs", "folding chairs", "armchairs", "stools"),
        "A theatre has {a} rows with {b} {things} each.",
        ("The owner, {name}, has {n} more {things} put in.", "{n} more {things} are found in the cellar."),
        ("{n} {things} are broken and get thrown away.", "{n} {things} are taken out to widen the stage."),
        (
            "A balcony with {a} rows of {b} {things} is opened as well.",
            "At each of the {a} side doors {b} {things} are added.",
        ),
        "How many {things} does the theatre have now?",
        "The {things} are divided into {n} blocks of equal size. How many {things} are in one block?",
        "For a concert, {name} sells every one of the {things} for {n} dollars. How many dollars is that?",
    ),
)
