"""The intruder: every kind of leak that is planted is found, silence where nothing leaks, refusal where it cannot look."""

import json

import pytest

from review_tool.statistics.intruder import Severity, attack
from review_tool.statistics.published import UnattackedError

K = 5


def published(*releases, dimensions=None, groups=None, marks=None) -> bytes:
    """A `release.json` of one-way tables of incidents: `(period or scope, {table: {code: value}})`, totals under "*"."""
    found = {"record": ["incident", "further_report"]} | (dimensions or {})
    listed = []
    for scope, tables in releases:
        shown = []
        for name, cells in tables.items():
            found.setdefault(name, [code for code in cells if code != "*"])
            shown.append(
                {
                    "id": name,
                    "dims": [name],
                    "filter": {} if name == "record" else {"record": ["incident"]},
                    "omitted": "absent",
                    "marks": {"c": [0, None]} | (marks or {}),
                    "cells": [{name: code, "v": value} for code, value in cells.items()],
                }
            )
        slices = [scope] if isinstance(scope, str) else list(scope)
        listed.append({"id": "+".join(slices), "scope": slices, "tables": shown})
    whole = {"schema": "sdc-release/1", "dimensions": found, "groups": groups or {}, "releases": listed}
    return json.dumps(whole).encode()


def two_way(cells, *, dims=("a", "b"), **table) -> bytes:
    """A release of one two-way table with two codes a dimension: `{"a1 b2": value}`."""
    shown = [dict(zip(dims, codes.split(), strict=True)) | {"v": value} for codes, value in cells.items()]
    whole = {
        "schema": "sdc-release/1",
        "dimensions": {name: [f"{name}1", f"{name}2"] for name in dims},
        "releases": [
            {
                "id": "2026",
                "tables": [{"id": "T", "dims": list(dims), "omitted": "absent", "cells": shown, **table}],
            }
        ],
    }
    return json.dumps(whole).encode()


def kinds(findings, *, least=Severity.SERIOUS):
    """Kinds of findings at or above a severity."""
    return {one.kind for one in findings if one.severity >= least}


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ({"a": 3, "b": 27, "*": 30}, "published_small"),
        ({"a": 26, "b": 0, "*": "<5"}, None),
        ({"a": "c", "b": 27, "*": 30}, "exact_small"),
        ({"a": "c", "b": "c", "d": 26, "*": 30}, "residual_small"),
        ({"a": 26, "*": 30}, "residual_small"),
        ({"a": "<5", "b": "c", "*": 30}, "small_range"),
        ({"a": "1-4", "b": "c", "*": 30}, "small_range"),
        ({"a": {"lo": 2, "hi": 3}, "b": "c", "*": 30}, "small_range"),
        ({"a": "c", "b": "c", "d": 28, "*": 31}, "narrow"),
        ({"a": 12, "b": 0, "*": 12}, "attribute_all_in_one"),
        ({"a": "c", "b": 0, "*": 12}, "attribute_all_in_one"),
    ],
)
def test_each_planted_leak_in_a_line_is_found(cells, kind):
    """A detector counts only once it was seen to detect."""
    whole = published(
        ("2026Q3", {"t": cells}), dimensions={"t": ["a", "b", "d"] if "d" in cells else ["a", "b"]}
    )

    if kind is None:  # a total below its parts: no world at all
        with pytest.raises(UnattackedError, match="cannot all be true"):
            attack(whole, k=K)
    else:
        assert kind in kinds(attack(whole, k=K))


def test_what_a_filter_leaves_out_is_attacked():
    """Incidents stand as the total of one table, reports as the total of another: their difference is a group."""
    leaking = published(
        (
            "2026Q3",
            {"record": {"incident": "c", "further_report": "c", "*": 33}, "t": {"a": 10, "b": 20, "*": 30}},
        )
    )

    assert {"exact_small", "residual_small"} & kinds(attack(leaking, k=K))


