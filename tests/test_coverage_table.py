from tests.coverage_table import table


def test_the_worst_first_and_all_together() -> None:
    shares = {"a.py": 90.0, "b.py": 84.9, "c.py": 0.0, "d.py": 85.0}
    files = {name: {"summary": {"percent_covered": share}} for name, share in shares.items()}
    assert table({"files": files, "totals": {"percent_covered": 71.25}}).splitlines() == [
        "  0.0%  c.py",
        " 84.9%  b.py",
        " 71.2%  in all, 4 modules, 2 below 85%",
    ]
