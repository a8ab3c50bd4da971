"""The page in a headless Chromium: on a phone and a desk, light and dark, on paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from npulab.report.gather import gather

if TYPE_CHECKING:
    from tests.report.conftest import Browser, Lab, Made

PHONE, DESK, A4 = 360, 1280, 794
SCHEMES = ("light", "dark")
SCREENS = [(width, scheme) for width in (PHONE, DESK) for scheme in SCHEMES]

OPEN_ALL = "document.querySelectorAll('details').forEach((one) => { one.open = true })"

WIDER = """
(() => {
  const wide = document.documentElement.clientWidth;
  const boxed = (one) => one.closest('.scroll, .tall, nav ul, pre, .skip');
  return [...document.body.querySelectorAll('*')]
    .filter((one) => !boxed(one) && one.getBoundingClientRect().right > wide + 0.5)
    .map((one) => one.tagName + '.' + one.className).slice(0, 5);
})()
"""
"""Elements that reach out of the page, boxes that scroll apart."""

CONTRAST = """
(() => {
  const numbers = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const over = (top, under) => {
    const alpha = top.length > 3 ? top[3] : 1;
    return [0, 1, 2].map((i) => top[i] * alpha + under[i] * (1 - alpha));
  };
  const ground = (one) => {
    const layers = [];
    for (let at = one; at; at = at.parentElement) {
      layers.push(numbers(getComputedStyle(at).backgroundColor));
    }
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let least = 99, count = 0, worst = '';
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || one.closest('script, style, title, option')) continue;
    if (!one.getClientRects().length) continue;
    const style = getComputedStyle(one);
    const under = ground(one);
    const ink = over(numbers(one instanceof SVGElement ? style.fill : style.color), under);
    const [a, b] = [light(ink), light(under)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    count += 1;
    if (ratio < least) [least, worst] = [ratio, one.tagName + '.' + one.getAttribute('class')];
  }
  return [least, count, worst];
})()
"""
"""The least contrast of any text with what is behind it, how many texts, and which."""


@pytest.fixture(scope="module")
def made(lab: Lab) -> Made:
    return lab.report("--timeline", "passthrough/1024", "--timeline", "gelu_bf16/512")


def shown(browser: Browser) -> list[str]:
    """Return the titles of the rows of the matrix that are to be seen, in order."""
    titles: list[str] = browser.evaluate(
        "[...document.querySelectorAll('#matrix tbody tr')].filter((row) => row.offsetHeight)"
        ".map((row) => row.cells[0].textContent.trim())"
    )
    return titles


def enter(browser: Browser, field: str, value: str, event: str) -> None:
    browser.evaluate(
        f"(() => {{ const one = document.getElementById('{field}'); one.value = '{value}';"
        f" one.dispatchEvent(new Event('{event}')) }})()"
    )


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_no_screen_is_too_narrow(browser: Browser, made: Made, width: int, scheme: str) -> None:
    browser.open(made.path, width, scheme)
    browser.evaluate(OPEN_ALL)
    assert browser.evaluate("innerWidth") == width
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.evaluate(WIDER) == []
    sections = browser.evaluate("[...document.querySelectorAll('section')].map((one) => one.id)")
    heights = browser.evaluate(
        "[...document.querySelectorAll('section')].map((one) => one.offsetHeight)"
    )
    assert set(sections) >= {"results", "problems", "accuracy", "kernels", "model", "history"}
    assert min(heights) > 50
    assert browser.complaints() == []
    assert browser.requests() == [made.path.as_uri()]


@pytest.mark.parametrize("troubles", [False, True])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_word_can_be_read(
    browser: Browser, request: pytest.FixtureRequest, made: Made, scheme: str, troubles: bool
) -> None:
    page = request.getfixturevalue("troubled").report("--quick") if troubles else made
    browser.open(page.path, DESK, scheme)
    browser.evaluate(OPEN_ALL)
    least, count, worst = browser.evaluate(CONTRAST)
    assert count > 500
    assert least >= 4.5, worst


def test_colours_follow_the_scheme(browser: Browser, made: Made) -> None:
    look = (
        "['body', 'section', '#matrix a', '.np text'].map((name) => {"
        " const style = getComputedStyle(document.querySelector(name));"
        " return style.backgroundColor + style.color + style.fill })"
    )
    browser.open(made.path, DESK, "light")
    light = browser.evaluate(look)
    browser.emulate("dark")
    dark = browser.evaluate(look)
    assert all(one != other for one, other in zip(light, dark, strict=True))


def test_the_filter_and_the_states_narrow_the_matrix(browser: Browser, made: Made) -> None:
    browser.open(made.path, PHONE)
    titles = [variant.title for variant in gather(made.root).variants]
    assert shown(browser) == titles
    enter(browser, "filter", "GELU 512", "input")
    assert shown(browser) == [title for title in titles if "gelu" in title and "512" in title]
    enter(browser, "state", "right", "change")
    assert shown(browser) == ["gelu_bf16/512"]
    said = browser.evaluate("document.getElementById('shown').textContent")
    assert said == f"1 of {len(titles)} variants"
    enter(browser, "filter", "", "input")
    enter(browser, "state", "", "change")
    assert shown(browser) == titles


def test_a_click_on_a_heading_sorts(browser: Browser, made: Made) -> None:
    browser.open(made.path, DESK)
    head = "[...document.querySelectorAll('#matrix thead th')].find((th) => th.textContent == '{}')"
    cycles = head.format("Cycles, modelled")
    values = (
        "[...document.querySelectorAll('#matrix tbody tr')]"
        f".map((row) => Number(row.cells[{cycles}.cellIndex].dataset.v))"
    )
    browser.evaluate(f"{cycles}.querySelector('button').click()")
    assert browser.evaluate(f"{cycles}.getAttribute('aria-sort')") == "ascending"
    up = browser.evaluate(values)
    assert up == sorted(up)
    assert up[0] == -1 < up[-1]
    browser.evaluate(f"{cycles}.querySelector('button').click()")
    assert browser.evaluate(values) == sorted(up, reverse=True)
    assert browser.evaluate("document.querySelectorAll('[aria-sort]').length") == 1


def test_a_link_opens_what_it_leads_to(browser: Browser, made: Made) -> None:
    browser.open(made.path, PHONE, fragment="#v-gelu_bf16-512")
    place = "document.getElementById('{}').getBoundingClientRect()"
    opened = "[...document.querySelectorAll('details.variant[open] .inside')].map((one) => one.id)"
    assert browser.evaluate(opened) == ["v-gelu_bf16-512"]
    assert 0 <= browser.evaluate(place.format("v-gelu_bf16-512") + ".top") < 800
    browser.evaluate("document.querySelector('#matrix a[href=\"#v-passthrough-1024\"]').click()")
    browser.evaluate("new Promise((done) => setTimeout(done, 50))")
    assert "v-passthrough-1024" in browser.evaluate(opened)


def test_the_keyboard_reaches_links_controls_and_boxes_that_scroll(
    browser: Browser, made: Made
) -> None:
    browser.open(made.path, PHONE)
    reached = []
    for _ in range(16):
        for kind in ("keyDown", "keyUp"):
            browser.call("Input.dispatchKeyEvent", type=kind, key="Tab", windowsVirtualKeyCode=9)
        reached.append(
            browser.evaluate(
                "(({tagName, id, className}) => tagName + (id ? '#' + id : '') + "
                "(className ? '.' + className : ''))(document.activeElement)"
            )
        )
    assert reached[0] == "A.skip"
    assert "INPUT#filter" in reached
    assert "SELECT#state" in reached
    assert "DIV.scroll" in reached
    assert "BUTTON" in reached


def test_the_page_can_be_read_without_its_script(browser: Browser, made: Made) -> None:
    text = made.text
    assert '<div class="controls" id="controls" hidden>' in text, "no control without a script"
    without = made.path.with_name("without.html")
    without.write_text(text[: text.index("<script>")] + text[text.index("</script>") + 9 :])
    browser.open(without, PHONE)
    assert not browser.evaluate("document.getElementById('controls').offsetHeight")
    assert len(shown(browser)) == len(gather(made.root).variants)
    assert browser.evaluate("document.querySelectorAll('#matrix button').length") == 0


def test_paper_has_all_and_nothing_to_click(browser: Browser, made: Made, tmp_path: Path) -> None:
    browser.open(made.path, A4)
    browser.emulate("light", "print")
    assert browser.evaluate("document.getElementById('matrix').offsetWidth") <= A4
    assert browser.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert (
        browser.evaluate("getComputedStyle(document.getElementById('controls')).display") == "none"
    )
    browser.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert browser.evaluate("document.querySelectorAll('details.variant:not([open])').length") == 0
    browser.evaluate("dispatchEvent(new Event('afterprint'))")
    assert browser.evaluate("document.querySelectorAll('details.variant[open]').length") == 0
    printed = browser.call("Page.printToPDF", printBackground=True)
    assert len(printed["data"]) > 10_000
    browser.screenshot(tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 10_000
