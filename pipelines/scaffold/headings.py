"""What the heading of a column says about its values."""

import re

# The last word of a heading whose whole numbers are names. Only the last: a room number is a name, the number of
# rooms is a quantity.
_CODES = frozenset({
    "id", "ids", "code", "zip", "zipcode", "postcode", "plz", "no", "nr", "number", "account", "acct", "sku", "store",
    "shop", "branch", "key", "uuid", "guid", "ref", "reference", "barcode", "isbn", "iban", "tract", "serial",
    "phone", "tel", "mobile", "fax", "ssn", "vin", "ean", "upc", "imei", "fips", "naics", "postal", "dept",
    "telephone", "department",
})  # fmt: skip
# Of these: what is a name whatever stands before it, as in `ship_to_zip`; and where one can be, or go to.
_SURE = frozenset(
    {"id", "ids", "code", "zip", "zipcode", "postcode", "postal", "plz", "account", "acct", "uuid", "guid"}
)
_PLACES = frozenset({"store", "shop", "branch"})
_COUNTERS = frozenset({"no", "nr", "number"})  # say nothing alone
_THINGS = "|".join((
    "customer", "client", "user", "account", "acct", "patient", "member", "employee", "person", "store", "shop",
    "product", "item", "order", "invoice", "device", "session", "row", "record", "vehicle", "driver", "supplier",
))  # fmt: skip
_THING = re.compile(_THINGS)
_ONE_WORD = re.compile(rf"(?:{_THINGS})s?(?:id|no|nr|number|code|key)")
_OF_ROWS = frozenset({"index", "idx", "row", "record", "unnamed", "column"})
# A heading with one of these is about an amount: days in store, distance to branch.
_RELATIONS = frozenset({"in", "per", "at", "to", "of", "from", "since", "by", "between", "until", "for"})
_AMOUNTS = frozenset({"per", "of"})  # before the last word: lines of code, sales per account
_DURATIONS = frozenset({"duration", "durations", "elapsed", "pace", "lap", "took", "lasted", "runtime"})


def words(heading: str) -> list[str]:
    """Splits a heading into its words, in lower case: `StoreNo`, `store_no` and `Store No.` are the same."""
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", heading)
    return [word for word in re.split(r"[^a-zA-Z]+", apart.lower()) if word]


def last_word(heading: str) -> str:
    """Returns the last word, in lower case; empty where there is none."""
    return (words(heading) or [""])[-1]


def names_a_code(heading: str) -> bool:
    """Whether the heading says that its values are names of something."""
    found = words(heading)
    if not found or _names_an_amount(found):
        return False
    if len(found) == 1 and found[0] in _COUNTERS:
        return False
    return found[-1] in _CODES or found[0] == "id" or bool(_ONE_WORD.fullmatch(found[-1]))


def names_a_thing(heading: str) -> bool:
    """Whether the heading is what its values may be names of: a customer, unless so few of them are counted."""
    found = words(heading)
    return len(found) == 1 and _THING.fullmatch(found[0]) is not None


def _names_an_amount(found: list[str]) -> bool:
    """Whether a relation makes an amount of the last word; at the beginning only of a place, as in `to_store`."""
    if found[-1] in _SURE and not _AMOUNTS.intersection(found[-2:-1]):
        return False
    return bool(_RELATIONS.intersection(found if found[-1] in _PLACES else found[1:]))


def names_row_numbers(heading: str) -> bool:
    """Whether the heading says that its values number the rows; pandas writes `Unnamed: 0` for its index."""
    found = words(heading)
    return not found or _OF_ROWS.issuperset(found)


def names_a_duration(heading: str) -> bool:
    """Whether the heading says that times such as `0:35` are durations, and no times of day."""
    return not _DURATIONS.isdisjoint(words(heading))
