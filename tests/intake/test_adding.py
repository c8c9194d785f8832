"""What a Center adds without a programmer: a language as docs/translating.md says, an area, a place that helps."""

import subprocess
import urllib.request

import pytest

from crypto.unseal import unseal
from intake.catalogues import read_entries
from intake.config import load
from intake.store import Store
from tests.catalogues import TEMPLATE, template, written
from tests.center import center_section, example_content
from tests.intake.conftest import free_port, intake_command, lasting_center, start_server, write_config
from tests.server_copy import server_copy, sinful

pytestmark = pytest.mark.loopback


def page(url: str) -> str:
    """Fetch a page."""
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read().decode()


def test_a_language_is_one_catalogue_and_one_row(tmp_path, socket_enabled):
    """A copy of the tree in which exactly that was added serves the whole way in it, and marks it as a draft."""
    copy = server_copy(tmp_path / "copy")
    row = '    Language(code="uk", endonym="Українська"),\n'
    sinful(
        copy,
        "intake/languages.py",
        row,
        row + '    Language(code="so", endonym="Soomaali", also=("som",)),\n',
    )
    folder = copy / "intake" / "translations" / "so" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    catalogue = template()
    for message in catalogue:
        message.string = f"\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}{message.id}" if message.id else ""
    (folder / "messages.po").write_text(written(catalogue, "so"), encoding="utf-8")
    assert read_entries(TEMPLATE.read_text(encoding="utf-8"), "pot"), "the template is the whole form"
    center = lasting_center(content=example_content(languages=["en", "so"]))
    config = write_config(tmp_path / "server", center, port=free_port())
    subprocess.run(intake_command(config, "init"), check=True, capture_output=True, cwd=copy)
    server = start_server(config, load(config).intake.port, center, tree=copy)
    try:
        form = page(f"{server.url}/so/form")
        asked = urllib.request.Request(f"{server.url}/", headers={"Accept-Language": "som"})
        with urllib.request.urlopen(asked, timeout=30) as answer:
            landed = answer.url
    finally:
        server.kill()

    assert '<html lang="so" dir="ltr">' in form
    assert "\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}What kind of place?" in form
    assert "This is a draft translation." in form
    assert landed == f"{server.url}/so/"


def test_an_area_and_a_place_that_helps_are_lines_of_the_config(tmp_path, socket_enabled):
    """The area is asked in each language, sealed under its code; the place stands on the help page."""
    section = center_section()
    section["area"] = [
        *section["area"],
        {"code": "new_town", "label": {"en": "New Town", "es": "Pueblo Nuevo"}, "catch_all": True},
    ]
    center = lasting_center(content=example_content(**section))
    site = (
        '[[site.resource]]\ncode = "line"\nlabel.en = "A new line"\nphone = "555-0100"\nlanguages = ["es"]\n'
    )
    config = write_config(tmp_path, center, port=free_port(), site=site)
    subprocess.run(intake_command(config, "init"), check=True, capture_output=True)
    server = start_server(config, load(config).intake.port, center)
    try:
        english, spanish = page(f"{server.url}/en/form"), page(f"{server.url}/es/form")
        help_page = page(f"{server.url}/es/help")
        status, _ = server.post({"incident_types": ["words"], "area": ["new_town"]})
    finally:
        server.kill()
    store = Store(load(config).intake.store)
    (opened,) = [unseal(one.sealed, center.identities) for one in store.pending()]
    store.close()

    assert ("New Town" in english, "Pueblo Nuevo" in spanish) == (True, True)
    assert '<span lang="en" dir="ltr">A new line</span>' in help_page
    assert "555-0100" in help_page
    assert (status, opened.report.area) == (303, "new_town")
