"use strict";
// The object is written by shape_page.c, which says what stands in its rows: each file once, with the edits between
// which it was there. What stood at an edit is found by looking at the files; nothing is replayed.
const told = JSON.parse(document.getElementById("object").textContent);
const byId = id => document.getElementById(id);
const LEVELS = 7, ROW = 22, BAR = 14, LANE_GAP = 8, LABEL = 64, LANE_ROWS = 40;

// ---- Unpacking --------------------------------------------------------------------------------------------------

let born = 0, number = 0, clock = 0, mark = [0, 0, 0];
const edits = told.edits.map(row => {
    clock += row[2];
    if (row.length > 6) mark = row.slice(6);
    return {cause: told.causes[row[0]] || "unknown", job: row[1], time: clock, page: row[3], created: row[4], dropped: row[5], mark, came: [], went: []};
});
const files = told.files.map((row, index) => {
    born += row[0];
    number += row[2];
    const file = {index, born, gone: row[1] ? born + row[1] : Infinity, number, tree: row[3], level: row[4], bytes: row[5], entries: row[6], deletes: row[7],
        ranges: row[8], hidden: row[9], first: row[10], last: row[11] < 0 ? Infinity : row[10] + row[11], open: row[12] === 1, age: row[13], state: told.states[row[14]]};
    if (born > 0 || told.left_out === 0) edits[born].came.push(file);
    if (file.gone < edits.length) edits[file.gone].went.push(file);
    return file;
});
const trees = told.trees.map((row, index) => ({instance: row[0], name: row[1], from: row[2], to: index + 1 < told.trees.length ? told.trees[index + 1][2] : told.keys.length}));
const treeOf = new Map(trees.map(tree => [tree.instance, tree]));
const isBad = file => ["missing", "another size", "another file", "damaged", "unreadable"].includes(file.state);

// ---- A state ----------------------------------------------------------------------------------------------------

let at = told.shown, held = -1, base = -1, tree = -1; // indexes of edits and of a file; instance of a tree, -1 = all
const isThere = (file, edit) => file.born <= edit && edit < file.gone;
const isOfTree = file => tree < 0 || file.tree === tree;
const order = (a, b) => a.tree - b.tree || a.level - b.level || (a.level === 0 ? b.number - a.number : a.first - b.first) || b.number - a.number;

// Files stand in the order of their birth.
function stateAt(edit) {
    const there = [];
    for (const file of files) {
        if (file.born > edit) break;
        if (edit < file.gone && isOfTree(file)) there.push(file);
    }
    return there.sort(order);
}
// With what went since the edit that is compared, if there is one.
function changesSince(there) {
    const kinds = new Map();
    if (base < 0) return kinds;
    const before = new Map(stateAt(base).map(file => [file.number, file])), now = new Map(there.map(file => [file.number, file]));
    for (const file of there) {
        const was = before.get(file.number);
        if (!was) kinds.set(file, "came"); else if (was.level !== file.level) kinds.set(file, "moved");
    }
    for (const file of before.values()) if (!now.has(file.number)) kinds.set(file, "went");
    return kinds;
}
const endsBefore = (a, b) => a.last < b.first || (a.last === b.first && a.open);
const overlaps = (a, b) => a.tree === b.tree && !endsBefore(a, b) && !endsBefore(b, a);
const tombstones = file => file.entries + file.ranges > 0 ? Math.min(1, (file.deletes + file.ranges) / (file.entries + file.ranges)) : 0;
const ageAt = file => Math.max(0, file.age + edits[at].time - edits[file.born].time);

// ---- Words ------------------------------------------------------------------------------------------------------

