#!/usr/bin/python3
"""Uses pages of `loam inspect --raft --html` as a person does: inspect_raft.py FACT PAGE, in a headless Chromium (webdriver.py)."""
import sys

from webdriver import ELEMENT, looks, opened, quiet


def colours(browser, number):
    """Of the pixels of a lane, how many of each."""
    return browser.run("""const canvas = nodes[arguments[0]].canvas, copy = document.createElement("canvas"), seen = {};
        copy.width = canvas.width;
        copy.height = canvas.height;
        const pen = copy.getContext("2d", {willReadFrequently: true});
        pen.drawImage(canvas, 0, 0);
        const data = pen.getImageData(0, 0, canvas.width, canvas.height).data;
        for (let at = 0; at < data.length; at += 4) { const key = data[at] + "," + data[at + 1] + "," + data[at + 2]; seen[key] = (seen[key] || 0) + 1; }
        return seen""", number)


def the_page_opens_without_a_complaint(page):
    with opened(page) as browser:
        for _ in looks(browser):
            for number in range(3): assert len(colours(browser, number)) > 3, "a lane is empty"
        assert browser.text("#verdict") == "clean" and "founders" in browser.text("#members")
        assert browser.run("return document.getElementById('problems').hidden")
        assert browser.run("return document.querySelectorAll('.lane').length") == 3
        quiet(browser)


def an_entry_that_is_pointed_at_is_told_of_all_nodes(page):
    with opened(page) as browser:
        browser.point(".lane canvas", 2, 10)
        first = browser.run("return whole.first")
        assert browser.text("#chosen-title").startswith("Entry %d: committed; on a quorum" % first), browser.text("#chosen-title")
        rows = browser.run("return [...document.querySelectorAll('#chosen tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))")
        assert [row[0] for row in rows] == ["node-1", "node-2", "node-3"] and all(row[2] == "no-op" for row in rows), rows
        browser.run("document.getElementById('lanes').focus()")
        browser.press("\ue014")
        assert browser.text("#chosen-title").startswith("Entry %d:" % (first + 1)), browser.text("#chosen-title")
        quiet(browser)


def the_page_leads_to_where_logs_part_and_to_damage(page):
    with opened(page) as browser:
        assert browser.text("#verdict") == "corrupt"
        browser.click("#part")
        parts_at = browser.run("return side.parts_at")
        assert browser.text("#chosen-title") == "Entry %d: the logs part here" % parts_at
        said = browser.text("#chosen")
        assert "will be cut" in said and "committed" in said, said
        browser.click("#problems button")
        assert "LOST" in browser.text("#chosen"), browser.text("#chosen")
        assert "194,47,36" in colours(browser, 0), "what is lost is not red"
        assert "194,47,36" not in colours(browser, 1)
        browser.click("#spans tbody tr")
        assert browser.run("return document.querySelector('#spans tr.here') !== null")
        quiet(browser)


def a_long_log_is_thinned_out_and_says_so(page):
    with opened(page) as browser:
        assert "thinned out" in browser.text("#scale"), browser.text("#scale")
        for _ in range(4): browser.click("#nearer")
        assert "thinned out" not in browser.text("#scale"), browser.text("#scale")
        browser.run("const box = arguments[0]; box.value = '5'; box.dispatchEvent(new Event('change'))", {ELEMENT: browser.element("#from")})
        browser.settle()
        assert browser.text("#scale").startswith("entries 5 to "), browser.text("#scale")
        browser.click("#all")
        assert "thinned out" in browser.text("#scale")
        quiet(browser)


if __name__ == "__main__": globals()[sys.argv[1]](sys.argv[2])
