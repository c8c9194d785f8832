"""Measures a page as it is laid out: what overflows, what is cut, what stands on the wrong side, what is too small.

The audit does not see such faults. Everything is said in start and end, so the same rules hold in both directions.
"""

from typing import Final

from playwright.sync_api import Page

NARROWEST: Final = {"width": 320, "height": 568}  # CSS pixels; WCAG 2.2 1.4.10
ZOOMED: Final = {"width": 320, "height": 256}  # what 1280 x 1024 become at 400 %
# WCAG 2.2 1.4.12: nothing may be lost when a reader sets these.
WIDE_LETTERS: Final = (
    "* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important } "
    "p { margin-block-end: 2em !important }"
)
BUTTONS: Final = ":is(button:not([hidden]), .button, .leave):not([lang])"

# Texts below an element, and the boxes of the rows that a piece of text takes.
_TEXTS: Final = """
    const textsOf = function* (root) {
        const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) if (texts.currentNode.data.trim()) yield texts.currentNode;
    };
    const rowsOf = (text, from, to) => {
        const range = document.createRange();
        range.setStart(text, from);
        range.setEnd(text, to);
        return range.getClientRects();
    };
"""
_MEASURE: Final = (
    "() => {"
    + _TEXTS
    + """
    const found = [];
    const isRtl = document.documentElement.dir === "rtl";
    const start = (box) => isRtl ? innerWidth - box.right : box.left;
    const end = (box) => isRtl ? innerWidth - box.left : box.right;
    const middle = (box) => (box.top + box.bottom) / 2;
    const boxOf = (one) => one.getBoundingClientRect();
    const seen = (selector) => Array.from(document.querySelectorAll(selector))
        .filter((one) => one.checkVisibility() && !one.closest(".decoy, .skip"));
    const name = (one) => (one.innerText || one.id || one.tagName).slice(0, 40);
    const root = document.documentElement;

    if (root.scrollWidth > root.clientWidth) found.push(`sideways by ${root.scrollWidth - root.clientWidth}`);
    for (const one of seen("body *")) {
        const box = boxOf(one);
        if (box.width && (box.left < -1 || box.right > innerWidth + 1)) found.push(`outside: ${name(one)}`);
    }
    for (const one of seen(".choice")) {
        const rows = Array.from(textsOf(one)).flatMap((text) => Array.from(rowsOf(text, 0, text.length)));
        const tick = boxOf(one.querySelector("input"));
        if (Math.abs(middle(rows[0]) - middle(tick)) > 4) found.push(`tick not beside its words: ${name(one)}`);
        const lines = new Map();
        for (const box of rows) lines.set(box.bottom, Math.min(start(box), lines.get(box.bottom) ?? innerWidth));
        if (Math.max(...lines.values()) > end(tick) + 24) found.push(`words away from their box: ${name(one)}`);
        if (end(tick) > Math.min(...lines.values()) || start(tick) - start(boxOf(one)) > 8) found.push(`tick at the end: ${name(one)}`);
    }
    for (const bar of seen(".bar")) {
        const leave = boxOf(bar.querySelector(".leave"));
        if (end(boxOf(bar)) - end(leave) > 24) found.push("leave not at the end");
        if (start(boxOf(bar.querySelector(".home"))) - start(boxOf(bar)) > 24) found.push("name not at the start");
    }
    for (const one of seen("button, .button, .leave, summary, legend, label, h1, h2")) {
        if (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 2) {
            if (getComputedStyle(one).display !== "inline") found.push(`cut: ${name(one)}`);
        }
    }
    for (const one of seen("button, .button, .leave, summary, .choice, nav a, .onward a, .resources a, .home")) {
        const box = boxOf(one);
        if (box.height < 43.9 || box.width < 24) found.push(`small: ${name(one)} ${box.width} x ${box.height}`);
    }
    return found;
}"""
)

# Words of alphabets that write spaces; the others break anywhere, and so may addresses.
_BROKEN_WORDS: Final = (
    "() => {"
    + _TEXTS
    + """
    const found = [];
    for (const text of textsOf(document.body)) {
        const parent = text.parentElement;
        if (!parent.checkVisibility() || parent.closest(".decoy, .skip, [translate=no], textarea")) continue;
        for (const word of text.data.matchAll(/[\\p{L}\\p{M}']+/gu)) {
            if (/[\\p{Script=Han}]/u.test(word[0])) continue;
            const rows = Array.from(rowsOf(text, word.index, word.index + word[0].length));
            if (new Set(rows.map((box) => Math.round(box.top / 8))).size > 1) found.push(`broken: ${word[0]}`);
        }
    }
    return found;
}"""
)

_COVERED: Final = """() => {
    const bar = document.querySelector(".bar");
    const found = [];
    const all = Array.from(document.querySelectorAll("a, button, input, textarea, summary")).filter(
        (one) => one.checkVisibility() && !one.closest(".bar, .decoy, .skip") && one.tabIndex >= 0);
    for (const one of all.reverse()) {
        one.focus();
        const box = one.getBoundingClientRect();
        const covered = getComputedStyle(bar).position === "sticky" ? bar.getBoundingClientRect().bottom : 0;
        if (document.activeElement !== one) continue;
        if (box.top < covered - 1 && box.height < innerHeight - covered) found.push(one.outerHTML.slice(0, 80));
        if (box.top > innerHeight) found.push("below: " + one.outerHTML.slice(0, 80));
    }
    return found;
}"""


def faults(page: Page) -> list[str]:
    """What is laid out wrongly on a page as it is shown."""
    found: list[str] = page.evaluate(_MEASURE)
    return found


def broken_words(page: Page) -> list[str]:
    """Words that are cut in two at the end of a line."""
    found: list[str] = page.evaluate(_BROKEN_WORDS)
    return found


def covered_by_the_bar(page: Page) -> list[str]:
    """Controls that the bar at the top hides when the keyboard goes up to them."""
    found: list[str] = page.evaluate(_COVERED)
    return found


def buttons(page: Page) -> list[str]:
    """What the buttons of a page say, but for the names of languages."""
    return [" ".join(text.split()) for text in page.locator(BUTTONS).all_text_contents()]