function bytesWords(bytes) {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    for (; Math.abs(bytes) >= 1024 && unit + 1 < units.length; unit++) bytes /= 1024;
    return bytes.toFixed(unit ? 1 : 0) + " " + units[unit];
}
function ageWords(ms) {
    for (const [size, name] of [[86400000, "d"], [3600000, "h"], [60000, "min"]]) if (ms >= size) return (ms / size).toFixed(1) + " " + name;
    return (ms / 1000).toFixed(1) + " s";
}
const timeWords = ms => ms > 0 && ms < 8e15 ? new Date(ms).toISOString().replace("T", " ").replace("Z", "") : ms + " ms";
const nameOf = file => String(file.number).padStart(10, "0") + ".sst";
const percent = part => (part * 100).toFixed(1) + " %";
const count = (number, word) => number + " " + word + (number === 1 ? "" : "s");
const spanWords = file => told.keys[file.first] + (file.open ? " up to " : " to ") + (file.last === Infinity ? "the end" : told.keys[file.last]);
const editWords = edit => "edit " + (told.first + edit) + " (" + edits[edit].cause + (edits[edit].job ? ", job " + edits[edit].job : "") + ")";

function fileWords(file, there) {
    const beside = there.filter(other => other !== file && other.level === file.level && overlaps(file, other));
    const lower = Math.min(...there.filter(other => other.tree === file.tree && other.level > file.level).map(other => other.level));
    const below = there.filter(other => other.level === lower && overlaps(file, other));
    let words = nameOf(file) + ": level " + file.level + " of " + treeOf.get(file.tree).name + ", " + bytesWords(file.bytes) + ", " + count(file.entries, "entry").replace("entrys", "entries") +
        ", " + percent(tombstones(file)) + " tombstones, " + file.hidden + " versions behind newer ones, oldest data " + ageWords(ageAt(file));
    if (told.judged) words += "; " + (file.gone < Infinity && file.state === "removed since" ? "removed by edit " + (told.first + file.gone) : file.state);
    words += "\nkeys " + spanWords(file) + "; added by " + (file.born === 0 && told.left_out ? "an edit before these" : editWords(file.born));
    if (beside.length) words += "; beside " + count(beside.length, "file") + " of its level";
    if (below.length) words += "; over " + count(below.length, "file") + " of level " + lower + ", " + bytesWords(below.reduce((sum, other) => sum + other.bytes, 0));
    return words;
}

// ---- Colours ----------------------------------------------------------------------------------------------------

const style = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
let colours = {};
function readColours() {
    for (const name of ["back", "panel", "ink", "soft", "line", "bad", "good", "warn", "chosen", "low", "high"]) colours[name] = style(name);
}
function mix(part) {
    const parse = text => [1, 3, 5].map(from => parseInt(text.slice(from, from + 2), 16)), low = parse(colours.low), high = parse(colours.high);
    return "rgb(" + low.map((value, i) => Math.round(value + (high[i] - value) * part)).join(" ") + ")";
}
const parts = {
    tombstones: {part: tombstones, words: "none to all entries"},
    age: {part: file => Math.min(1, Math.log10(1 + ageAt(file) / 1000) / 6), words: "seconds to days, by powers of ten"},
    hidden: {part: file => file.entries ? Math.min(1, file.hidden / file.entries) : 0, words: "none to all entries"},
};
function pen(canvas, height) {
    const scale = window.devicePixelRatio || 1, width = canvas.clientWidth;
    canvas.width = width * scale;
    canvas.height = height * scale;
    canvas.style.height = height + "px";
    const made = canvas.getContext("2d");
    made.scale(scale, scale);
    return made;
}

// ---- The edits --------------------------------------------------------------------------------------------------

