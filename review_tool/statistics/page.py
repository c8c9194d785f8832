"""The plain page of a release: one accessible HTML file that prints, without script or any outside byte.

Every number on it stands in `release.json` of the same release, or is a percentage of two numbers that do
(METHODS.md 5). Words are filled from protected tables alone.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from typing import Final

from review_tool.gates import Record
from review_tool.statistics.disclosure import ProtectedTable
from review_tool.statistics.hierarchy import TOTAL, YES, Exhibit

Shown = tuple[Exhibit, Sequence[ProtectedTable]]
Quarter = tuple[
    str, Mapping[str, int | None]
]  # a period and the printed counts of its records, None where hidden

LEAST_DENOMINATOR: Final = 20  # incidents; a percentage of fewer says more than it knows
HIDDEN: Final = "hidden to protect people"
NOT_PREVALENCE: Final = "These are reports people chose to send us."
READ_FIRST: Final = (
    "These are reports people chose to send us. They do not show how common hate is. More reports can mean more harm, "
    "more trust, or more outreach. We did not verify most of them. Small numbers are hidden so that nobody can be found."
)
LEFT_OUT: Final = (
    "is left out: it could not be shown safely, or it was drawn by lot so that leaving one out tells less."
)
SEVERAL: Final = "People could tick several."

_ONES: Final = (
    *(
        "no",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    ),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS: Final = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_HUNDRED: Final = 100

_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-inline-size: 46rem; margin-inline: auto; padding: 1rem; }
table { border-collapse: collapse; inline-size: 100%; margin-block: 0.5rem; }
caption { text-align: start; font-weight: 600; padding-block: 0.5rem; }
th, td { text-align: start; padding: 0.3rem 0.6rem; border-block-end: 1px solid; vertical-align: top; }
td.number, th.number { text-align: end; font-variant-numeric: tabular-nums; }
td.hidden { text-align: end; font-style: italic; }
.note { font-size: 0.9rem; }
@media (max-width: 26rem) { body { padding: 0.5rem; } th, td { padding: 0.25rem; font-size: 0.85rem; } }
@media print { body { max-inline-size: none; } table { break-inside: avoid; } h2 { break-after: avoid; } }
"""


def render(
    shown: Sequence[Shown],
    *,
    earlier: Sequence[Quarter],
    period: str,
    closes: date,
    center_name: str,
    k: int,
    dropped: Sequence[str],
) -> bytes:
    """Lay out one release as a page.

    Args:
        shown: exhibits with their protected tables, in order, the one of records first.
        earlier: the records of earlier releases, as they were printed, oldest first.
        period: `2026Q3`.
        closes: last day on which a case of this release was closed.
        center_name: as the signed configuration has it.
        k: the threshold, for the disclosure statement.
        dropped: titles of exhibits that could not be shown safely.
    """
    title = f"{center_name}: reports of {period[:4]}, quarter {period[5]}"
    (records, (counted,)), *others = shown
    incidents = counted.counts[Record.INCIDENT]
    parts = [_records(records, [*earlier, (period, counted.counts)])]
    parts += [_exhibit(one, tables, period, incidents) for one, tables in others]
    parts.append(_annex(shown, k=k, dropped=dropped))
    body = "\n".join(parts)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
