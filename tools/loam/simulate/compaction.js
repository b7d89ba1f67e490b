"use strict";
// The object is that of --json (compaction_json.c). Each plot shows one figure of all configurations over the writes.
const told = JSON.parse(document.getElementById("object").textContent);
const byId = id => document.getElementById(id);
const WIDTH = 560, HEIGHT = 210, LEFT = 64, RIGHT = 10, TOP = 10, BOTTOM = 24, COLOURS = 8;
const shown = told.configurations.map(() => true);
const colour = index => `var(--c${index % COLOURS})`;
const MIB = 1048576;

// ---- Words ----------------------------------------------------------------------------------------------------------

const short = value => value >= 1e6 ? `${+(value / 1e6).toPrecision(3)} M` : value >= 1e4 ? `${+(value / 1e3).toPrecision(3)} k` : `${+value.toPrecision(3)}`;
const bytes = value => value >= 1024 * MIB ? `${(value / MIB / 1024).toFixed(2)} GiB` : value >= MIB ? `${(value / MIB).toFixed(1)} MiB` : `${(value / 1024).toFixed(1)} KiB`;
const time = seconds => seconds === 0 ? "0" : seconds < 1e-3 ? `${(seconds * 1e6).toFixed(0)} us` : seconds < 1 ? `${(seconds * 1e3).toFixed(seconds < .01 ? 1 : 0)} ms` : `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
const times = value => value ? value.toFixed(2) : "-";

// ---- Plots ----------------------------------------------------------------------------------------------------------

const over = (a, b) => b > 0 ? a / b : 0;
const plots = [
    {title: "Written by tables, by what the user wrote", value: point => over(point.written_bytes, point.bytes), words: times},
    {title: "On disk, by what is alive", value: point => over(point.disk_bytes, point.alive_bytes), words: times, most: 12},
    {title: "On disk", value: point => point.disk_bytes, words: bytes, bytes: true},
    {title: "Sorted runs that a seek looks into", value: point => point.reads.seek_runs, words: value => value.toFixed(1)},
    {title: "Blocks that a get looks into", value: point => point.reads.get_blocks, words: times},
    {title: "Blocks that a get of an absent key looks into", value: point => point.reads.absent_blocks, words: times},
    {title: "Files", value: point => point.files, words: short},
    {title: "Time that writers waited", note: "in all", value: point => point.waited_seconds, words: time},
];

const element = (name, attributes, text) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
};
const xOf = writes => LEFT + writes / told.writes * (WIDTH - LEFT - RIGHT);

// A round number of at least so much.
function roundUp(value) {
    if (!(value > 0)) return 1;
    const unit = 10 ** Math.floor(Math.log10(value));
    return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map(step => step * unit).find(round => round >= value * (1 - 1e-9));
}

function drawPlot(plot) {
    const values = told.configurations.map(one => one.failed !== undefined ? [] : one.points.map(plot.value));
    const top = Math.max(0, ...values.filter((_, index) => shown[index]).flat());
    const scale = plot.bytes ? MIB : 1;
    const most = Math.min(roundUp(top / scale) * scale, plot.most && top > plot.most ? plot.most : Infinity);
    const yOf = value => TOP + (1 - Math.min(value, most) / most) * (HEIGHT - TOP - BOTTOM);
    plot.svg.replaceChildren();
    for (let i = 0; i <= 4; i++) {
        const y = yOf(most * i / 4);
        plot.svg.append(element("line", {class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y}));
        plot.svg.append(element("text", {x: LEFT - 6, y: y + 4, "text-anchor": "end"}, i === 0 ? "0" : plot.words(most * i / 4)));
        plot.svg.append(element("text", {x: xOf(told.writes * i / 4), y: HEIGHT - 6, "text-anchor": i === 0 ? "start" : i === 4 ? "end" : "middle"}, short(told.writes * i / 4)));
    }
    told.configurations.forEach((one, index) => {
        if (!shown[index] || values[index].length === 0) return;
        const points = values[index].map((value, i) => `${xOf(one.points[i].writes).toFixed(1)},${yOf(value).toFixed(1)}`);
        plot.svg.append(element("polyline", {style: `stroke:${colour(index)}`, points: points.join(" ")}));
    });
    plot.line = element("line", {class: "at", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden"});
    plot.svg.append(plot.line);
}

function tellAt(fraction) {
    const sample = told.configurations.find(one => one.failed === undefined);
    if (!sample) return;
    const at = Math.max(0, Math.min(sample.points.length - 1, Math.round(fraction * sample.points.length - 1)));
    for (const plot of plots) {
        const x = xOf(sample.points[at].writes);
        plot.line.setAttribute("x1", x);
        plot.line.setAttribute("x2", x);
        plot.line.setAttribute("visibility", "visible");
        plot.told.replaceChildren(`after ${short(sample.points[at].writes)} writes: `);
        told.configurations.forEach((one, index) => {
            if (!shown[index] || one.failed !== undefined) return;
            const key = document.createElement("span"), value = document.createElement("b");
            key.className = "key";
            key.style.background = colour(index);
            value.textContent = plot.words(plot.value(one.points[at])) + "  ";
            plot.told.append(key, value);
        });
    }
}

function makePlot(plot) {
    const figure = document.createElement("figure"), caption = document.createElement("figcaption");
    caption.textContent = plot.title + " ";
    if (plot.note) caption.append(Object.assign(document.createElement("span"), {textContent: plot.note}));
    plot.svg = element("svg", {viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${plot.title}, over the writes`});
    plot.told = Object.assign(document.createElement("div"), {className: "told", textContent: "point at it: figures after so many writes"});
    plot.svg.addEventListener("pointermove", event => {
        const box = plot.svg.getBoundingClientRect();
        tellAt(((event.clientX - box.left) / box.width * WIDTH - LEFT) / (WIDTH - LEFT - RIGHT));
    });
    figure.append(caption, plot.svg, plot.told);
    byId("plots").append(figure);
}