const causeColours = {flush: "chosen", compaction: "high", move: "soft", drop: "bad", ingest: "good"};
const editX = (edit, width) => 8 + (width - 16) * (edits.length > 1 ? edit / (edits.length - 1) : 0);
function drawEdits() {
    const canvas = byId("edits"), to = pen(canvas, 48), width = canvas.clientWidth, thick = Math.max(1, Math.min(10, (width - 16) / edits.length - 1));
    // Of edits that share a pixel the largest is drawn.
    const most = new Map();
    edits.forEach((edit, index) => {
        const x = Math.round(editX(index, width)), one = most.get(x) || {came: 0, went: 0, cause: edit.cause};
        if (edit.came.length + edit.went.length > one.came + one.went) one.cause = edit.cause;
        one.came = Math.max(one.came, edit.came.length);
        one.went = Math.max(one.went, edit.went.length);
        most.set(x, one);
    });
    const height = files => files ? Math.min(22, 3 + 5 * Math.log2(1 + files)) : 0;
    to.fillStyle = colours.line;
    to.fillRect(0, 24, width, 1);
    for (const [x, one] of most) {
        to.fillStyle = colours[causeColours[one.cause] || "soft"];
        to.fillRect(x - thick / 2, 24 - height(one.came), thick, height(one.came));
        to.fillRect(x - thick / 2, 25, thick, height(one.went));
        if (!one.came && !one.went) to.fillRect(x - thick / 2, 23, thick, 3);
    }
    for (const [edit, name] of [[base, "warn"], [at, "ink"]]) {
        if (edit < 0) continue;
        to.fillStyle = colours[name];
        to.fillRect(editX(edit, width) - 1, 0, 2, 48);
    }
}

// ---- The map ----------------------------------------------------------------------------------------------------

let boxes = []; // what is drawn: {file, x, y, width}
// Rows of a lane: files that share keys lie on different ones, as long as there are some.
function layLane(lane) {
    const ends = [], rows = [];
    for (const file of lane) {
        let row = ends.findIndex(end => end < file.first);
        if (row < 0) row = ends.length < LANE_ROWS ? ends.length : LANE_ROWS - 1;
        ends[row] = Math.max(ends[row] || 0, file.last === Infinity ? Infinity : file.last);
        rows.push(row);
    }
    return rows;
}
function drawMap(shown, kinds) {
    const lanes = Array.from({length: LEVELS}, () => []), part = parts[byId("colour").value].part, seen = tree < 0 ? trees : trees.filter(one => one.instance === tree);
    for (const file of shown) lanes[file.level].push(file);
    const from = seen.length ? seen[0].from : 0, to = seen.length ? seen[seen.length - 1].to : 1;
    let height = 6;
    const laid = lanes.map(lane => {
        const rows = layLane(lane), top = height;
        if (lane.length) height += (Math.max(...rows) + 1) * (BAR + 2) + LANE_GAP;
        return {lane, rows, top};
    });
    const canvas = byId("map"), draw = pen(canvas, Math.max(height, 40)), width = canvas.clientWidth;
    const place = key => LABEL + (width - LABEL - 10) * (key === Infinity ? 1 : (key - from) / Math.max(1, to - 1 - from));
    draw.font = "13px system-ui,sans-serif";
    draw.textBaseline = "middle";
    boxes = [];
    for (const [level, {lane, rows, top}] of laid.entries()) {
        if (!lane.length) continue;
        draw.fillStyle = colours.soft;
        draw.fillText("level " + level, 8, top + BAR / 2);
        draw.fillStyle = colours.line;
        if (level) draw.fillRect(0, top - LANE_GAP / 2, width, 1);
        lane.forEach((file, i) => {
            const x = place(file.first), box = {file, x, y: top + rows[i] * (BAR + 2), width: Math.max(2, place(file.last === Infinity ? Infinity : file.last) - x - 1)};
            const kind = kinds.get(file);
            boxes.push(box);
            draw.fillStyle = mix(part(file));
            draw.globalAlpha = kind === "went" ? 0.35 : 1;
            draw.fillRect(x, box.y, box.width, BAR);
            draw.globalAlpha = 1;
            const edge = isBad(file) ? "bad" : kind === "came" ? "good" : kind === "went" ? "bad" : kind === "moved" ? "warn" : "";
            if (edge) {
                draw.fillStyle = colours[edge];
                draw.fillRect(x, box.y + BAR - 4, box.width, 4);
            }
            if (isBad(file)) draw.fillRect(x, box.y, box.width, 4);
            if (file.index === held) {
                draw.strokeStyle = colours.ink;
                draw.lineWidth = 2;
                draw.strokeRect(x, box.y, box.width, BAR);
            }
        });
    }
    if (boxes.length) return;
    draw.fillStyle = colours.soft;
    draw.fillText("no files", 8, 20);
}
function boxOf(event) {
    for (let i = boxes.length - 1; i >= 0; i--) {
        const box = boxes[i];
        if (event.offsetX >= box.x - 1 && event.offsetX <= box.x + box.width + 1 && event.offsetY >= box.y && event.offsetY <= box.y + BAR) return box.file;
    }
    return null;
}