def test_a_difference_of_two_releases_is_found():
    """Cumulative figures: the later one less the earlier one is a group of three."""
    leaking = published(
        ("2026Q3", {"t": {"a": 30, "b": 40, "*": 70}}),
        (("2026Q3", "2026Q4"), {"t": {"a": 33, "b": 60, "*": 93}}),
    )

    found = [one for one in attack(leaking, k=K) if one.kind == "difference_small"]

    assert found
    assert {release for one in found for release in one.releases} == {"2026Q3", "2026Q3+2026Q4"}


def test_a_run_of_neighbouring_slices_is_found():
    """Three overlapping sums fix the middle and the ends, though no two of them do."""
    leaking = published(
        (("1", "2"), {"t": {"a": 20, "b": 40, "*": 60}}),
        (("2", "3"), {"t": {"a": 18, "b": 40, "*": 58}}),
        (("1", "2", "3"), {"t": {"a": 36, "b": 60, "*": 96}}),
    )

    assert "difference_small" in kinds(attack(leaking, k=K))


def test_a_leak_that_only_the_whole_table_shows_is_found():
    """Margins of a crossed table: each hidden cell looks safe in its line, together they are equations."""
    leaking = two_way(
        {"a1 b1": "c", "a1 b2": "c", "a2 b1": "c", "a1 *": 20, "* b1": 18, "* *": 21, "* b2": 3, "a2 *": 1}
    )

    assert {"published_small", "narrow"} <= kinds(attack(leaking, k=K))


def test_one_hidden_cell_of_a_crossed_table_is_recovered():
    """Primary suppression alone."""
    cells = {
        "a1 b1": "c",
        "a1 b2": 20,
        "a2 b1": 30,
        "a2 b2": 40,
        "a1 *": 23,
        "a2 *": 70,
        "* b1": 33,
        "* b2": 60,
    }

    assert "exact_small" in kinds(attack(two_way(cells | {"* *": 93}), k=K))


def test_rounding_is_no_protection():
    """Numbers to the nearest five that do not add up narrow each other."""
    leaking = two_way({"a1": 5, "a2": 5, "*": 5}, dims=("a",), rounding={"base": 5, "how": "nearest"})

    assert "small_range" in kinds(attack(leaking, k=K))


def test_existence_is_graded_by_what_the_center_knows():
    """An outsider may only suspect; who knows that the hidden cell is small sees a leak."""
    cells = published(("2026Q3", {"t": {"a": "10+", "b": "c", "*": "c"}}))
    small = {("2026Q3", "t", ("a",)): {"one writer": 12}}
    large = {("2026Q3", "t", ("a",)): {f"writer {number}": 1 for number in range(12)}}

    assert "existence?" in kinds(attack(cells, k=K), least=Severity.NOTICE)
    assert "existence" not in kinds(attack(cells, k=K), least=Severity.INFORMATION)
    assert "existence" in kinds(attack(cells, k=K, truth=small))
    assert not [one for one in attack(cells, k=K, truth=large) if one.cells == (("a",),)]


def test_a_printed_count_of_few_sources_is_found_by_the_center():
    """Ten reports of one writer are a group of one."""
    cells = published(("2026Q3", {"t": {"a": 10, "b": 20, "*": 30}}))

    assert "published_small" in kinds(attack(cells, k=K, truth={("2026Q3", "t", ("a",)): {"one writer": 10}}))


def test_a_hidden_count_of_few_sources_needs_room_above_it():
    """Eight reports of one writer below a bound of eleven: the group cannot be thought five larger."""
    cells = published(("2026Q3", {"t": {"a": "c", "b": "c", "d": 20, "*": 31}}))
    truth = {("2026Q3", "t", ("a",)): {"one writer": 8}}

    assert "narrow" in kinds(attack(cells, k=K, truth=truth))
    assert not kinds(attack(cells, k=K, truth={}))


def test_hidden_cells_of_few_sources_together_are_found_by_the_center():
    """The residual is known exactly; if one writer is behind it, the writer is found."""
    cells = published(("2026Q3", {"t": {"a": "c", "b": "c", "d": 20, "*": 40}}))
    truth = {("2026Q3", "t", ("a",)): {"one writer": 8}, ("2026Q3", "t", ("b",)): {"one writer": 12}}

    assert "existence" in kinds(attack(cells, k=K, truth=truth))


