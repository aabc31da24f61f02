"""Rows as CSV that spreadsheets open as they are."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from tracking.plain_text import plain

# A cell that begins so is a formula to a spreadsheet. Source: OWASP, "CSV Injection".
FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r")


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return a table in UTF-8; text from outside never becomes a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")  # RFC 4180
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue().encode()


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = plain(value)
    return f"'{text}" if text.startswith(FORMULA_MARKS) else text
