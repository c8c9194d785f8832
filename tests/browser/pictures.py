"""Make pictures for people to look at, before a release and whenever the look changes.

`photograph` is what the audit and the measures keep of each page they look at, in `artifacts/`. `python -m
tests.browser.pictures RELEASE` makes those of the README; run it while `make demo` runs, RELEASE is the directory that
the demo names. Look at them before you commit them.
"""

import base64
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import ARTIFACTS, CHROMIUM, launch_arguments

IMAGES: Final = Path(__file__).parents[2] / "docs" / "images"
DEMO: Final = "http://127.0.0.1:8000"
LARGEST: Final = 150_000  # bytes; a README should load on a phone
SCREEN: Final = {"width": 412, "height": 840}  # CSS pixels of a common phone
RELEASE_VIEW: Final = {"width": 840, "height": 900}


def photograph(page: Page, name: str) -> None:
    """Keep a picture of a whole page, as a JPEG: a form of 300 boxes is 10,000 pixels long, and there are many."""
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{name}.jpg", full_page=True, type="jpeg", quality=60)


def main(arguments: list[str]) -> None:
    """Photograph start page and form of a running demo, and the page of a release."""
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
