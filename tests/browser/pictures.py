"""Make pictures for people to look at, before a release and whenever the look changes.

`python -m tests.browser.pictures states` photographs every page in every state into `artifacts/`, in some languages, in
each color scheme, and on the narrowest screen. `python -m tests.browser.pictures RELEASE` makes those of the README;
run it while `make demo` runs, RELEASE is the directory that the demo names. Look at them before you commit them.
"""

import base64
import sys
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import ARTIFACTS, CHROMIUM, launch_arguments
from tests.browser.geometry import NARROWEST
from tests.browser.states import SCHEMES, STATES, Site, looking, show

IMAGES: Final = Path(__file__).parents[2] / "docs" / "images"
DEMO: Final = "http://127.0.0.1:8000"
LARGEST: Final = 150_000  # bytes; a README should load on a phone
SCREEN: Final = {"width": 412, "height": 840}  # CSS pixels of a common phone
RELEASE_VIEW: Final = {"width": 840, "height": 900}
# A Latin, an Arabic, a Chinese and an Indian script, and the language with the longest words for small things; colors
# and narrowness are the same in each direction.
LANGUAGES: Final = ("en", "ar", "zh-Hant", "pa", "hmn")
DIRECTIONS: Final = ("en", "ar")


def photograph_states() -> None:
    """Photograph every page in every state."""
    ARTIFACTS.mkdir(exist_ok=True)
    views = [(scheme, {}, scheme) for scheme in SCHEMES] + [("light", NARROWEST, "narrow")]
    with tempfile.TemporaryDirectory() as root, sync_playwright() as driver:
        site = Site(Path(root))
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=launch_arguments())
        for scheme, size, view in views:
            with looking(browser, site, scheme=scheme, **size) as page:
                for name, code in _shown_in(LANGUAGES if view == SCHEMES[0] else DIRECTIONS):
                    show(page, name, code)
                    # As JPEG: a form of 300 boxes is 10,000 pixels long, and there are 300 pictures.
                    path = ARTIFACTS / f"{name}-{code}-{view}.jpg"
                    page.screenshot(path=path, full_page=True, type="jpeg", quality=70)
        site.close()
        browser.close()


def _shown_in(codes: tuple[str, ...]) -> list[tuple[str, str]]:
    return [
        (name, code) for name, state in STATES.items() for code in (codes[:1] if state.is_common else codes)
    ]


def main(arguments: list[str]) -> None:
    """Photograph all states; or start page and form of a running demo, and the page of a release."""
    if arguments == ["states"]:
        photograph_states()
        return
    release = Path(arguments[0]).absolute() / "report.html"
    base = arguments[1] if len(arguments) > 1 else DEMO
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=launch_arguments())
        shots = [_shot(browser, base + path) for path in ("/en/", "/en/form")]
        pictures = {"form.png": _side_by_side(browser, shots), "release.png": _release(browser, release)}
        browser.close()
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        assert len(picture) < LARGEST, f"{name} has {len(picture)} bytes"
        (IMAGES / name).write_bytes(picture)


def _shot(browser: Browser, address: str) -> bytes:
    page = browser.new_page(viewport=SCREEN, java_script_enabled=False, color_scheme="light")
    page.goto(address)
    return page.screenshot()


def _release(browser: Browser, report: Path) -> bytes:
    """Photograph the last list of a release in which something is hidden."""
    page = browser.new_page(viewport=RELEASE_VIEW, java_script_enabled=False, color_scheme="light")
    page.goto(report.as_uri())
    box = page.locator("section", has=page.locator("td.hidden")).last.bounding_box()
    assert box is not None
    margin = 24
    clip = {
        "x": box["x"] - margin,
        "y": box["y"] - 4,  # what stands above is near
        "width": box["width"] + 2 * margin,
        "height": box["height"] + margin,
    }
    return page.screenshot(full_page=True, clip=clip)


def _side_by_side(browser: Browser, shots: list[bytes]) -> bytes:
    images = "".join(f'<img src="data:image/png;base64,{base64.b64encode(shot).decode()}">' for shot in shots)
    style = "body { margin: 0; display: flex; gap: 16px; background: #d9d6cf } img { display: block }"
    page = browser.new_page(viewport={"width": 2 * SCREEN["width"] + 16, "height": SCREEN["height"]})
    page.set_content(f"<style>{style}</style>{images}")
    return page.screenshot()


if __name__ == "__main__":
    main(sys.argv[1:])