// ---- Levels and files -------------------------------------------------------------------------------------------

function element(name, className, text) {
    const made = document.createElement(name);
    made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
}
function sumOf(list) {
    const sum = {files: list.length, bytes: 0, entries: 0, deletes: 0, ranges: 0, hidden: 0, age: 0};
    for (const file of list) {
        for (const name of ["bytes", "entries", "deletes", "ranges", "hidden"]) sum[name] += file[name];
        sum.age = Math.max(sum.age, ageAt(file));
    }
    return sum;
}
function drawLevels(there) {
    const before = base < 0 ? [] : stateAt(base), table = byId("levels"), head = element("tr", "");
    for (const name of ["", "files", "bytes", "entries", "tombstones", "hidden", "oldest"].concat(base < 0 ? [] : ["since"])) head.append(element("th", "", name));
    const rows = [head];
    for (let level = 0; level <= LEVELS; level++) {
        const isOf = file => level === LEVELS || file.level === level, sum = sumOf(there.filter(isOf)), was = sumOf(before.filter(isOf));
        if (!sum.files && !was.files && level < LEVELS) continue;
        const row = element("tr", ""), words = [level < LEVELS ? "level " + level : "all", sum.files, bytesWords(sum.bytes), sum.entries, percent(tombstones(sum)), sum.hidden, sum.files ? ageWords(sum.age) : ""];
        if (base >= 0) words.push((sum.bytes >= was.bytes ? "+" : "") + bytesWords(sum.bytes - was.bytes));
        for (const word of words) row.append(element("td", "", word));
        rows.push(row);
    }
    table.replaceChildren(...rows);
}
let listed = [], listedKinds = new Map();
const list = byId("list");
function drawList() {
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 2), last = Math.min(listed.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + 2), made = [];
    for (let i = first; i < last; i++) {
        const file = listed[i], row = element("div", "row " + (listedKinds.get(file) || "") + (isBad(file) ? " bad" : "") + (file.index === held ? " held" : ""));
        row.style.top = i * ROW + "px";
        row.dataset.file = file.index;
        row.setAttribute("role", "listitem");
        row.textContent = "L" + file.level + "  " + nameOf(file) + "  " + bytesWords(file.bytes).padStart(10) + "  " + percent(tombstones(file)).padStart(7) + "  " + spanWords(file) + (isBad(file) ? "  " + file.state : "");
        made.push(row);
    }
    list.firstElementChild.style.height = listed.length * ROW + "px";
    list.firstElementChild.replaceChildren(...made);
}

// ---- All --------------------------------------------------------------------------------------------------------

