#!/usr/bin/python3
"""Uses pages of `loam inspect --html` as a person does: inspect_page.py FACT PAGE, in a headless Chromium (webdriver.py)."""
import re
import sys

from webdriver import ELEMENT, looks, opened, quiet


def held(browser):
    """Offsets of the bytes that are held, and the words of the rows."""
    return (browser.run("return [...document.querySelectorAll('#hex .held')].map((cell) => Number(cell.dataset.at))"),
            browser.run("return [...document.querySelectorAll('#tree .held')].map((row) => row.textContent)"))


def opens_without_a_complaint(page):
    with opened(page) as browser:
        for _ in looks(browser):
            assert browser.text("#verdict") == "clean" and "7 parts" in browser.text("#kind")
            assert browser.run("return document.getElementById('problems').hidden")
        quiet(browser)


def a_field_holds_its_bytes_and_a_byte_its_field(page):
    with opened(page) as browser:
        row = browser.run("return [...document.querySelectorAll('#tree .field')].find((row) => row.textContent.startsWith('file: '))")
        browser.here("POST", "/element/" + row[ELEMENT] + "/click", {})
        browser.settle()
        assert held(browser) == (list(range(24, 32)), ["file: 7"]), held(browser)
        said = browser.text("#chosen")
        assert said.startswith("file: 7\n24 (0x18) to 31, 8 bytes; of header, whose check is right; little-endian 7"), said
        browser.click("#hex [data-at='70']")
        assert held(browser)[0] == list(range(64, 72)) and held(browser)[1] == ["unit check: right"], held(browser)
        browser.click("#next")
        assert held(browser) == (list(range(72, 76)), ["stored bytes: 84"]), held(browser)
        browser.run("arguments[0].dispatchEvent(new PointerEvent('pointermove', {bubbles: true}))", {ELEMENT: browser.element("#hex [data-at='0']")})
        browser.settle()
        assert browser.run("return [...document.querySelectorAll('#hex .pointed')].length") == 8
        assert browser.run("return document.querySelector('#tree .pointed').textContent") == 'magic: "loam.sst"'
        quiet(browser)


def places_are_found_by_offset_word_and_map(page):
    with opened(page) as browser:
        browser.run("const box = arguments[0]; box.value = '0x50'; box.dispatchEvent(new Event('change'))", {ELEMENT: browser.element("#offset")})
        browser.settle()
        assert held(browser) == ([80], ["section: 1: data"]), held(browser)
        browser.click("#close-all")
        assert browser.run("return document.querySelectorAll('#tree .field').length") == 0
        browser.click("#word")
        browser.press("loam.end\ue007")
        assert held(browser)[1] == ['magic: "loam.end"'], held(browser)
        assert all(browser.run("const box = arguments[0].getBoundingClientRect(), list = arguments[1].getBoundingClientRect(); return box.top >= list.top && box.bottom <= list.bottom",
                               {ELEMENT: browser.element(where + " .held")}, {ELEMENT: browser.element(where)}) for where in ("#hex", "#tree")), "it is not in view"
        browser.press("nothing of that\ue007")
        assert browser.text("#chosen").startswith("No field"), browser.text("#chosen")
        browser.point("#map", 3, 15)
        assert held(browser)[0] == list(range(8)), held(browser)
        quiet(browser)


def damage_is_named_and_led_to(page):
    with opened(page) as browser:
        assert browser.text("#verdict") == "corrupt"
        assert "corrupt at " in browser.text("#problems")
        browser.click("#problems button")
        place = int(re.search(r"corrupt at (\d+)", browser.text("#problems button")).group(1))
        assert place in held(browser)[0], (place, held(browser))
        assert browser.run("return parts.some((part) => part.check === 'wrong')")
        assert browser.run("return document.querySelectorAll('#hex .wrong').length") > 0
        quiet(browser)


def bytes_of_the_file_stay_text(page):
    """A key that looks like the end of a script, and a picture that would tell of itself."""
    with opened(page) as browser:
        assert browser.run("return window.caught") is None
        assert "</script>" in browser.run("return JSON.stringify(told)")
        assert browser.run("return document.images.length") == 0
        quiet(browser)


def a_large_file_shows_what_is_in_view_only(page):
    with opened(page) as browser:
        assert browser.run("return bytes.length") > 500000
        assert browser.run("return document.querySelectorAll('.row').length") < 300
        browser.run("document.getElementById('hex').scrollTop = 1e9")
        browser.settle()
        last = browser.run("return Math.max(...[...document.querySelectorAll('#hex [data-at]')].map((cell) => Number(cell.dataset.at)))")
        assert last == browser.run("return bytes.length") - 1, last
        quiet(browser)


def a_range_says_what_is_not_here(page):
    with opened(page) as browser:
        assert "of which 100001 to 105000 are here" in browser.text("#kind"), browser.text("#kind")
        shown = browser.run("return [...document.querySelectorAll('#hex .row')].map((row) => [row.querySelector('.at').textContent, ...[...row.querySelectorAll('.byte')].map((cell) => Number(cell.dataset.at))])")
        assert shown[0] == ["000186a0"] + list(range(100001, 100016)), shown[0]
        assert shown[1] == ["000186b0"] + list(range(100016, 100032)), shown[1]
        bytes_and_fields = browser.run("return [bytes.length, fields[0].offset, fields[fields.length - 1].offset + fields[fields.length - 1].size, parts[0].offset]")
        assert bytes_and_fields[0] == 5000 and bytes_and_fields[1] <= 100001 and bytes_and_fields[2] >= 105001 and bytes_and_fields[3] <= 100001, bytes_and_fields
        browser.click("#hex [data-at='100020']")
        assert 100020 in held(browser)[0] and len(held(browser)[1]) == 1, held(browser)
        browser.point("#map", 3, 15)
        assert held(browser)[0][0] == 100001, held(browser)
        for place, words in (("104999", ""), ("105001", "--range 105001"), ("0", "--range 0")):
            browser.run("const box = arguments[0]; box.value = arguments[1]; box.dispatchEvent(new Event('change'))", {ELEMENT: browser.element("#offset")}, place)
            browser.settle()
            assert words in browser.text("#chosen") if words else int(place) in held(browser)[0], (place, browser.text("#chosen"))
        browser.run("document.getElementById('hex').scrollTop = 1e9")
        browser.settle()
        assert browser.run("return Math.max(...[...document.querySelectorAll('#hex [data-at]')].map((cell) => Number(cell.dataset.at)))") == 105000
        quiet(browser)


if __name__ == "__main__": globals()[sys.argv[1]](sys.argv[2])