<p><strong>How to read this.</strong> {escape(READ_FIRST)}</p>
<p>Counted are cases that our reviewers closed up to <time datetime="{closes}">{closes}</time> and no earlier release
has counted, whenever the incident happened. People who asked not to be counted, double reports, tests and automatic
messages are left out.</p>
{body}
</main>
</body>
</html>
""".encode()


def _records(exhibit: Exhibit, quarters: Sequence[Quarter]) -> str:
    """Exhibit 1 runs by quarter: what earlier releases printed stands beside the new line, unchanged."""
    columns = {
        Record.INCIDENT.value: "Incidents",
        Record.FURTHER_REPORT.value: "Further reports",
        TOTAL: "Reports in all",
    }
    head = f'<th scope="col">{exhibit.column}</th>'
    head += "".join(f'<th scope="col" class="number">{label}</th>' for label in columns.values())
    lines = "\n".join(
        f'<tr><th scope="row">{escape(period)}</th>{"".join(_number(counts[code]) for code in columns)}</tr>'
        for period, counts in quarters
    )
    table = _laid_out(f"{exhibit.title}, by quarter", head, lines)
    return _section(exhibit, table, f"{NOT_PREVALENCE} {exhibit.note}")


def _exhibit(exhibit: Exhibit, tables: Sequence[ProtectedTable], period: str, incidents: int | None) -> str:
    """Several yes/no tables stand as one list of their "yes"; one table stands with all its codes."""
    if exhibit.is_yes_no:
        rows = [(table.split.label, table.counts[YES]) for table in tables]
    else:
        rows = [(label, tables[0].counts[code]) for code, label in tables[0].split.labels.items()]
    caption = f"{exhibit.title}: incidents of {period}"
    several = f" {SEVERAL}" if exhibit.is_yes_no else ""
    note = f"{NOT_PREVALENCE} Period: {period}. Counted: {incidents} incidents.{several} {exhibit.note}"
    return _section(exhibit, _table(caption, exhibit.column, rows, incidents), note)


def _section(exhibit: Exhibit, table: str, note: str) -> str:
    return f'<section>\n<h2>{escape(exhibit.title)}</h2>\n{table}\n<p class="note">{escape(note)}</p>\n</section>'


def _laid_out(caption: str, head: str, lines: str) -> str:
    return (
        f"<table>\n<caption>{escape(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{lines}\n</tbody>\n</table>"
    )


def _number(count: int | None) -> str:
    return f'<td class="hidden">{HIDDEN}</td>' if count is None else f'<td class="number">{count}</td>'


def _table(caption: str, column: str, rows: Sequence[tuple[str, int | None]], denominator: int | None) -> str:
    # Hidden rows stand after the printed ones in their fixed order: among them, their place would tell their size.
    printed = [row for row in rows if row[1] is not None]
    if denominator is not None:
        printed.sort(key=lambda row: -(row[1] or 0))
    ordered = [*printed, *(row for row in rows if row[1] is None)]
    shares = denominator if denominator is not None and denominator >= LEAST_DENOMINATOR else None
    head = f'<th scope="col">{escape(column)}</th><th scope="col" class="number">Number</th>'
    head += "" if shares is None else '<th scope="col" class="number">Share</th>'
    lines = "\n".join(_row(label, count, shares) for label, count in ordered)
    return _laid_out(caption, head, lines)


def _row(label: str, count: int | None, denominator: int | None) -> str:
    name = f'<th scope="row">{escape(label)}</th>'
    if count is None:
        span = "" if denominator is None else ' colspan="2"'
        return f'<tr>{name}<td class="hidden"{span}>{HIDDEN}</td></tr>'
    share = "" if denominator is None else f'<td class="number">{share_of(count, denominator)} %</td>'
    return f"<tr>{name}{_number(count)}{share}</tr>"


def share_of(count: int, denominator: int) -> int:
    """A whole percentage, halves up, of two printed numbers."""
    return (200 * count + denominator) // (2 * denominator)


def _annex(shown: Sequence[Shown], *, k: int, dropped: Sequence[str]) -> str:
    lines = [
        f"A number is hidden when it would show a group of fewer than {in_words(k)} sources, and further numbers are hidden so "
        "that nobody can work it out by adding and subtracting. A hidden number may be none. All hidden numbers "
        "look the same on purpose.",
        "A list is joined into broader lines when too much of it would be hidden.",
        "Nothing about officers is published in this release.",
    ]
    lines += [f"“{title}” {LEFT_OUT}" for title in dropped]
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    hidden = "".join(f"<li>{escape(one.title)}: {_hidden_in(tables)}</li>" for one, tables in shown)
    return (
        f"<section>\n<h2>How numbers are protected</h2>\n<ul>{items}</ul>\n"
        f"<p>Hidden numbers in each list:</p>\n<ul>{hidden}</ul>\n</section>"
    )


def _hidden_in(tables: Sequence[ProtectedTable]) -> str:
    """How many cells, both codes of a yes/no table and totals counted; never which of them are small."""
    hidden = sum(len(table.hidden) for table in tables)
    if not hidden:
        return "none"
    cells = sum(len(table.counts) for table in tables)
    return (
        f"{in_words(hidden)} of {in_words(cells)}, because they are small, would let a small one be worked out, "
        "or were drawn by lot so that the pattern tells nothing"
    )


def in_words(number: int) -> str:
    """A number of ours in words, below a thousand: digits on the page are figures of `release.json` and nothing else."""
    hundreds, rest = divmod(number, _HUNDRED)
    tens, ones = divmod(rest, 10)
    small = _ONES[rest] if rest < len(_ONES) else _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")
    if not hundreds:
        return small
    return f"{_ONES[hundreds]} hundred" + (f" and {small}" if rest else "")
