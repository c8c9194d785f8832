"""Audits every page in every state, language and color scheme: `python -m tests.browser.matrix --part 3/8`.

All of them take half an hour, so they belong to the long tests, in parts that can be run on other days; `make test` takes
a fair choice of them. Each is photographed into `artifacts/`, to be looked at. The audit is axe with everything it knows of WCAG 2.0 to 2.2, A and AA, and of good practice.
"""

import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import CHROMIUM, launch_arguments
from tests.browser.pictures import photograph
from tests.browser.states import SCHEMES, STATES, Site, looking, show
from tests.hardening.parts import parser_of, verdict


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Combination:
    """One page as one person sees it."""

    scheme: str
    state: str
    language: str

    def __str__(self) -> str:
        return f"{self.state} in {self.language}, {self.scheme} colors"


def all_combinations(languages: Sequence[str]) -> list[Combination]:
    """Every state in every language and scheme; what is the same in all languages, once."""
    return sorted(
        Combination(scheme=scheme, state=name, language=code)
        for scheme in SCHEMES
        for name, state in STATES.items()
        for code in (languages[:1] if state.is_common else languages)
    )


def chosen_combinations(languages: Sequence[str]) -> list[Combination]:
    """Every state in every scheme, each time in another language, so that each language meets every scheme.

    Forms that come back differ in their sentences alone, so each of them is taken once, and the schemes by turns.
    """
    away = -(-len(languages) // len(SCHEMES))  # how far apart the languages of one state are
    return sorted(
        Combination(scheme=scheme, state=name, language=languages[(turn + away * number) % len(languages)])
        for number, scheme in enumerate(SCHEMES)
        for turn, (name, state) in enumerate(STATES.items())
        if not state.is_given_back or turn % len(SCHEMES) == number
    )


def audit(browser: Browser, site: Site, combinations: Iterable[Combination]) -> Iterator[str]:
    """Yield a sentence for each fault that axe finds, with the page it is on; they come sorted by scheme."""
    for scheme, some in groupby(combinations, key=lambda one: one.scheme):
        with looking(browser, site, scheme=scheme) as page:
            for one in some:
                show(page, one.state, one.language)
                photograph(page, f"{one.state}-{one.language}-{one.scheme}")
                yield from faults(page, str(one))


def faults(page: Page, name: str) -> Iterator[str]:
    """Yield what axe finds on a page, by the name of its state."""
    for fault in Axe().run(page).response["violations"]:
        places = "; ".join(node["html"][:200] for node in fault["nodes"][:3])
        yield f"{name}: {fault['id']}, {fault['help']}: {places}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Audit all combinations or one part of them; end with 1 if anything is found."""
    part, parts = parser_of("tests.browser.matrix", __doc__).parse_args(arguments).part
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as root, sync_playwright() as driver:
        site = Site(Path(root))
        combinations = all_combinations(site.languages)
        some = combinations[part - 1 :: parts]
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=launch_arguments())
        found = list(audit(browser, site, some))
        browser.close()
    print(
        f"accessibility audit, part {part}/{parts}: {len(some)} of {len(combinations)} pages in "
        f"{len(site.languages)} languages: {len(found)} faults ({time.monotonic() - started:.0f} s)"
    )
    return verdict("accessibility audit", found)


if __name__ == "__main__":
    sys.exit(main())