let there = [];
function draw() {
    if (!edits.length) return;
    const edit = edits[at];
    there = stateAt(at);
    listedKinds = changesSince(there);
    listed = there.concat([...listedKinds].filter(([, kind]) => kind === "went").map(([file]) => file)).sort(order);
    drawEdits();
    drawMap(listed, listedKinds);
    drawLevels(there);
    drawList();
    byId("scrub").value = at;
    byId("scrub").setAttribute("aria-valuetext", editWords(at));
    byId("edit").value = told.first + at;
    byId("before").disabled = byId("first").disabled = at === 0;
    byId("next").disabled = byId("last").disabled = at === edits.length - 1;
    const names = some => some.slice(0, 4).map(file => file.number + " (level " + file.level + ")").join(", ") + (some.length > 4 ? " and " + (some.length - 4) + " more" : "");
    let words = editWords(at) + ", " + timeWords(edit.time) + "; index " + edit.mark[0] + ", sequence " + edit.mark[2] + " in tables.";
    if (edit.came.length) words += " Added " + names(edit.came) + ".";
    if (edit.went.length) words += " Removed " + names(edit.went) + ".";
    if (edit.created || edit.dropped) words += " Trees: " + edit.created + " created, " + edit.dropped + " dropped.";
    byId("words").textContent = words;
    byId("list-head").textContent = count(there.length, "file") + (base < 0 ? "" : "; since " + editWords(base) + ": " + ["came", "went", "moved"].map(kind => [...listedKinds.values()].filter(one => one === kind).length + " " + kind).join(", "));
    byId("hold").setAttribute("aria-pressed", String(base >= 0));
    byId("hold").textContent = base < 0 ? "compare with this edit" : "end the comparison with edit " + (told.first + base);
    tell(held >= 0 ? files[held] : null);
}
function tell(file) {
    byId("chosen").textContent = !file ? "Point at a file; click to hold it." : isThere(file, at) ? fileWords(file, there) : nameOf(file) + " is not there at edit " + (told.first + at) + ".";
}
let isWanted = false;
function ask() {
    if (isWanted) return;
    isWanted = true;
    requestAnimationFrame(() => { isWanted = false; draw(); });
}
function go(edit) {
    if (!Number.isInteger(edit) || !edits.length) return;
    at = Math.max(0, Math.min(edits.length - 1, edit));
    ask();
}
function hold(file) {
    held = file && file.index !== held ? file.index : -1;
    ask();
}
function lead(file) { // to a file, wherever it is
    if (tree >= 0 && file.tree !== tree) byId("tree").value = tree = file.tree;
    held = file.index;
    if (!isThere(file, at)) go(Math.min(edits.length - 1, file.born));
    draw();
    list.scrollTop = Math.max(0, listed.indexOf(file) * ROW - list.clientHeight / 3);
    drawList();
}

byId("scrub").max = Math.max(0, edits.length - 1);
byId("scrub").addEventListener("input", event => go(Number(event.target.value)));
byId("edit").addEventListener("change", event => { go(Number(event.target.value.trim()) - told.first); ask(); });
byId("first").addEventListener("click", () => go(0));
byId("before").addEventListener("click", () => go(at - 1));
byId("next").addEventListener("click", () => go(at + 1));
byId("last").addEventListener("click", () => go(edits.length - 1));
byId("hold").addEventListener("click", () => { base = base < 0 ? at : -1; drawScale(); ask(); });
byId("edits").addEventListener("click", event => go(Math.round((event.offsetX - 8) / Math.max(1, event.target.clientWidth - 16) * (edits.length - 1))));
byId("map").addEventListener("pointermove", event => tell(boxOf(event) || (held >= 0 ? files[held] : null)));
byId("map").addEventListener("pointerleave", () => tell(held >= 0 ? files[held] : null));
byId("map").addEventListener("click", event => hold(boxOf(event)));
list.addEventListener("scroll", drawList);
list.addEventListener("click", event => {
    const row = event.target.closest("[data-file]");
    if (row) hold(files[Number(row.dataset.file)]);
});
list.addEventListener("keydown", event => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    const next = listed.findIndex(file => file.index === held) + (event.key === "ArrowDown" ? 1 : -1);
    if (next >= 0 && next < listed.length) lead(listed[next]);
});

// ---- The head ---------------------------------------------------------------------------------------------------

