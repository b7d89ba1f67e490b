#!/usr/bin/python3
"""Uses the page of `loam simulate compaction --html` as a person does: simulate_page.py FACT PAGE, in a headless Chromium (webdriver.py)."""
import sys

from webdriver import looks, opened, quiet

PLOTS = 8


def lines(browser):
    """Curves of each plot."""
    return browser.run("return [...document.querySelectorAll('svg')].map((svg) => svg.querySelectorAll('polyline').length)")


def the_page_opens_without_a_complaint(page):
    with opened(page) as browser:
        for _ in looks(browser):
            stroke = browser.run("return getComputedStyle(document.querySelector('polyline')).stroke")
            assert stroke.startswith("rgb") and stroke != "rgb(0, 0, 0)", stroke
        assert lines(browser) == [4] * PLOTS, lines(browser)
        outside = browser.run("""return [...document.querySelectorAll('svg')].flatMap((svg) => [...svg.querySelectorAll('text, polyline')]
            .filter((one) => { const a = one.getBBox(); return a.x < -1 || a.y < -1 || a.x + a.width > 561 || a.y + a.height > 211; }).map((one) => one.outerHTML.slice(0, 100)))""")
        assert not outside, outside
        quiet(browser)


def the_page_shows_the_figures_of_the_table(page):
    with opened(page) as browser:
        rows = browser.run("return [...document.querySelectorAll('#figures tr')].map((row) => [...row.children].map((cell) => cell.textContent))")
        told = browser.run("return told.configurations.map((one) => [one.name, one.write_amplification, one.files_most])")
        assert [row[0] for row in rows[1:]] == [one[0] for one in told] == ["lazy", "leveled", "tiered", "fifo"]
        for row, one in zip(rows[1:], told):
            assert row[1] == "%.2f" % one[1] and row[11] == str(one[2]), (row, one)
        best = browser.run("return [...document.querySelectorAll('#figures tr')].map((row) => row.children[1].className)")
        assert best == ["", "", "", "", "best"], best # fifo writes least
        assert "80000 writes" in browser.text("#about") and "200 MiB/s" in browser.text("#about"), browser.text("#about")
        ends = browser.run("return [...document.querySelector('svg').querySelectorAll('polyline')].map((line) => +line.getAttribute('points').split(' ').pop().split(',')[1])")
        assert ends[1] < ends[2] < ends[3], ("leveled writes more than tiered, tiered more than fifo: it ends higher", ends)
        quiet(browser)


def a_configuration_can_be_left_out_and_pointed_at(page):
    with opened(page) as browser:
        browser.click("#legend button:nth-child(4)")
        assert lines(browser) == [3] * PLOTS and browser.run("return document.querySelectorAll('#legend button')[3].getAttribute('aria-pressed')") == "false"
        browser.point("svg", 300, 100)
        told = browser.run("return [...document.querySelectorAll('.told')].map((one) => one.textContent)")
        assert len(told) == PLOTS and all(one.startswith("after ") for one in told), told
        assert browser.run("return document.querySelectorAll('.told')[0].querySelectorAll('b').length") == 3
        browser.click("#legend button:nth-child(4)")
        assert lines(browser) == [4] * PLOTS
        quiet(browser)


def texts_of_the_page_stay_text(page):
    with opened(page) as browser:
        assert browser.run("return window.caught") is None
        assert "<!--<script><img src=x" in browser.text("#source"), browser.text("#source")
        assert browser.run("return document.images.length") == 0
        quiet(browser)


if __name__ == "__main__": globals()[sys.argv[1]](sys.argv[2])
