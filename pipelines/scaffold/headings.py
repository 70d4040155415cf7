"""Infer from a column's heading whether its values are codes, row numbers or durations."""

import re

# Last words of headings whose whole numbers are codes. Only the last counts: `order number` is a code, `number of
# orders` is a quantity.
_CODES = frozenset({
    "id", "ids", "code", "zip", "zipcode", "postcode", "plz", "no", "nr", "number", "account", "acct", "sku", "store",
    "shop", "branch", "key", "uuid", "guid", "ref", "reference", "barcode", "isbn", "iban", "tract", "serial",
    "phone", "tel", "mobile", "fax", "ssn", "vin", "ean", "upc", "imei", "fips", "naics", "postal", "dept",
    "telephone", "department",
})  # fmt: skip
# Those of the above that are codes whatever precedes them, as in `ship_to_zip`; and those that are places.
_SURE = frozenset(
    {"id", "ids", "code", "zip", "zipcode", "postcode", "postal", "plz", "account", "acct", "uuid", "guid"}
)
_PLACES = frozenset({"store", "shop", "branch"})
_COUNTERS = frozenset({"no", "nr", "number"})  # no codes as the only word
_THINGS = "|".join((
    "customer", "client", "user", "account", "acct", "patient", "member", "employee", "person", "store", "shop",
    "product", "item", "order", "invoice", "device", "session", "row", "record", "vehicle", "driver", "supplier",
))  # fmt: skip
_THING = re.compile(_THINGS)
_ONE_WORD = re.compile(rf"(?:{_THINGS})s?(?:id|no|nr|number|code|key)")
_OF_ROWS = frozenset({"index", "idx", "row", "record", "unnamed", "column"})
# A heading with one of these words is an amount: days in store, distance to branch.
_RELATIONS = frozenset({"in", "per", "at", "to", "of", "from", "since", "by", "between", "until", "for"})
_AMOUNTS = frozenset({"per", "of"})  # before the last word: lines of code, sales per account
_DURATIONS = frozenset({"duration", "durations", "elapsed", "pace", "lap", "took", "lasted", "runtime"})


def words(heading: str) -> list[str]:
    """Return the words of a heading, in lower case.

    Example:
        >>> words("StoreNo"), words("store_no"), words("Store No.")
        (['store', 'no'], ['store', 'no'], ['store', 'no'])
    """
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", heading)
    return [word for word in re.split(r"[^a-zA-Z]+", apart.lower()) if word]


def last_word(heading: str) -> str:
    """Return the last word, in lower case; empty if there is none."""
    return (words(heading) or [""])[-1]


def names_a_code(heading: str) -> bool:
    """Return whether the heading says that its values are codes: names of something.

    Example:
        >>> names_a_code("customer_id"), names_a_code("days_in_store")
        (True, False)
    """
    found = words(heading)
    if not found or _names_an_amount(found):
        return False
    if len(found) == 1 and found[0] in _COUNTERS:
        return False
    return found[-1] in _CODES or found[0] == "id" or bool(_ONE_WORD.fullmatch(found[-1]))


def names_a_thing(heading: str) -> bool:
    """Return whether the heading is one thing, such as `customer`: its numbers are codes, or a count of customers."""
    found = words(heading)
    return len(found) == 1 and _THING.fullmatch(found[0]) is not None


def _names_an_amount(found: list[str]) -> bool:
    """Return whether a word such as `per` makes the heading an amount; as first word only with a place: `to_store`."""
    if found[-1] in _SURE and not _AMOUNTS.intersection(found[-2:-1]):
        return False
    return bool(_RELATIONS.intersection(found if found[-1] in _PLACES else found[1:]))


def names_row_numbers(heading: str) -> bool:
    """Return whether the heading says that its values number the rows; pandas' index has the heading `Unnamed: 0`."""
    found = words(heading)
    return not found or _OF_ROWS.issuperset(found)


def names_a_duration(heading: str) -> bool:
    """Return whether the heading says that values such as `0:35` are durations and not times of day."""
    return not _DURATIONS.isdisjoint(words(heading))