function putKey(box, colour, words) {
    const key = element("span", "key");
    key.style.background = colour;
    box.append(key, words);
}
function drawScale() {
    const box = byId("scale");
    box.replaceChildren();
    for (const part of [0, 0.5, 1]) putKey(box, mix(part), "");
    box.append(" " + parts[byId("colour").value].words);
    if (files.some(isBad)) putKey(box, colours.bad, "above and below: damaged or missing");
    if (base < 0) return;
    putKey(box, colours.good, "came since edit " + (told.first + base));
    putKey(box, colours.bad, "went");
    putKey(box, colours.warn, "moved");
}
function drawLegend() {
    byId("legend").replaceChildren();
    for (const cause of Object.keys(causeColours)) {
        if (!edits.some(edit => edit.cause === cause)) continue;
        putKey(byId("legend"), colours[causeColours[cause]], cause);
    }
}
function listTrees() {
    const sums = new Map();
    for (const file of files) sums.set(file.tree, (sums.get(file.tree) || 0) + 1);
    const all = element("option", "", "all trees");
    all.value = -1;
    byId("tree").append(all);
    for (const one of trees) {
        if (!sums.has(one.instance)) continue;
        const option = element("option", "", one.name);
        option.value = one.instance;
        byId("tree").append(option);
    }
    byId("tree").value = tree;
}
function listFindings() {
    for (const [at, finding] of told.findings.entries()) {
        const item = element("li", finding.weight), file = files.find(one => one.gone === Infinity && nameOf(one) === finding.file);
        item.append(element("b", "", finding.weight + (finding.file ? " " + finding.file : "")), ": " + (finding.offset !== null && !finding.what.includes("offset") ? "offset " + finding.offset + ": " : "") + finding.what);
        if (finding.affected) item.append(element("div", "", "affected: " + finding.affected));
        if (finding.to_do && told.findings[at + 1]?.to_do !== finding.to_do) item.append(element("div", "", "to do: " + finding.to_do));
        if (file) {
            item.className += " led";
            item.tabIndex = 0;
            item.addEventListener("click", () => { go(edits.length - 1); lead(file); });
            item.addEventListener("keydown", event => { if (event.key === "Enter") item.click(); });
        }
        byId("findings").append(item);
    }
    // Where the manifest is damaged: tables that no edit names.
    for (const orphan of told.orphans) {
        if (!orphan.own_word) continue;
        const item = element("li", "note");
        item.append(element("b", "", nameOf({number: orphan.file})), ", " + bytesWords(orphan.bytes) + ", by its own word: " + orphan.own_word);
        byId("findings").append(item);
    }
    byId("findings").hidden = told.findings.length === 0;
    if (!edits.length) byId("findings").style.maxHeight = "none"; // there is nothing else
}

byId("path").textContent = told.path;
document.title = "loam inspect --lsm: " + told.path;
byId("verdict").textContent = told.verdict;
byId("verdict").className = told.verdict;
byId("about").textContent = !edits.length ? "no edit of a manifest can be read" : told.manifest + " of store " + told.store + ", generation " + told.generation + ", " + bytesWords(told.bytes) +
    ": edits " + told.first + " to " + (told.first + edits.length - 1) + (told.judged ? "" : "; a manifest alone: its files were not looked for");
if (told.left_out) {
    byId("left-out").textContent = count(told.left_out, "older edit") + " of this manifest are left out, so that the page stays of a sensible size: loam inspect PATH --lsm --at EDIT shows them.";
    byId("left-out").hidden = false;
}
if (!edits.length) for (const part of document.querySelectorAll("#time, body > nav, #map-box, #chosen, main")) part.hidden = true;
readColours();
drawLegend();
drawScale();
listTrees();
listFindings();
byId("tree").addEventListener("change", event => { tree = Number(event.target.value); ask(); });
byId("colour").addEventListener("change", () => { drawScale(); ask(); });
draw();
addEventListener("resize", ask);
matchMedia("(prefers-color-scheme:dark)").addEventListener("change", () => { readColours(); drawLegend(); drawScale(); ask(); });
