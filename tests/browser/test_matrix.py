"""The accessibility audit of every page in every state, and in all languages and color schemes by turns."""

import pytest
from playwright.sync_api import Browser

from intake.languages import LANGUAGES
from tests.browser.matrix import Combination, all_combinations, audit, chosen_combinations, faults
from tests.browser.states import SCHEMES, STATES, Site, looking, show

pytestmark = [pytest.mark.browser, pytest.mark.loopback]

CODES = tuple(language.code for language in LANGUAGES)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_on_any_page(browser: Browser, site: Site, scheme: str):
    """No known barrier: each state in each scheme; the long tests take every language for each of them."""
    chosen = [one for one in chosen_combinations(site.languages) if one.scheme == scheme]

    assert list(audit(browser, site, chosen)) == []


def test_twin_axe_sees_a_field_without_a_label_and_names_the_state(browser: Browser, site: Site):
    """The audit on a form in which one label is taken away."""
    with looking(browser, site) as page:
        show(page, "form")
        page.evaluate("document.querySelector('label[for=q-narrative]').remove()")

        found = list(faults(page, str(Combination(scheme="light", state="form", language="en"))))

    assert [fault for fault in found if fault.startswith("form in en, light colors: label, ")]


def test_twin_axe_sees_a_color_that_is_too_pale_in_one_scheme_alone(browser: Browser, site: Site):
    """The dark pages are really measured in dark."""
    pale = "@media (prefers-color-scheme: dark) { h1 { color: #333 !important } }"
    found = {}
    for scheme in ("light", "dark"):
        with looking(browser, site, scheme=scheme) as page:
            show(page, "done")
            page.add_style_tag(content=pale)
            found[scheme] = [fault for fault in faults(page, "done") if "color-contrast" in fault]

    assert found["light"] == []
    assert len(found["dark"]) == 1


@pytest.mark.parametrize("count", [1, 2, 9, 13, 14])
def test_the_choice_is_fair(count: int):
    """Each state meets every scheme in as many languages as it can, and each language meets every scheme."""
    languages = CODES[:count]
    chosen = chosen_combinations(languages)

    assert {one.state for one in chosen} == set(STATES)
    assert {(one.language, one.scheme) for one in chosen} == {
        (code, one) for code in languages for one in SCHEMES
    }
    for name, state in STATES.items():
        mine = [one for one in chosen if one.state == name]
        turns = 1 if state.is_given_back else len(SCHEMES)
        assert len({one.scheme for one in mine}) == turns
        assert len({one.language for one in mine}) == min(count, turns)


def test_all_combinations_are_all():
    """Parts are cut from this list, so nothing may be missing from it or stand in it twice."""
    combinations = all_combinations(CODES)
    common = sum(state.is_common for state in STATES.values())

    assert len(set(combinations)) == len(combinations)
    assert len(combinations) == len(SCHEMES) * (len(CODES) * (len(STATES) - common) + common)


def test_a_state_is_what_its_name_says(site: Site):
    """An audit of the wrong page would be quiet for a bad reason."""
    for name, state in STATES.items():
        answer = state.ask(site, "en")
        assert answer.status_code == state.status, name
        if name != "gallery":  # it shows a problem among its pieces
            assert (b'class="problem"' in answer.data) == state.is_given_back, name