def test_a_figure_that_is_not_true_is_a_failure():
    """The judge knows the truth: a release that contradicts it is wrong, whatever else it hides."""
    cells = published(("2026Q3", {"t": {"a": 10, "b": 20, "*": 30}}))

    with pytest.raises(UnattackedError, match="not the true one"):
        attack(cells, k=K, truth={("2026Q3", "t", ("a",)): {f"writer {number}": 1 for number in range(11)}})


def test_a_wasted_complementary_cell_and_a_known_zero_are_only_noted():
    """They reveal no group, and they do not refuse a release."""
    cells = published(("2026Q3", {"t": {"a": "c", "b": 20, "*": 30}, "u": {"x": "c", "y": 30, "*": 30}}))

    found = attack(cells, k=K)

    assert {"exact_hidden", "zero_known"} <= kinds(found, least=Severity.INFORMATION)
    assert not kinds(found)


def test_the_odd_one_out_is_noted():
    """Whoever is not like the other eleven learns the answer of each of them."""
    cells = published(("2026Q3", {"t": {"a": 11, "b": 1, "*": 12}}))

    assert "insider_attribute" in kinds(attack(cells, k=K), least=Severity.NOTICE)


def test_a_safe_table_gives_nothing():
    """The other half of a detector: silence where nothing leaks."""
    safe = published(("2026Q3", {"t": {"a": "c", "b": "c", "d": 20, "*": 40}}))

    assert not attack(safe, k=K, truth={("2026Q3", "t", ("a",)): {"one": 1}})


def test_a_coarse_code_stands_for_its_leaves():
    """Groups are read from the file, so that two levels of one dimension meet in the same unknowns."""
    dimensions, groups = {"t": ["a", "b", "d"]}, {"t": {"ab": ["a", "b"]}}
    safe = published(("2026Q3", {"t": {"ab": 33, "d": 20, "*": 53}}), dimensions=dimensions, groups=groups)
    leaking = published(
        ("2026Q3", {"t": {"a": 30, "b": "c", "ab": 33, "d": 20, "*": 53}}),
        dimensions=dimensions,
        groups=groups,
    )

    assert not attack(safe, k=K)
    assert "exact_small" in kinds(attack(leaking, k=K))


def test_rules_of_logic_count():
    """A table of impossible combinations fixes unknowns, for the intruder as for any reader."""
    whole = json.loads(
        published(("2026Q3", {"t": {"a": "c", "b": 27, "*": "c"}, "u": {"x": 3, "y": 27, "*": "c"}}))
    )
    rules = [{"t": "a", "u": "y", "v": 0}, {"t": "b", "u": "x", "v": 0}]
    whole["releases"][0]["tables"].append(
        {
            "id": "rules",
            "dims": ["t", "u"],
            "filter": {"record": ["incident"]},
            "omitted": "absent",
            "cells": rules,
        }
    )

    found = [one for one in attack(json.dumps(whole).encode(), k=K) if one.table == "t"]

    assert "exact_small" in kinds(found)


@pytest.mark.parametrize(
    ("blur", "kind"),
    [
        ({"rounding": {"base": 5, "how": "down"}}, "narrow"),
        ({"rounding": {"base": 2, "how": "random"}}, "small_range"),
        ({"rounding": {"base": 5, "how": "controlled"}}, "narrow"),
        ({"rounding": {"base": 3, "how": "smallcount"}}, "exact_small"),
        ({"noise": {"max": 1}}, "small_range"),
    ],
)
def test_blurred_figures_are_ranges(blur, kind):
    """A small figure that was rounded or shifted by a known bound still says what is possible."""
    value = 0 if kind == "narrow" else 3

    assert kind in kinds(attack(two_way({"a1": value, "a2": 60, "*": 63}, dims=("a",), **blur), k=K))


def test_a_cell_that_is_not_there_is_zero_unless_the_table_says_so():
    """The default of the schema: an omitted combination of leaf codes is an empty one."""
    cells = {"a1 b1": "c", "a1 b2": 30, "a1 *": 33}

    assert "exact_small" in kinds(attack(two_way(cells | {"* b1": 3}, omitted="zero"), k=K))
    assert not kinds(attack(two_way({"a1 b2": 30, "* *": 90}, omitted="hidden"), k=K))


