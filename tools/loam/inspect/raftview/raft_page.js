"use strict";
// The object is that of `loam inspect --raft --json`. Of each node the newest entries stand in runs, with their sizes one by one.
const told = JSON.parse(document.getElementById("object").textContent);
const nodes = told.nodes, side = told.comparison;
const byId = id => document.getElementById(id);
const LANE = 66, TERMS = 20; // pixels: of a lane, of its upper row

// ---- Rows ---------------------------------------------------------------------------------------------------------

// Per node: what it has at an index: {term, kind, size, segment} or null.
for (const node of nodes) {
    node.rows = new Map();
    for (const run of node.log.runs)
        run.sizes.forEach((size, at) => node.rows.set(run.first + at, {term: run.term, kind: run.kind, size, segment: run.segment, run}));
    node.least = node.log.runs.length ? node.log.runs[0].first : 0;
}
// The last span that does not begin behind the index.
function spanAt(index) {
    let low = 0, high = side.spans.length - 1, found = null;
    while (low <= high) {
        const middle = (low + high) >> 1;
        if (side.spans[middle].first <= index) { found = side.spans[middle]; low = middle + 1; } else high = middle - 1;
    }
    return found && index <= found.last ? found : null;
}
function stateAt(number, index) {
    if (nodes[number].rows.has(index)) return "held";
    const span = spanAt(index);
    if (span) return span.at[number] === "held" ? "left out" : span.at[number];
    return index <= nodes[number].store.index ? "store" : "absent";
}
const least = Math.min(...nodes.filter(node => node.rows.size).map(node => node.least), Infinity);
const whole = {first: least === Infinity ? 1 : least, last: Math.max(1, ...nodes.map(node => Math.max(node.log.last, node.log.commit_note)))};
if (side.spans.length) whole.first = Math.min(whole.first, Math.max(side.spans[0].first, whole.first - 200));
let from = whole.first, to = whole.last, pointed = 0, held = 0;

// ---- Words --------------------------------------------------------------------------------------------------------

function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
}
const entries = (first, last) => first === last ? "entry " + first : "entries " + first + " to " + last;
function members(set) {
    if (!set) return "";
    let words = "voters " + set.voters.join(", ");
    if (set.outgoing.length) words += "; outgoing " + set.outgoing.join(", ");
    if (set.learners.length) words += "; learners " + set.learners.join(", ");
    if (set.learners_next.length) words += "; learners next " + set.learners_next.join(", ");
    return words;
}
function bytes(count) {
    if (count < 1024) return count + " bytes";
    return count < 1048576 ? (count / 1024).toFixed(1) + " KiB" : (count / 1048576).toFixed(1) + " MiB";
}
const names = numbers => numbers.map(number => nodes[number].name).join(", ");
const fate = (span, branch) => branch.fate === "goes" && span.last <= side.commit ? "will be cut: another is committed in its place" : fates[branch.fate];
const fates = {committed: "committed", stays: "not known to be committed; stays: whoever can be elected has it",
    "may go": "not known to be committed; may be committed or cut, as the next leader has it", goes: "will be cut: nobody who can be elected has it"};

// ---- Colours ------------------------------------------------------------------------------------------------------

const media = matchMedia("(prefers-color-scheme:dark)");
const terms = [...new Set(nodes.flatMap(node => node.log.runs.map(run => run.term)))].sort((a, b) => a - b);
// Neighbouring terms far apart on the wheel, and none of red, which is loss.
function termColour(term, isBar) {
    const hue = 40 + (160 + terms.indexOf(term) * 105) % 285;
    return "hsl(" + hue + (media.matches ? isBar ? " 45% 42%)" : " 50% 36%)" : isBar ? " 50% 52%)" : " 60% 76%)");
}
const colours = () => media.matches ?
    {ink: "#e6eaec", soft: "#9aa5ab", lost: "#ff7b6b", store: "#39424a", unknown: "#7a5a1c", chosen: "#74b0ff", mark: "#e6eaec", change: "#ffd75e"} :
    {ink: "#1b2125", soft: "#5d676e", lost: "#c22f24", store: "#d3d9dc", unknown: "#f0cf8a", chosen: "#0b62d6", mark: "#1b2125", change: "#7a1fa2"};