// ---- Table ----------------------------------------------------------------------------------------------------------

const columns = [
    ["written", one => one.write_amplification, times],
    ["space", one => one.space_amplification, times],
    ["space, most", one => one.space_most, times],
    ["blocks, get", one => one.rest.reads.get_blocks, times],
    ["mean", one => one.mean_reads.get_blocks, times],
    ["blocks, absent", one => one.rest.reads.absent_blocks, times],
    ["mean", one => one.mean_reads.absent_blocks, times],
    ["runs, seek", one => one.rest.reads.seek_runs, times],
    ["mean", one => one.mean_reads.seek_runs, times],
    ["files", one => one.rest.files, short],
    ["most", one => one.files_most, short],
    ["flushes", one => one.flushes, short],
    ["merges", one => one.compactions, short],
    ["stalls", one => one.stalls, short],
    ["longest wait", one => one.longest_wait_seconds, time],
    ["waited", one => one.waited_seconds, time],
    ["writing", one => one.seconds, time],
    ["to rest", one => one.rest_seconds, time],
];

function makeTable() {
    const table = byId("figures"), head = table.insertRow();
    for (const name of ["configuration", ...columns.map(column => column[0])]) head.append(Object.assign(document.createElement("th"), {textContent: name}));
    const sound = told.configurations.filter(one => one.failed === undefined);
    told.configurations.forEach((one, index) => {
        const row = table.insertRow(), name = row.insertCell(), key = document.createElement("span");
        key.className = "key";
        key.style.background = colour(index);
        name.append(key, one.name);
        if (one.failed !== undefined) {
            const cell = row.insertCell();
            cell.colSpan = columns.length;
            cell.textContent = `failed: ${one.failed}`;
            return;
        }
        for (const [, value, words] of columns) {
            const cell = row.insertCell();
            cell.textContent = words(value(one));
            const all = sound.map(value);
            if (value(one) === Math.min(...all) && Math.max(...all) > Math.min(...all)) cell.className = "best";
        }
    });
}

// ---- All of it ------------------------------------------------------------------------------------------------------

function draw() {
    plots.forEach(drawPlot);
    document.querySelectorAll("#legend button").forEach((button, index) => button.setAttribute("aria-pressed", String(shown[index])));
}

function makeLegend() {
    told.configurations.forEach((one, index) => {
        const button = document.createElement("button"), key = document.createElement("span");
        key.className = "key";
        key.style.background = colour(index);
        button.append(key, one.name);
        button.title = "shows it, or leaves it out";
        button.addEventListener("click", () => {
            shown[index] = !shown[index];
            draw();
        });
        byId("legend").append(button);
    });
}

byId("source").textContent = `loam simulate compaction: ${told.source}`;
byId("about").textContent = `${told.writes} writes, ${bytes(told.bytes)} of keys and values, ${told.pace}; alive at the end: ${bytes(told.alive_bytes)} in ${told.alive_keys} keys. ` +
    `The disk: ${Math.round(told.disk.bytes_per_second / MIB)} MiB/s, ${told.disk.read_us} us a read, ${told.disk.sync_us} us a sync. Time is the store's, not this machine's.` +
    (told.sample > 1 ? ` One key in ${told.sample} is replayed.` : "");
if (told.damage.places > 0 || told.damage.torn) {
    byId("damage").hidden = false;
    byId("damage").textContent = told.damage.torn ? "The trace has no end: its recording was cut short." :
        `The trace is damaged: ${told.damage.lost_writes} writes are lost${told.damage.lost_more ? ", and all behind the last sound frame" : ""}.`;
}
makeLegend();
plots.forEach(makePlot);
makeTable();
draw();