def test_small_words_may_hold_zeros_where_the_table_hides_them():
    """Below five is none to four in a table that shows no zeros."""
    open_zero = two_way({"a1": "<5", "a2": "c", "*": 60}, dims=("a",), zeros_shown=False)

    assert "small_range" not in kinds(attack(open_zero, k=K))
    assert "narrow" in kinds(attack(open_zero, k=K))


def test_groups_that_overlap_are_lines_of_their_own():
    """A and B, B and D: what is left of the whole beside each is a group."""
    leaking = published(
        ("2026Q3", {"t": {"ab": 28, "bd": 20, "*": 30}}),
        dimensions={"t": ["a", "b", "d"]},
        groups={"t": {"ab": ["a", "b"], "bd": ["b", "d"]}},
    )

    assert "residual_small" in kinds(attack(leaking, k=K))


BROKEN = [
    lambda whole: whole.update(schema="other"),
    lambda whole: whole.pop("dimensions"),
    lambda whole: whole["dimensions"].update(t=["a", "a"]),
    lambda whole: whole["groups"].update(t={"ab": ["a", "z"]}),
    lambda whole: whole["releases"][0].update(scope=[]),
    lambda whole: whole["releases"].append(whole["releases"][0]),
    lambda whole: whole["releases"][0]["tables"][0].update(dims=["t", "u"]),
    lambda whole: whole["releases"][0]["tables"][0].update(surprise=1),
    lambda whole: whole["releases"][0]["tables"][0].update(omitted="perhaps"),
    lambda whole: whole["releases"][0]["tables"][0].update(noise={"max": None}),
    lambda whole: whole["releases"][0]["tables"][0].update(rounding={"base": 5, "how": "somehow"}),
    lambda whole: whole["releases"][0]["tables"][0].update(rounding={"base": 0, "how": "down"}),
    lambda whole: whole["releases"][0]["tables"][0]["filter"].update(area=["x"]),
    lambda whole: whole["releases"][0]["tables"][0]["filter"].update(record=["police"]),
    lambda whole: whole["releases"][0]["tables"][0]["filter"].update(t=["a"]),
    lambda whole: whole["releases"][0]["tables"][0]["cells"].append({"t": "a", "v": 10}),
    lambda whole: whole["releases"][0]["tables"][0]["cells"][0].update(t="z"),
    lambda whole: whole["releases"][0]["tables"][0]["cells"][0].update(v="?"),
    lambda whole: whole["releases"][0]["tables"][0]["cells"][0].update(v={"lo": 5}),
    lambda whole: whole["releases"][0]["tables"][0]["cells"][0].update(v="9-5"),
    lambda whole: whole["releases"][0]["tables"][0]["cells"][0].update(v=99),
    lambda whole: whole["releases"][0]["tables"][0]["cells"][0].update(v=-1),
    lambda whole: whole["releases"][0]["tables"][0]["cells"][0].update(v=True),
    lambda whole: whole["releases"][0]["tables"][0]["cells"][0].update(v=1.5),
]


@pytest.mark.parametrize("breaks", BROKEN)
def test_what_it_cannot_model_is_a_failure(breaks):
    """An intruder that looks away would pass anything."""
    whole = json.loads(published(("2026Q3", {"t": {"a": 10, "b": 20, "*": 30}})))
    breaks(whole)

    with pytest.raises(UnattackedError):
        attack(json.dumps(whole).encode(), k=K)


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{}", b"\xff", b'{"schema": "sdc-release/1"}'])
def test_what_is_no_release_file_is_a_failure(content):
    """The same class, whatever the bytes are."""
    with pytest.raises(UnattackedError):
        attack(content, k=K)


def test_a_plan_that_is_too_large_is_a_failure():
    """A weaker model must not decide."""
    whole = json.loads(two_way({"a1 b1": 20}))
    whole["dimensions"] = {
        "a": [f"a{number}" for number in range(700)],
        "b": [f"b{number}" for number in range(700)],
    }

    with pytest.raises(UnattackedError, match="too large"):
        attack(json.dumps(whole).encode(), k=K)