// ---- Lanes --------------------------------------------------------------------------------------------------------

const lanes = byId("lanes");
nodes.forEach((node, number) => {
    const lane = element("div", "lane"), line = element("p"), canvas = element("canvas");
    line.append(element("b", "", node.name), element("span", "soft", (node.node ? "node " + node.node + ", term " + node.term + ", vote " + (node.vote || "none") : "which node it is, nothing tells") +
        (node.log.entries ? "; log " + node.log.first + " to " + node.log.last : "; no entry in the log") + "; committed as far as it knows " + node.commit +
        (node.store.index ? "; flushed " + node.store.index : "; nothing flushed") + (node.behind ? "; lacks " + node.behind + " of the best log" : "") +
        (node.parts_at ? "; parts at " + node.parts_at : "") + " "), element("span", node.verdict, node.verdict === "clean" ? "" : node.verdict));
    if (node.log.left_out) line.append(element("span", "unsure", " the newest " + node.rows.size + " entries are shown; " + node.log.left_out + " older ones are left out"));
    canvas.dataset.node = number;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", "log of " + node.name);
    lane.append(line, canvas);
    lanes.append(lane);
    node.canvas = canvas;
});

// What a stretch of indexes holds, the rarest first.
function look(number, first, last) {
    const seen = {rows: 0, size: 0, most: 0, term: 0, noop: false, change: false, lost: false, store: false, unknown: false};
    for (let index = first; index <= last; index++) {
        const row = nodes[number].rows.get(index);
        if (row) {
            seen.rows++;
            seen.size += row.size;
            seen.most = Math.max(seen.most, row.size);
            seen.term = row.term;
            seen.noop = seen.noop || row.kind === "no-op";
            seen.change = seen.change || row.kind === "configuration";
        } else {
            const state = stateAt(number, index);
            seen.lost = seen.lost || state === "lost";
            seen.store = seen.store || state === "store";
            seen.unknown = seen.unknown || state === "unknown" || state === "left out";
        }
    }
    return seen;
}
const barHeight = size => Math.min(1, Math.log2(size + 1) / 23); // 8 MiB fills it
function drawCell(pen, seen, x, width, palette) {
    if (seen.rows) {
        pen.fillStyle = termColour(seen.term, false);
        pen.fillRect(x, 0, width, TERMS);
        const height = Math.max(2, barHeight(seen.most) * (LANE - TERMS - 4));
        pen.fillStyle = termColour(seen.term, true);
        pen.fillRect(x, LANE - height, width, height);
    } else if (seen.store || seen.unknown) {
        pen.fillStyle = seen.unknown ? palette.unknown : palette.store;
        pen.fillRect(x, 0, width, LANE);
    }
    if (seen.noop) {
        pen.strokeStyle = palette.ink;
        pen.lineWidth = 1.5;
        pen.beginPath();
        pen.arc(x + width / 2, TERMS + 6, 3, 0, 7);
        pen.stroke();
    }
    if (seen.change) {
        pen.fillStyle = palette.change;
        pen.fillRect(x + width / 2 - Math.max(2, Math.min(width / 2, 5)), TERMS + 1, Math.max(4, Math.min(width, 10)), 6);
    }
    if (seen.lost) {
        pen.fillStyle = palette.lost;
        pen.fillRect(x, 0, Math.max(width, 3), LANE);
    }
}
function drawMark(pen, at, letter, palette, scaleOf, row) {
    if (at < from || at > to) return;
    const x = scaleOf(at + 1);
    pen.fillStyle = palette.mark;
    pen.fillRect(x - 1, 0, 2, LANE);
    pen.font = "bold 11px system-ui, sans-serif";
    pen.textAlign = x > 90 ? "right" : "left";
    const wide = pen.measureText(letter).width + 6, left = x > 90 ? x - 2 - wide : x + 1;
    pen.fillStyle = media.matches ? "#131719" : "#ffffff";
    pen.globalAlpha = .82;
    pen.fillRect(left, TERMS + 13 + row * 14, wide, 13);
    pen.globalAlpha = 1;
    pen.fillStyle = palette.mark;
    pen.fillText(letter, x > 90 ? x - 5 : x + 4, TERMS + 23 + row * 14);
}
// The term's number where its stretch has room for it.
function drawNumbers(pen, number, scaleOf, palette) {
    pen.font = "12px system-ui, sans-serif";
    pen.textAlign = "left";
    pen.fillStyle = palette.ink;
    const runs = nodes[number].log.runs;
    for (let at = 0; at < runs.length;) {
        let end = at;
        while (end + 1 < runs.length && runs[end + 1].term === runs[at].term && runs[end + 1].first === runs[end].last + 1) end++;
        const left = scaleOf(Math.max(runs[at].first, from)), right = scaleOf(Math.min(runs[end].last, to) + 1), words = "term " + runs[at].term;
        const shown = runs[end].last >= from && runs[at].first <= to ? pen.measureText(words).width + 8 <= right - left ? words : String(runs[at].term) : "";
        if (shown && pen.measureText(shown).width + 4 <= right - left) pen.fillText(shown, left + 4, 13);
        at = end + 1;
    }
}
function drawLane(number) {
    const node = nodes[number], canvas = node.canvas, scale = devicePixelRatio || 1, width = canvas.clientWidth || 1;
    const palette = colours(), count = to - from + 1, scaleOf = index => (index - from) / count * width;
    canvas.width = Math.round(width * scale);
    canvas.height = LANE * scale;
    canvas.style.height = LANE + 2 + "px";
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    const cells = Math.min(count, Math.floor(width));
    for (let cell = 0; cell < cells; cell++) {
        const first = from + Math.floor(cell * count / cells), last = from + Math.floor((cell + 1) * count / cells) - 1;
        const x = Math.round(scaleOf(first) * scale) / scale, wide = Math.round(scaleOf(last + 1) * scale) / scale - x;
        drawCell(pen, look(number, first, last), x, wide > 8 ? wide - 1 : wide, palette);
    }
    drawNumbers(pen, number, scaleOf, palette);
    if (node.store.index) drawMark(pen, node.store.index, "flushed", palette, scaleOf, 1);
    if (node.commit) drawMark(pen, node.commit, "committed", palette, scaleOf, 0);
    const shown = pointed || held;
    if (shown >= from && shown <= to) {
        pen.strokeStyle = palette.chosen;
        pen.lineWidth = 2;
        pen.strokeRect(scaleOf(shown), 1, Math.max(3, width / count), LANE - 2);
    }
}
function draw() {
    nodes.forEach((node, number) => drawLane(number));
    byId("from").value = from;
    byId("to").value = to;
    const perPixel = (to - from + 1) / Math.max(1, Math.floor(nodes[0] ? nodes[0].canvas.clientWidth : 1));
    byId("scale").textContent = entries(from, to) + (perPixel > 1 ? "; thinned out: up to " + Math.ceil(perPixel) + " entries to a column, whose largest, and what is rare, is shown" : "");
}

