"use strict";
// The object is that of `loam inspect --json`; fields and parts cover the bytes without a gap, in order.
const told = JSON.parse(document.getElementById("object").textContent);
const bytes = Uint8Array.from(atob(document.getElementById("bytes").textContent), c => c.charCodeAt(0));
const fields = told.fields, parts = told.parts;
// Of a long file only a range is here: its bytes, and the fields and parts that touch it.
const from = told.range ? told.range.offset : 0, behind = from + bytes.length;
const byId = id => document.getElementById(id);
const ROW = 20, PER_ROW = 16, OPEN_AT_MOST = 600;

// ---- Who owns a byte --------------------------------------------------------------------------------------------

// The last of the list whose offset is not above `at`.
function find(list, at) {
    let low = 0, high = list.length;
    while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (list[middle].offset <= at) low = middle; else high = middle;
    }
    return list.length ? low : -1;
}
parts.forEach((part, number) => { part.first = find(fields, part.offset); part.number = number; part.isOpen = fields.length <= OPEN_AT_MOST; });
const partOf = field => find(parts, fields[field].offset);
const lastOf = part => part.number + 1 < parts.length ? parts[part.number + 1].first : fields.length;

const isHere = at => at >= from && at < behind;

// ---- What is shown ----------------------------------------------------------------------------------------------

let held = -1, pointed = -1; // fields
const hex = byId("hex"), tree = byId("tree");
let rows = []; // of the tree: {part} or {field}

function layTree() {
    rows = [];
    for (const part of parts) {
        rows.push({part: part.number});
        if (part.isOpen) for (let field = part.first; field < lastOf(part); field++) rows.push({field});
    }
    tree.firstElementChild.style.height = rows.length * ROW + "px";
}
const firstRow = Math.floor(from / PER_ROW), hexRows = Math.ceil(behind / PER_ROW) - firstRow;
const rowOf = at => Math.floor(Math.max(at, from) / PER_ROW) - firstRow;
hex.firstElementChild.style.height = hexRows * ROW + "px";
const digits = Math.max(8, (behind ? behind - 1 : 0).toString(16).length);
const twoDigits = value => value.toString(16).padStart(2, "0");
const isPlain = value => value >= 0x20 && value < 0x7f;

function element(name, className, text) {
    const made = document.createElement(name);
    made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
}
function inField(at, field) {
    return field >= 0 && at >= fields[field].offset && at < fields[field].offset + fields[field].size;
}
function classOf(at, field) {
    const check = parts[partOf(field)].check;
    return "byte" + (bytes[at - from] === 0 ? " zero" : "") + (check === "wrong" ? " wrong" : field & 1 ? " odd" : "") +
        (inField(at, held) ? " held" : "") + (inField(at, pointed) ? " pointed" : "");
}
function hexRow(number) {
    const row = element("div", "row"), place = (firstRow + number) * PER_ROW;
    const begin = Math.max(place, from), end = Math.min(place + PER_ROW, behind);
    row.style.top = number * ROW + "px";
    row.append(element("span", "at", place.toString(16).padStart(digits, "0")), "   ".repeat(begin - place));
    let text = " ".repeat(begin - place), field = find(fields, begin);
    for (let at = begin; at < end; at++) {
        while (field + 1 < fields.length && fields[field + 1].offset <= at) field++;
        const byte = bytes[at - from], cell = element("span", classOf(at, field), twoDigits(byte));
        cell.dataset.at = at;
        row.append(cell);
        text += isPlain(byte) ? String.fromCharCode(byte) : ".";
    }
    row.append(element("span", "text", "   ".repeat(place + PER_ROW - end) + text));
    return row;
}
const checkWords = {right: "check right", wrong: "check WRONG", none: ""};
function treeRow(number) {
    const what = rows[number], row = element("div", "row");
    row.style.top = number * ROW + "px";
    if (what.part !== undefined) {
        const part = parts[what.part];
        row.className += " part";
        row.dataset.part = what.part;
        row.append((part.isOpen ? "- " : "+ ") + part.name + "  ", element("span", "soft", part.offset + ", " + part.size + " bytes  "),
            element("span", part.check === "wrong" ? "bad" : "good", checkWords[part.check]));
        return row;
    }
    const field = fields[what.field];
    row.className += " field" + (what.field === held ? " held" : "") + (what.field === pointed ? " pointed" : "");
    row.dataset.field = what.field;
    row.append(field.name + (field.value !== undefined ? ": " + field.value : ""));
    row.title = row.textContent;
    return row;
}
function drawList(list, count, make) {
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 4), last = Math.min(count, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + 4);
    const made = [];
    for (let number = first; number < last; number++) made.push(make(number));
    list.firstElementChild.replaceChildren(...made);
}
function draw() {
    drawList(hex, hexRows, hexRow);
    drawList(tree, rows.length, treeRow);
}

