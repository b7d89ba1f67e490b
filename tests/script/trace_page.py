#!/usr/bin/python3
"""Clicks through pages of `loam sim --trace`: trace_page.py FACT PAGE, in a headless Chromium (webdriver.py); PAGE is that of one run.

What is asked of a page is what a person sees and does: its words, its buttons, pixels of its pictures.
"""
import re
import struct
import sys
import zlib

from webdriver import ELEMENT, looks, opened, quiet


def clock(browser):
    """The moment that is shown, and the time in view, in seconds."""
    at, span, unit = re.fullmatch(r"([\d.]+) s\s+·\s+([\d.]+) (us|ms|s) in view", browser.text("#clock")).groups()
    return float(at), float(span) * {"us": 1e-6, "ms": 1e-3, "s": 1}[unit]


def colours(browser, selector):
    """How many pixels of a canvas have which colour; nothing drawn is no colour."""
    pixels = browser.run("const c = document.createElement('canvas'), g = c.getContext('2d', {willReadFrequently: true}); c.width = arguments[0].width; c.height = arguments[0].height;"
                         "g.drawImage(arguments[0], 0, 0); const d = g.getImageData(0, 0, c.width, c.height).data, seen = {};"
                         "for (let i = 0; i < d.length; i += 4) if (d[i + 3] > 200) { const key = d[i] + ',' + d[i + 1] + ',' + d[i + 2]; seen[key] = (seen[key] || 0) + 1; }"
                         "return seen", {ELEMENT: browser.element(selector)})
    return {tuple(map(int, key.split(","))): count for key, count in pixels.items()}


def opens_without_a_complaint(page):
    with opened(page) as browser:
        for dark, scale in looks(browser):
            quiet(browser)
            assert browser.text("#verdict") == "Every promise was kept."
            assert all(browser.text(absent) == "" for absent in ("#named", "#bounded", "#to-violation")), "something is said that does not hold"
            for canvas in ("#overview", "#lanes", "#logs"):
                seen = colours(browser, canvas)
                assert len(seen) > 5 and sum(seen.values()) > 300, (canvas, dark, scale, len(seen))
            assert re.fullmatch(r"seed \d+ . [37] nodes, \d+ clients . \d+ faults . .* hash [0-9a-f]{16}", browser.text("#summary"))


def scrubber_and_buttons_move_time(page):
    with opened(page) as browser:
        browser.click("#to-start")
        begin, whole = clock(browser)
        assert begin == 0
        browser.click("#forth")
        first, _ = clock(browser)
        browser.press("\ue014")  # right arrow
        second, _ = clock(browser)
        assert 0 < first < second
        browser.click("#back")
        assert clock(browser)[0] == first
        browser.click("#to-end")
        end, _ = clock(browser)
        assert abs(end - whole) < .001, (end, whole)
        before = colours(browser, "#logs")
        width = browser.run("return document.getElementById('scrubber').clientWidth")
        browser.point("#scrubber", width / 2, 5)
        middle, _ = clock(browser)
        assert abs(middle - end / 2) < .1 * end, (middle, end)
        assert colours(browser, "#logs") != before, "the logs did not move with time"
        browser.click("#to-start")
        browser.click("#fault-forth")
        fault, _ = clock(browser)
        assert abs(fault - browser.run("return faults[0].from") / 1e6) < 2e-6
        assert "fault: " in browser.text("#near li.now")
        browser.click("#play")
        browser.settle()
        browser.settle()
        browser.click("#play")
        assert clock(browser)[0] > fault
        quiet(browser)


def zoom_shows_less_time(page):
    with opened(page) as browser:
        _, whole = clock(browser)
        drawn = browser.run("return drawnMessages.length")
        for _ in range(6): browser.click("#zoom-in")
        at, span = clock(browser)
        assert abs(span - whole / 64) < .02 * whole / 64, (span, whole)
        assert browser.run("return drawnMessages.length") < drawn, "nothing was left out of a smaller window"
        assert browser.run("return view.from <= view.at && view.at <= view.to")
        box = browser.run("return document.getElementById('lanes').clientWidth")
        browser.point("#lanes", box * .6, 5, to=(box * .4, 5))
        assert abs(clock(browser)[1] - span) < 1e-6 and browser.run("return view.from") > 0, "a drag did not move the window"
        browser.click("#zoom-out")
        assert abs(clock(browser)[1] - 2 * span) < .1 * span
        browser.press("0")
        assert clock(browser)[1] == whole
        quiet(browser)


def a_node_can_be_chosen(page):
    with opened(page) as browser:
        browser.click("#to-end")
        for node in (2, 1):
            browser.click("#nodes button:nth-child(%d)" % node)
            assert browser.text("#node-title") == "Node %d" % node
            told = browser.text("#node")
            assert re.search(r"role\n(leader|follower)", told) and re.search(r"log\n\d+ to \d+", told) and "voters=(1 2 3" in told, told
        lane = browser.run("return laneTop(2) + 5")
        browser.point("#lanes", 20, lane)
        assert browser.text("#node-title") == "Node 3"
        leaders = browser.run("return Array.from({length: run.nodes}, (_, n) => stateAt(n, run.end)).filter((s) => s.role === 'leader').length")
        assert leaders == 1, leaders
        quiet(browser)


