#!/usr/bin/python3
"""Judges the page of `loam bench engine --html`: bench_page.py PAGE [RSVG-CONVERT].

The page has no script and asks for no other file, so what a browser makes of it is told by its drawings: each is well-formed, all of it, words
too, lies inside, and bars are as long as their figures say. A renderer of SVG, where it is named, draws two plots of each sort, and the colours
of their engines are looked for.
"""
import math
import re
import struct
import subprocess
import sys
import xml.etree.ElementTree as tree
import zlib

UNSTYLED = {"name"}  # a text as it is
NARROW, WIDE = set(" .,:;il|!'()"), set("mwMW%")


def style_of(text):
    """The rules, and the colours of the light page; the dark one has as many."""
    style = text[text.index("<style>") + 7:text.index("</style>")]
    light, dark = style.split("@media")[0], style.split("@media")[1].split("}}")[0]
    colours = dict(re.findall(r"(--\w+):(#\w+)", light))
    assert set(colours) == set(dict(re.findall(r"(--\w+):(#\w+)", dark)))
    assert set(re.findall(r"var\((--\w+)\)", style)) <= set(colours)
    return style, colours


def inside(value, most, what):
    assert math.isfinite(value) and -0.5 <= value <= most + 0.5, (what, value, most)


def judge_text(shape, width, height, where):
    # 12 px of a sans serif
    long = sum(3.4 if letter in NARROW else 10 if letter in WIDE else 6.8 for letter in shape.text)
    begin = float(shape.get("x")) - {"start": 0, "middle": long / 2, "end": long}[shape.get("text-anchor")]
    inside(begin, width, where)
    inside(begin + long, width, where)
    inside(float(shape.get("y")), height, where)


def judge_shape(shape, width, height, where):
    """Whether it shows anything."""
    at = lambda name: float(shape.get(name))
    if shape.tag == "rect":
        assert at("width") >= 0 and at("height") > 0, where
        across, down = (at("x"), at("x") + at("width")), (at("y"), at("y") + at("height"))
    elif shape.tag == "circle":
        across, down = (at("cx"),), (at("cy"),)
    elif shape.tag == "line":
        across, down = (at("x1"), at("x2")), (at("y1"), at("y2"))
    else:
        assert shape.tag == "polyline", where
        across, down = zip(*(map(float, point.split(",")) for point in shape.get("points").split()))
        assert all(a < b for a, b in zip(across, across[1:])), where
    for x in across: inside(x, width, where)
    for y in down: inside(y, height, where)
    return shape.tag in ("circle", "polyline") or (shape.tag == "rect" and at("width") > 0)


def judge_bars(bars, caption):
    """Lengths and figures, which have up to three digits behind the point."""
    longest, most = max(bars, key=lambda bar: bar[1])
    for length, figure in bars:
        assert longest == 0 or abs(length / longest - figure / most) < 0.01 + 0.0006 / most, (caption, bars)


def judge_plot(caption, svg, styled, counts):
    drawing = tree.fromstring(svg)
    left, top, width, height = map(float, drawing.get("viewBox").split())
    assert caption and (left, top) == (0, 0) and float(drawing.get("width")) == width
    shown, bars = 0, []
    for shape in drawing:
        where = (caption, tree.tostring(shape))
        counts[shape.tag] = counts.get(shape.tag, 0) + 1
        assert set(shape.get("class").split()) <= styled | UNSTYLED, where
        if shape.tag == "text":
            judge_text(shape, width, height, where)
            continue
        shown += judge_shape(shape, width, height, where)
        if shape.tag == "rect":
            bars.append((float(shape.get("width")), float(re.search(r" ([\d.]+)", shape.find("title").text).group(1))))
    assert shown or all(figure == 0 for _, figure in bars), caption
    if bars: judge_bars(bars, caption)


def chunks(png):
    at = 8
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at:at + 8])
        yield kind, png[at + 8:at + 8 + size]
        at += size + 12


def unfilter(how, line, before):
    for i in range(len(line)):
        a, b, c = (line[i - 4] if i >= 4 else 0), before[i], (before[i - 4] if i >= 4 else 0)
        far = abs(b - c), abs(a - c), abs(a + b - 2 * c)
        paeth = a if far[0] <= far[1] and far[0] <= far[2] else b if far[1] <= far[2] else c
        line[i] = line[i] + (0, a, b, (a + b) // 2, paeth)[how] & 255
    return line


def colours_seen(png):
    """How many pixels, none of them faint, have which colour."""
    parts = list(chunks(png))
    width, height, depth, kind = struct.unpack(">IIBB", parts[0][1][:10])
    assert (depth, kind) == (8, 6)
    raw, seen, row = zlib.decompress(b"".join(data for name, data in parts if name == b"IDAT")), {}, bytearray(width * 4)
    for y in range(height):
        line = raw[y * (width * 4 + 1):(y + 1) * (width * 4 + 1)]
        row = unfilter(line[0], bytearray(line[1:]), row)
        for x in range(0, len(row), 4):
            if row[x + 3] > 200: seen[bytes(row[x:x + 3])] = seen.get(bytes(row[x:x + 3]), 0) + 1
    return seen


def render(renderer, svg, style, colours):
    rules = re.sub(r"@media.*?}}", "", style, flags=re.S)
    rules = re.sub(r"var\((--\w+)\)", lambda name: colours[name.group(1)], rules)
    whole = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1).replace(">", "><style>" + rules + "</style>", 1)
    return subprocess.run([renderer, "--format=png"], input=whole.encode(), stdout=subprocess.PIPE, check=True).stdout


def judge_rendered(plots, renderer, style, colours):
    drawn = {"rect": 0, "circle": 0, "polyline": 0}
    for caption, svg in plots:
        sort = next((sort for sort in drawn if "<" + sort in svg), None)
        if not sort or drawn[sort] == 2: continue
        drawn[sort] += 1
        seen = colours_seen(render(renderer, svg, style, colours))
        for shape in tree.fromstring(svg):
            engine = re.fullmatch(r"[ec](\d)", shape.get("class"))
            if not engine or (shape.tag == "rect" and float(shape.get("width")) < 3): continue
            colour = bytes.fromhex(colours["--e" + engine.group(1)][1:])
            assert seen.get(colour, 0) >= 10, (caption, engine.group(1), seen.get(colour, 0))
    assert all(drawn.values()), drawn


def main():
    text, counts = open(sys.argv[1]).read(), {}
    style, colours = style_of(text)
    styled = set(re.findall(r"\.([a-z]\w*)", style))
    plots = re.findall(r"<figure><figcaption>(.*?)</figcaption>(<svg .*?</svg>)</figure>", text, re.S)
    assert len(plots) == text.count("<svg") > 60
    for caption, svg in plots: judge_plot(caption, svg, styled, counts)
    assert all(counts.get(sort) for sort in ("rect", "circle", "polyline", "line", "text")), counts
    if len(sys.argv) > 2: judge_rendered(plots, sys.argv[2], style, colours)


if __name__ == "__main__":
    main()
