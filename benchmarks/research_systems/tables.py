"""Tables of the results, as CSV files to which a row is added as soon as it is measured."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from reporting.sections import RESULTS_FOLDER

STORAGE, ARCHITECTURES, CURVES = (
    RESULTS_FOLDER / f"plugins_{name}.csv" for name in ("storage", "table", "curves")
)


def put_row(path: Path, row: dict[str, Any]) -> None:
    """Put a row into a table, in place of the row with the same first two columns."""
    keys = list(row)[:2]
    rows = [old for old in read_rows(path) if any(old[key] != str(row[key]) for key in keys)]
    rows.append({key: str(value) for key, value in row.items()})
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: Path) -> list[dict[str, str]]:
    """All rows of a table, none where there is no such file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
