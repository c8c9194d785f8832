"""A whole visit to the form, moment by moment, told to any browser: the moments at which somebody may take the device.

What is typed and chosen here is rare enough to be searched for: no browser knows these words by itself.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from intake.config import load
from tests.intake.conftest import Server

NARRATIVE: Final = ("Kanarienvogel7391", "麻雀七三九一")
WHEN: Final = ("Zaunkoenig 2846", "گنجشک۲۸۴۶")
CONTACT: Final = ("Rotkehlchen5527", "ਚਿੜੀ੫੫੨੭")
OWN_WORDS: Final = ("Nachtigall6613",)
TYPED: Final = (*NARRATIVE, *WHEN, *CONTACT, *OWN_WORDS)
# Names and values of what is chosen, and the labels as the check page shows them.
CHOSEN: Final = ("incident_types", "blackmail", "Blackmail", "officer_agency", "sheriff", "consent_quote")
# What the server of the story is set to: a store that is given up soon, and a limit that can be typed past.
SETTINGS: Final = "deadline_seconds = 0.5\n[intake.limits]\ntext_kib = 256\nfile_mib = 1\n"
TOO_MUCH: Final = 300 * 1024  # letters
TOO_LONG: Final = 400  # characters; own words have 120

STEP_ON: Final = "a.button.onstep"
SEND: Final = "button[name=do][value=send]"
CHECK: Final = "button[name=do][value=check]"
CHANGE: Final = "main button[name=do][value=show]"

# A visit goes through these in this order.
MOMENTS: Final = (
    "in the middle",
    "checking",
    "in another language",
    "changing",
    "not saved",
    "too long",
    "too much",
    "nothing told",
    "sent",
    "back",
    "from elsewhere",
)


class Window(Protocol):
    """What a story needs of a browser; see `chromium` and `firefox`."""

    device: Path

    @property
    def address(self) -> str: ...

    def go(self, address: str) -> None: ...
    def back(self) -> None: ...
    def press(self, what: str) -> None: ...
    def type(self, field: str, words: str) -> None: ...
    def fill(self, field: str, words: str) -> None: ...
    def choose(self, field: str, file: Path) -> None: ...
    def words_in(self, field: str) -> str: ...
    def text(self, what: str) -> str: ...
    def has(self, what: str) -> bool: ...
    def settle(self) -> None: ...
    def close(self) -> None: ...
    def kill(self) -> None: ...


def visit(window: Window, server: Server) -> Iterator[str]:
    """Go through a visit; at each moment its name is yielded, and the window is in the middle of it."""
    yield from _tell(window, server)
    yield from _look_again(window)
    yield from _err(window, server)
    yield from _send(window, server)
    yield from _come_from_elsewhere(window, server)


def up_to(moment: str, window: Window, server: Server) -> None:
    """Go through a visit as far as a moment, and wait until the browser has written what it writes then."""
    assert moment in MOMENTS
    next(reached for reached in visit(window, server) if reached == moment)
    window.settle()


def fill_in(window: Window, server: Server) -> None:
    """Answer something in every step, and go back one."""
    window.go(f"{server.url}/en/")
    window.press("main .start")
    window.press("[name=incident_types][value=blackmail]")
    window.type("#q-narrative", " ".join(NARRATIVE))
    window.press(STEP_ON)
    window.type("#q-when_text", " ".join(WHEN))
    window.press(STEP_ON)
    window.press(STEP_ON)
    window.press("#s4 summary")
    window.press("[name=officer_agency][value=sheriff]")
    window.press(STEP_ON)
    window.type("#q-contact", " ".join(CONTACT))
    window.press("[name=consent_quote]")


def send_a_file(window: Window, server: Server, file: Path, large: Path) -> Iterator[str]:
    """Add a file on the check page: first one that is too large, then one that is taken."""
    fill_in(window, server)
    window.press(CHECK)
    window.choose("#q-files-1", large)
    yield "chosen"
    window.press(SEND)
    assert "choose them again" in window.text(".problem")
    assert NARRATIVE[1] in window.text(".told")
    yield "too large"
    window.choose("#q-files-2", file)
    window.press(SEND)
    assert window.address.endswith("/en/done")
    yield "sent"


def _tell(window: Window, server: Server) -> Iterator[str]:
    fill_in(window, server)
    window.press("a.onstep")
    yield "in the middle"


def _look_again(window: Window) -> Iterator[str]:
    window.press(STEP_ON)
    window.press(CHECK)
    assert NARRATIVE[1] in window.text(".told")
    yield "checking"
    window.press("button[formaction='/es/form']")
    assert NARRATIVE[1] in window.text(".told")
    yield "in another language"
    window.press(CHANGE)
    assert window.words_in("#q-narrative") == " ".join(NARRATIVE)
    window.press("button[formaction='/en/form']")
    _go_on(window)
    yield "changing"


def _err(window: Window, server: Server) -> Iterator[str]:
    with sqlite3.connect(load(server.config).intake.store, isolation_level=None) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        _refused(window, "could not save it")
        holder.execute("ROLLBACK")
    holder.close()
    yield "not saved"
    window.fill("#q-own_words", OWN_WORDS[0] * (TOO_LONG // len(OWN_WORDS[0])))
    _refused(window, "too long")
    yield "too long"
    window.fill("#q-narrative", NARRATIVE[0] + "x" * TOO_MUCH)
    _refused(window, "first part")
    yield "too much"
    window.go(f"{server.url}/en/form")
    window.press(STEP_ON)
    window.type("#q-when_text", " ".join(WHEN))
    _refused(window, "One of the two is enough")
    yield "nothing told"


def _send(window: Window, server: Server) -> Iterator[str]:
    fill_in(window, server)
    window.press(SEND)
    assert window.address.endswith("/en/done")
    yield "sent"
    window.back()
    assert "/en/form" in window.address
    yield "back"


def _come_from_elsewhere(window: Window, server: Server) -> Iterator[str]:
    page = server.config.with_name("elsewhere.html")
    page.write_text(
        f'<form method="post" action="{server.url}/en/form">'
        '<input name="narrative" value="sent by another site"><button>Go</button></form>'
        '<script>document.querySelector("input").value = "a script ran"</script>'
    )
    window.go(page.as_uri())
    window.press("button")
    assert "Please press Send again" in window.text(".problem")
    assert window.words_in("#q-narrative") == "sent by another site"  # scripts are off indeed
    _go_on(window)
    yield "from elsewhere"


def _refused(window: Window, words: str) -> None:
    """Press Send, be told why not, and go on typing there."""
    window.press(SEND)
    assert words in window.text(".problem")
    _go_on(window)


def _go_on(window: Window) -> None:
    """Type more than the page came with, and move on the page: what was only given back is in nobody's form data."""
    window.type("#q-narrative", NARRATIVE[0])
    window.press("a.onstep")