// ---- The chosen entry ---------------------------------------------------------------------------------------------

function tableOf(table, heads, rows) {
    const head = element("tr");
    for (const words of heads) head.append(element("th", "", words));
    const top = element("thead"), body = element("tbody");
    top.append(head);
    for (const row of rows) {
        const line = element("tr");
        for (const cell of row.cells) line.append(element("td", typeof cell === "number" ? "number" : cell.className || "", typeof cell === "object" ? cell.text : cell));
        Object.assign(line.dataset, row.data || {});
        body.append(line);
    }
    table.replaceChildren(top, body);
}
const states = {absent: "-", store: "in the store", lost: "LOST", unknown: "not known", held: "", "left out": "there; left out of this page"};
function tell() {
    const index = pointed || held;
    if (!index) return;
    const span = spanAt(index);
    let words = "Entry " + index;
    if (span && span.branches.length > 1) words += ": the logs part here";
    else if (span && span.branches.length) words += ": " + fate(span, span.branches[0]) + (side.members.voters.length ? span.branches[0].on_quorum ? "; on a quorum" : "; on no quorum" : "");
    byId("chosen-title").textContent = words;
    tableOf(byId("chosen"), ["", "term", "kind", "size", "where", "what becomes of it"], nodes.map((node, number) => {
        const row = node.rows.get(index), state = stateAt(number, index);
        if (!row) return {cells: [node.name, "", {text: states[state], className: state === "lost" ? "lost" : "soft"}, "", "", ""]};
        const branch = span && span.branches.find(one => one.holders.includes(number));
        return {cells: [node.name, row.term, row.kind, bytes(row.size), row.run.segment.toString(16).padStart(8, "0") + ".wal" + (row.run.first === index ? ", offset " + row.run.offset : ""),
            branch ? fate(span, branch) : ""]};
    }));
    for (const line of byId("spans").querySelectorAll("tr[data-first]"))
        line.classList.toggle("here", span !== null && Number(line.dataset.first) === span.first);
}
function choose(index, isHeld) {
    index = Math.max(whole.first, Math.min(whole.last, index));
    if (isHeld) { held = index; pointed = 0; } else if (pointed === index) return; else pointed = index;
    draw();
    tell();
}
function show(first, last) {
    from = Math.max(whole.first, Math.min(first, whole.last));
    to = Math.min(whole.last, Math.max(last, from));
    draw();
}
function around(index, count) {
    const first = Math.max(whole.first, Math.min(index - Math.floor(count / 2), whole.last - count + 1));
    show(first, first + count - 1);
}
const indexOf = event => from + Math.floor((event.clientX - event.target.getBoundingClientRect().left) / event.target.clientWidth * (to - from + 1));
lanes.addEventListener("pointermove", event => { if (event.target.dataset.node) choose(indexOf(event), false); });
lanes.addEventListener("pointerleave", () => { pointed = 0; draw(); tell(); });
lanes.addEventListener("click", event => { if (event.target.dataset.node) choose(indexOf(event), true); });
lanes.addEventListener("keydown", event => {
    const way = {ArrowLeft: -1, ArrowRight: 1}[event.key];
    if (!way) return;
    event.preventDefault();
    choose((held || from) + way, true);
    if (held < from || held > to) around(held, to - from + 1);
});
byId("all").addEventListener("click", () => show(whole.first, whole.last));
byId("nearer").addEventListener("click", () => around(held || Math.floor((from + to) / 2), Math.max(8, Math.floor((to - from + 1) / 2))));
byId("farther").addEventListener("click", () => around(held || Math.floor((from + to) / 2), (to - from + 1) * 2));
byId("part").disabled = !side.parts_at;
byId("part").addEventListener("click", () => { around(side.parts_at, Math.min(60, to - from + 1)); choose(side.parts_at, true); });
for (const id of ["from", "to"])
    byId(id).addEventListener("change", () => show(Number(byId("from").value) || whole.first, Number(byId("to").value) || whole.last));