// ---- The map ----------------------------------------------------------------------------------------------------

const map = byId("map");
// Parts of one kind, which is their first word, have one colour.
const kinds = [...new Set(parts.map(part => part.name.split(" ")[0]))];
function drawMap() {
    const scale = window.devicePixelRatio || 1, width = map.clientWidth, height = 34;
    map.width = width * scale;
    map.height = height * scale;
    map.style.height = height + "px";
    const pen = map.getContext("2d"), isDark = matchMedia("(prefers-color-scheme:dark)").matches;
    pen.scale(scale, scale);
    const xOf = at => (Math.min(Math.max(at, from), behind) - from) / Math.max(bytes.length, 1) * width;
    for (const part of parts) {
        const left = xOf(part.offset), right = xOf(part.offset + part.size);
        const hue = 35 + (kinds.indexOf(part.name.split(" ")[0]) * 107 + 170) % 290; // none of red, which is damage
        pen.fillStyle = part.check === "wrong" ? (isDark ? "#ff7b6b" : "#c22f24") :
            part.check === "none" ? (isDark ? "#39424a" : "#d3d9dc") : "hsl(" + hue + " 45% " + (isDark ? "45%" : "68%") + ")";
        pen.fillRect(left, 6, Math.max(right - left - (right - left > 3 ? 1 : 0), 0.5), 20);
    }
    pen.fillStyle = isDark ? "#ff7b6b" : "#c22f24";
    for (const problem of told.problems) if (isHere(problem.offset)) pen.fillRect(xOf(problem.offset) - 1, 0, 3, 5);
    const shown = held >= 0 ? fields[held].offset : (firstRow + hex.scrollTop / ROW) * PER_ROW;
    pen.fillStyle = isDark ? "#e6eaec" : "#1b2125";
    pen.fillRect(xOf(shown) - 1, 27, 3, 7);
}

// ---- Choosing ---------------------------------------------------------------------------------------------------