def every_fate_is_there(page):
    with opened(page) as browser:
        fates = browser.run("const seen = {}; for (const m of messages) { seen[m.fate] = (seen[m.fate] || 0) + 1; if (m.repeated) seen.repeated = (seen.repeated || 0) + 1; if (m.delayed) seen.delayed = (seen.delayed || 0) + 1 } return seen")
        assert all(fates.get(fate, 0) > 0 for fate in ("arrived", "dropped", "lost", "repeated", "delayed")), fates
        assert browser.run("return ['down', 'paused', 'up'].every((one) => states.some((state) => state.condition === one))")
        assert browser.run("return disks.some((disk) => disk.what === 'write_sync' && disk.end > disk.begin)")
        assert browser.run("return messages.every((m) => m.kind !== 'damaged' && m.kind !== 'unknown')"), "a message that the describer does not know"
        # What was dropped has its cross, also where it is one of many.
        red = tuple(int(browser.run("return ink.bad").lstrip("#")[i:i + 2], 16) for i in (0, 2, 4))
        crosses = []
        for number in range(5):
            browser.run("showAround(messages.filter((m) => m.fate === 'dropped')[%d].sent, 4000); return 1" % number)
            browser.settle()
            crosses.append(colours(browser, "#lanes").get(red, 0))
        assert min(crosses) > 0 and max(crosses) > 5, crosses # how many are purely red depends on where between pixels it lies
        quiet(browser)


def an_arrow_can_be_chosen(page):
    with opened(page) as browser:
        browser.run("const all = messages.filter((m) => m.kind === 'append' && m.fate === 'arrived'), one = all[all.length >> 1]; showAround(one.ended, 20000); return 1")
        browser.settle()
        x, y, words = browser.run("const one = drawnMessages.find((m) => m.kind === 'append' && xOf(m.sent) > 200 && xOf(m.ended) < document.getElementById('lanes').clientWidth - 50), s = shaft(one);"
                                  "return [(s.x1 + s.x2) / 2, (s.y1 + s.y2) / 2, inWords(one)]")
        browser.point("#lanes", x, y)
        chosen = browser.text("#chosen")
        assert re.match(r"append node \d . node \d, term \d+: after \d+/\d+", chosen) and "arrived" in chosen and "append" in words, chosen
        quiet(browser)


def the_violation_is_marked_and_jumped_to(page):
    with opened(page) as browser:
        words = browser.text("#verdict")
        assert words.startswith("stuck: no progress 20 s after healing"), words
        red = tuple(int(browser.run("return ink.bad").lstrip("#")[i:i + 2], 16) for i in (0, 2, 4))
        assert colours(browser, "#overview").get(red, 0) > 20, "no mark in the overview"
        browser.click("#to-start")
        for _ in range(8): browser.click("#zoom-in")
        assert red not in colours(browser, "#lanes")
        browser.click("#to-violation")
        at, span = clock(browser)
        assert abs(at - browser.run("return run.end") / 1e6) < 2e-6 and span < 1, (at, span)
        assert colours(browser, "#lanes").get(red, 0) > 100, "no mark in the lanes"
        assert browser.text("#near li.now").endswith(words), browser.text("#near li.now")
        quiet(browser)


def words_lead_to_the_commands_and_entries_that_they_name(page):
    """Words of another run's judge are put into the page: they name what is there."""
    text = open(page).read()
    broken = text.replace('"verdict":"kept"', '"verdict":"broken"').replace('"text":""', '"text":"acknowledged write lost: operation 5, token 9 \\u003cb\\u003eof\\u003c/b\\u003e list 1, entry 12"', 1)
    assert broken != text
    open(page + ".broken.html", "w").write(broken)
    with opened(page + ".broken.html") as browser:
        assert browser.text("#verdict") == "broken: acknowledged write lost: operation 5, token 9 <b>of</b> list 1, entry 12"
        assert browser.run("return document.querySelectorAll('b').length") == 0, "a text of the run became an element"
        places, tokens = browser.run("return [named.map((o) => o.place), named.map((o) => o.token)]")
        assert 5 in places and 9 in tokens and len(places) <= 2, (places, tokens)
        browser.click("#named button")
        first = browser.run("return [named[0].returned / 1e6, inWords(named[0])]")
        assert abs(clock(browser)[0] - first[0]) < 2e-6 and browser.text("#chosen").startswith(first[1])
        red = tuple(int(browser.run("return ink.bad").lstrip("#")[i:i + 2], 16) for i in (0, 2, 4))
        assert colours(browser, "#lanes").get(red, 0) > 10, "the command has no frame"
        browser.click("#to-end")
        for _ in range(9):
            if browser.run("return document.getElementById('logs-older').disabled"): break
            browser.click("#logs-older")
        assert browser.text("#logs-at").startswith("entries 1 to "), browser.text("#logs-at")
        assert colours(browser, "#logs").get(red, 0) > 3, "the entry's number is not marked"
        browser.click("#logs-newer")
        assert not browser.text("#logs-at").startswith("entries 1 to ")
        quiet(browser)


def a_bounded_record_says_so(page):
    with opened(page) as browser:
        told = re.search(r"(\d+) of (\d+) events were left out", browser.text("#bounded"))
        left, of = int(told.group(1)), int(told.group(2))
        assert 0 < left < of
        assert browser.run("return run.gaps.reduce((sum, gap) => sum + gap[2], 0)") == left
        # The end, and what lies around the faults, is there.
        assert browser.run("return run.gaps.every(([from, to]) => to < run.end - 1e6)")
        assert browser.run("return faults.flatMap((f) => [f.from, f.to]).every((at) => run.gaps.every(([from, to]) => at < from - 20000 || at > to + 20000))")
        assert browser.run("return Array.from({length: run.nodes}, (_, n) => run.gaps.every(([, to]) => stateAt(n, to + 1).at >= to)).every(Boolean)"), "a state is older than the gap before it"
        quiet(browser)


if __name__ == "__main__": globals()[sys.argv[1]](sys.argv[2])
