#!/usr/bin/python3
"""Uses pages of `loam inspect --lsm --html` as a person does: inspect_lsm_page.py FACT PAGE, in a headless Chromium (webdriver.py)."""
import re
import sys

from webdriver import ELEMENT, looks, opened, quiet


def scrub(browser, edit):
    browser.run("const bar = document.getElementById('scrub'); bar.value = arguments[0]; bar.dispatchEvent(new Event('input'))", edit)
    browser.settle()


def sums(browser):
    """Rows of the table of levels."""
    return browser.run("return [...document.querySelectorAll('#levels tr')].slice(1).map((row) => [...row.children].map((cell) => cell.textContent))")


def the_page_opens_without_a_complaint(page):
    with opened(page) as browser:
        for _ in looks(browser): pass
        drawn = browser.run("const map = document.getElementById('map'), data = map.getContext('2d').getImageData(0, 0, map.width, map.height).data; "
                            "let count = 0; for (let i = 3; i < data.length; i += 4) count += data[i] > 0; return count")
        assert drawn > 5000, drawn
        assert browser.text("#verdict") == "clean" and browser.run("return document.getElementById('findings').hidden")
        assert browser.run("return boxes.length") == browser.run("return told.files.filter((row) => row[1] === 0).length")
        quiet(browser)


def the_scrubber_goes_through_the_edits(page):
    with opened(page) as browser:
        last = browser.run("return edits.length - 1")
        for edit in (0, 1, last // 2, last):
            scrub(browser, edit)
            words, files = browser.text("#words"), browser.run("return files.filter((file) => file.born <= arguments[0] && arguments[0] < file.gone).length", edit)
            assert words.startswith("edit %d (" % (edit + 1)), words
            assert sums(browser)[-1][0] == "all" and sums(browser)[-1][1] == str(files), (sums(browser), files)
        browser.click("#before")
        assert browser.run("return document.getElementById('edit').value") == str(last)
        browser.click("#next")
        browser.click("#first")
        assert browser.text("#words").startswith("edit 1 (create") and sums(browser)[-1][1] == "0"
        browser.run("const box = arguments[0]; box.value = '9'; box.dispatchEvent(new Event('change'))", {ELEMENT: browser.element("#edit")})
        browser.settle()
        assert browser.text("#words").startswith("edit 9 ("), browser.text("#words")
        browser.point("#edits", 9, 24)
        assert browser.text("#words").startswith("edit 1 ("), browser.text("#words")
        quiet(browser)


def the_page_compares_two_edits(page):
    with opened(page) as browser:
        last = browser.run("return edits.length - 1")
        scrub(browser, last // 2)
        browser.click("#hold")
        scrub(browser, last)
        came, went = (browser.run("return files.filter((file) => %s).length" % rule, last // 2, last)
                      for rule in ("file.born > arguments[0] && file.gone > arguments[1]", "file.born <= arguments[0] && file.gone > arguments[0] && file.gone <= arguments[1]"))
        assert "%d came, %d went, 0 moved" % (came, went) in browser.text("#list-head"), (came, went, browser.text("#list-head"))
        assert came > 0 and went > 0 and browser.run("return document.querySelectorAll('#list .came').length") > 0
        assert sums(browser)[-1][7][0] in "+-", sums(browser)
        browser.click("#hold")
        assert "came" not in browser.text("#list-head") and len(sums(browser)[-1]) == 7
        quiet(browser)


def a_file_is_held_on_the_map_and_in_the_list(page):
    with opened(page) as browser:
        box = browser.run("const box = boxes[0]; return {x: box.x + box.width / 2, y: box.y + 7, name: nameOf(box.file)}")
        browser.point("#map", box["x"], box["y"])
        assert browser.text("#chosen").startswith(box["name"] + ": level"), browser.text("#chosen")
        assert browser.run("return document.querySelector('#list .held').textContent").split()[1] == box["name"]
        browser.point("#list", 60, 33) # the second row
        assert browser.text("#chosen").split(":")[0] == browser.run("return document.querySelector('#list .held').textContent").split()[1] != box["name"]
        assert "keys \"" in browser.text("#chosen") and "added by edit" in browser.text("#chosen") and "sound" in browser.text("#chosen"), browser.text("#chosen")
        for colour in ("age", "hidden", "tombstones"):
            browser.run("const box = document.getElementById('colour'); box.value = arguments[0]; box.dispatchEvent(new Event('change'))", colour)
            browser.settle()
        quiet(browser)


def damage_is_named_and_led_to(page):
    with opened(page) as browser:
        assert browser.text("#verdict") == "corrupt"
        assert "it is missing" in browser.text("#findings") and "affected: " in browser.text("#findings") and "to do: " in browser.text("#findings")
        scrub(browser, 0)
        browser.click("#findings li")
        name = re.search(r"(\d+\.sst)", browser.text("#findings")).group(1)
        assert browser.text("#chosen").startswith(name) and "missing" in browser.text("#chosen"), browser.text("#chosen")
        assert browser.run("return at === edits.length - 1 && document.querySelector('#list .bad').textContent.includes(arguments[0])", name)
        quiet(browser)


def keys_stay_text(page):
    """A key that looks like the end of a script, and a picture that would tell of itself."""
    with opened(page) as browser:
        assert browser.run("return window.caught") is None
        assert "</script>" in browser.run("return JSON.stringify(told)")
        assert browser.run("return document.images.length") == 0
        quiet(browser)


def a_hundred_thousand_edits_are_stepped_through_without_a_wait(page):
    """Each step looks at each file once, and draws what is in view."""
    with opened(page) as browser:
        assert browser.run("return edits.length") == 100000
        for edit in (0, 99999, 50000, 12345):
            scrub(browser, edit)
            assert browser.text("#words").startswith("edit %d (" % (edit + 1)), browser.text("#words")
            assert browser.run("return document.querySelectorAll('#list .row').length") < 60
        longest = browser.run("let longest = 0; for (let i = 0; i < 20; i++) { at = i * 4999; const begin = performance.now(); draw(); longest = Math.max(longest, performance.now() - begin); } return longest")
        print("longest step: %.0f ms" % longest)
        assert longest < 1000, longest
        quiet(browser)


if __name__ == "__main__": globals()[sys.argv[1]](sys.argv[2])