function wordsOf(number) {
    const field = fields[number], part = parts[partOf(number)], end = field.offset + field.size;
    let words = field.name + (field.value !== undefined ? ": " + field.value : "") + "\n" + field.offset + " (0x" + field.offset.toString(16) +
        ") to " + (end - 1) + ", " + field.size + (field.size === 1 ? " byte" : " bytes") + "; of " + part.name;
    if (part.check !== "none") words += ", whose check is " + part.check;
    if ((field.size === 2 || field.size === 4 || field.size === 8) && isHere(field.offset) && end <= behind) {
        let value = 0n;
        for (let at = end - 1; at >= field.offset; at--) value = value << 8n | BigInt(bytes[at - from]);
        words += "; little-endian " + value;
    }
    return words;
}
function tell() {
    const shown = pointed >= 0 ? pointed : held;
    if (shown >= 0) byId("chosen").textContent = wordsOf(shown);
}
function point(field) {
    if (field === pointed) return;
    pointed = field;
    draw();
    tell();
}
function scrollTo(list, number) {
    const top = number * ROW;
    if (top < list.scrollTop || top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = Math.max(0, top - list.clientHeight / 3);
}
function hold(field, inHex, inTree) {
    if (field < 0 || field >= fields.length) return;
    held = field;
    const part = parts[partOf(field)];
    if (inTree && !part.isOpen) {
        part.isOpen = true;
        layTree();
    }
    if (inHex) scrollTo(hex, rowOf(fields[field].offset));
    if (inTree) scrollTo(tree, rows.findIndex(row => row.field === field));
    draw();
    drawMap();
    tell();
}
const holdAt = at => hold(find(fields, Math.max(from, Math.min(at, behind - 1))), true, true);
function goTo(at) {
    if (isHere(at)) return holdAt(at);
    byId("chosen").textContent = "This page has the bytes " + from + " to " + (behind - 1) + "; others are shown by: loam inspect --html --range " + at + " FILE";
}

function fieldOfEvent(event) {
    const row = event.target.closest("[data-field]"), cell = event.target.closest("[data-at]");
    return row ? Number(row.dataset.field) : cell ? find(fields, Number(cell.dataset.at)) : -1;
}
for (const list of [hex, tree]) {
    list.addEventListener("scroll", () => { draw(); drawMap(); });
    list.addEventListener("pointermove", event => point(fieldOfEvent(event)));
    list.addEventListener("pointerleave", () => point(-1));
    list.addEventListener("keydown", event => {
        if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
        event.preventDefault();
        hold(held + (event.key === "ArrowDown" ? 1 : -1), true, true);
    });
}
hex.addEventListener("click", event => hold(fieldOfEvent(event), false, true));
tree.addEventListener("click", event => {
    const row = event.target.closest("[data-part]");
    if (!row) return hold(fieldOfEvent(event), true, false);
    const part = parts[Number(row.dataset.part)];
    part.isOpen = !part.isOpen;
    layTree();
    scrollTo(hex, rowOf(part.offset));
    draw();
});
map.addEventListener("click", event => holdAt(Math.floor(from + event.offsetX / map.clientWidth * bytes.length)));
byId("offset").addEventListener("change", event => {
    const at = Number(event.target.value.trim());
    if (Number.isInteger(at) && at >= 0) goTo(at);
});
byId("word").addEventListener("keydown", event => {
    if (event.key !== "Enter" || !event.target.value) return;
    const word = event.target.value.toLowerCase();
    for (let step = 1; step <= fields.length; step++) {
        const number = (held + step + fields.length) % fields.length, field = fields[number];
        if (!(field.name + ": " + (field.value || "") + " " + parts[partOf(number)].name).toLowerCase().includes(word)) continue;
        hold(number, true, true);
        return;
    }
    byId("chosen").textContent = "No field, value or part has \"" + event.target.value + "\".";
});
byId("before").addEventListener("click", () => hold(held - 1, true, true));
byId("next").addEventListener("click", () => hold(held + 1, true, true));
function openAll(isOpen) {
    for (const part of parts) part.isOpen = isOpen;
    layTree();
    draw();
}
byId("open-all").addEventListener("click", () => openAll(true));
byId("close-all").addEventListener("click", () => openAll(false));

// ---- The head ---------------------------------------------------------------------------------------------------

byId("file").textContent = told.file;
document.title = "loam inspect: " + told.file;
byId("verdict").textContent = told.verdict;
byId("verdict").className = told.verdict;
byId("kind").textContent = told.kind + ", " + told.bytes + " bytes, " + (told.range ? "of which " + from + " to " + (behind - 1) + " are here: " : "") + parts.length + " parts, " + fields.length + " fields";
for (const [name, value] of Object.entries(told.facts)) byId("facts").append(element("dt", "", name), element("dd", "", value));
for (const problem of told.problems) {
    const item = element("li", problem.verdict), button = element("button", "", problem.verdict + " at " + problem.offset + ": " + problem.text);
    button.addEventListener("click", () => goTo(problem.offset));
    item.append(button);
    byId("problems").append(item);
}
byId("problems").hidden = told.problems.length === 0;
byId("facts-box").open = told.verdict === "clean" && Object.keys(told.facts).length <= 8;

layTree();
draw();
drawMap();
addEventListener("resize", () => { draw(); drawMap(); });
matchMedia("(prefers-color-scheme:dark)").addEventListener("change", drawMap);
