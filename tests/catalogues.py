"""Gathers every sentence of the pages into `messages.pot` and brings the catalogues up to it: `make catalogues`.

New sentences are added without a translation, sentences that are no longer said are dropped, everything else stays as
its translators left it. `docs/translating.md` says how a translation is made and reviewed.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from crypto import answers
from crypto.report import CONSENT_COUNT_OPT_IN, FOLD_TEXTS, QUESTIONS, STEP_TITLES, Question
from intake.catalogues import catalogue_of, read_entries
from intake.offers import catalogue_sha256

PACKAGE: Final = Path(__file__).parent.parent / "intake"
FOLDER: Final = PACKAGE / "translations"
TEMPLATE: Final = FOLDER / "messages.pot"

# What a translator should know of the place where a sentence stands.
PLACES: Final = {
    "templates/start.html": "First page, before anything is typed.",
    "templates/form.html": "On the form.",
    "templates/check.html": "Page that shows what was written, before it is sent.",
    "templates/done.html": "Page after a report was sent.",
    "templates/help.html": "Page with places that help.",
    "templates/notice.html": "Page of an error.",
    "templates/layout.html": "On every page.",
    "templates/ui/parts.html": "On every page.",
    "templates/ui/fields.html": "On the form.",
    "problems.py": "Why a report was not taken; the person's own words stand below it.",
    "pages.py": "On the form.",
    "frame.py": "On every page.",
    "views.py": "Page of an error.",
}
NOTES: Final = {
    "Leave this empty": "Hidden from people; programs that fill in everything fall for it.",
    "Community form": "Title of the site in tabs and history. Neutral on purpose: no word of hate, police or LGBTQ+.",
    "Error:": "Begins the title of a page, before the name of the site.",
    "If you are in danger now: %(emergency)s.": "The gap holds, for example: call or text 911.",
    "Leave this page": "A button that takes a person away fast, because somebody may come into the room.",
    "Yes": "A ticked box, in a list of answers.",
}


def questions() -> Iterator[tuple[str, str]]:
    """Yield each sentence of the questionnaire and a note on it."""
    for title in STEP_TITLES:
        yield title, "Heading of a step of the form."
    for asked in QUESTIONS:
        yield asked.text, f"Question in step {asked.step}."
        if asked.hint:
            yield asked.hint, f"Hint below: {asked.text}"
        yield from _answers(asked)
    for fold in FOLD_TEXTS.values():
        yield fold, "Heading of questions that open when it is pressed."
    yield CONSENT_COUNT_OPT_IN, "A box to tick, in step 5."


def _answers(asked: Question) -> Iterator[tuple[str, str]]:
    for group in asked.code_groups:
        yield group.label, f"Heading above some answers to: {asked.text}"
    for code in asked.offered:
        assert asked.codes is not None
        yield answers.LABELS[asked.codes][code], f"Answer to: {asked.text}"


def template() -> Catalog:
    """Every sentence that is translated, in the order of the form and then of the pages."""
    catalog = Catalog()
    for text, note in questions():
        catalog.add(text, auto_comments=[note])
    methods = [
        ("templates/gallery.html", "ignore"),
        ("templates/**.html", "jinja2.ext.babel_extract"),
        ("**.py", "python"),
    ]
    found = extract_from_dir(
        PACKAGE,
        methods,
        {"templates/**.html": {"newstyle_gettext": "true", "trimmed": "false"}},
        keywords={"say": None, "_": None},
    )
    for name, _, text, *_ in sorted(found, key=lambda one: (one[0], one[1])):
        catalog.add(text, auto_comments=[PLACES[name], *([NOTES[text]] if text in NOTES else [])])
    return catalog


def written(catalog: Catalog, language: str) -> str:
    """A catalogue as text, with the header that editors of catalogues look for."""
    body = io.BytesIO()
    write_po(body, catalog, no_location=True, omit_header=True, width=0, ignore_obsolete=True)
    header = ["Content-Type: text/plain; charset=utf-8\\n", "Content-Transfer-Encoding: 8bit\\n"]
    header += [f"Language: {language}\\n"] if language else []
    lines = "".join(f'"{line}"\n' for line in header)
    return f'msgid ""\nmsgstr ""\n{lines}\n{body.getvalue().decode().strip()}\n'


def updated(old: str, language: str) -> str:
    """A catalogue with the sentences of today and the translations that it had."""
    known = {entry.text: entry for entry in read_entries(old, language)}
    catalog = template()
    for message in catalog:
        entry = known.get(message.id)
        if entry is not None:
            message.string = entry.translation
            message.flags |= {"fuzzy"} if entry.is_fuzzy else set()
    return written(catalog, language)


def main() -> None:
    """Write the template and every catalogue anew."""
    TEMPLATE.write_text(written(template(), ""), encoding="utf-8")
    for path in sorted(FOLDER.glob("*/LC_MESSAGES/messages.po")):
        language = path.parent.parent.name
        path.write_text(updated(path.read_text(encoding="utf-8"), language), encoding="utf-8")
        print(f"{language:8} sha256 {catalogue_sha256(catalogue_of(language))}")


if __name__ == "__main__":
    main()