// ---- What stands still --------------------------------------------------------------------------------------------

function head() {
    const cluster = nodes.find(node => node.cluster);
    byId("title").textContent = nodes.length === 1 ? "The log of " + nodes[0].name : "The logs of " + nodes.length + " nodes" + (cluster ? " of cluster " + cluster.cluster : "");
    byId("verdict").textContent = told.verdict;
    byId("verdict").className = told.verdict;
    byId("members").textContent = (side.members.voters.length ? members(side.members) + (side.members_index ? ", as of entry " + side.members_index : ": the founders, no change is recorded") : "members not known") +
        (side.missing_voters ? "; of " + side.missing_voters + " of them there is no directory here" : "") +
        (nodes.length > 1 ? side.parts_at ? "; the logs part first at entry " + side.parts_at : "; the logs agree wherever two have an entry" : "");
}
function problems() {
    const list = byId("problems"), all = [];
    for (const words of side.problems) all.push({verdict: "corrupt", words, at: 0});
    for (const node of nodes)
        for (const problem of node.problems)
            all.push({verdict: problem.verdict, at: problem.lost_from, words: node.name + ", " + (problem.file === "." ? "the directory" : problem.file) + (problem.to > problem.from + 1 ? ", bytes " + problem.from + " to " + (problem.to - 1) : "") + ": " + problem.text +
                (problem.lost_from ? problem.lost_to ? ". Lost here: " + entries(problem.lost_from, problem.lost_to) : ". Entries from " + problem.lost_from + " on may be lost here" : "")});
    for (const one of all) {
        const item = element("li", one.verdict === "torn" ? "torn" : "", one.words);
        if (one.at >= whole.first && one.at <= whole.last) {
            const go = element("button", "", "show");
            go.addEventListener("click", () => { around(one.at, Math.min(60, whole.last - whole.first + 1)); choose(one.at, true); });
            item.append(go);
        }
        list.append(item);
    }
    list.hidden = all.length === 0;
}
function spans() {
    const words = (span, number) => {
        const branch = span.branches.find(one => one.holders.includes(number));
        if (span.at[number] !== "held") return {text: states[span.at[number]], className: span.at[number] === "lost" ? "lost" : "soft"};
        return branch.first_term === branch.last_term ? "term " + branch.first_term : "terms " + branch.first_term + " to " + branch.last_term;
    };
    tableOf(byId("spans"), ["entries", ...nodes.map(node => node.name), ""], side.spans.map(span => ({data: {first: span.first},
        cells: [span.first === span.last ? String(span.first) : span.first + " to " + span.last, ...nodes.map((node, number) => words(span, number)),
            span.branches.map(branch => (span.branches.length > 1 ? names(branch.holders) + ": " : "") + fate(span, branch) + (side.members.voters.length ? branch.on_quorum ? "; on a quorum" : "; on no quorum" : "")).join(" | ") || "no log has them"]})));
    for (const line of byId("spans").querySelectorAll("tr[data-first]"))
        line.addEventListener("click", () => { const first = Number(line.dataset.first); if (first < from || first > to) around(Math.max(first, whole.first), to - from + 1); choose(first, true); });
    if (side.spans_left_out) byId("spans-note").textContent = side.spans_left_out + " older stretches are left out.";
}
function tables() {
    tableOf(byId("nodes"), ["", "node", "term", "vote", "slots of the superblock", "store", "log", "can be elected"], nodes.map(node => ({cells: [node.name, node.node, node.term, node.vote || "none",
        node.slots.map(slot => slot.state + (slot.generation ? " (generation " + slot.generation + (slot.counts ? ", counts" : "") + ")" : "")).join("; "),
        node.store.there ? node.store.index ? "flushed with entry " + node.store.index + " of term " + node.store.term : "nothing flushed" : "not there",
        node.log.entries ? node.log.entries + " entries; cut " + node.log.cuts + " times" : "no entry", node.can_lead ? "yes" : node.voter ? "no" : "no voter"]})));
    tableOf(byId("configurations"), ["", "entry", "term", "members"], nodes.flatMap(node => [
        ...(node.store.members ? [{cells: [node.name, "store, " + node.store.index, "", members(node.store.members)]}] : []),
        ...node.configurations.map(one => ({cells: [node.name, one.index, one.term, members(one.members) + (one.index > node.commit ? " (not known to be committed)" : "")]}))]));
    if (!byId("configurations").tBodies[0].rows.length) byId("configurations").replaceChildren(element("caption", "soft", "No change of members is recorded."));
    tableOf(byId("segments"), ["", "file", "bytes", "entries", ""], nodes.flatMap(node => node.segments.map(segment => ({cells: [node.name, segment.segment.toString(16).padStart(8, "0") + ".wal",
        segment.bytes, segment.entries ? segment.first + " to " + segment.last : "none that counts", segment.state === "fits" ? "" : {text: segment.state, className: "lost"}]}))));
}
function key() {
    const palette = colours(), samples = [["colour", termColour(terms[0], false), "upper row: the term"], ["bar", termColour(terms[0], true), "bar: size, by powers of two"],
        ["noop", "", "no-op"], ["change", palette.change, "members change"], ["store", palette.store, "in the store"], ["lost", palette.lost, "lost"], ["unknown", palette.unknown, "not known"]];
    byId("key").replaceChildren(...samples.map(([, colour, words]) => {
        const item = element("span", "", ""), sample = element("span", "sample");
        sample.style.background = colour;
        if (!colour) sample.classList.add("ring");
        item.append(sample, words);
        return item;
    }));
}
head();
problems();
spans();
tables();
key();
draw();
addEventListener("resize", draw);
media.addEventListener("change", () => { key(); draw(); });
