/*
 * trace_draw: the page's pictures. Each is drawn anew from what is in view, and only that: the cost of a picture follows from the
 * window, not from the length of the run.
 */
const view = {from: 0, to: Math.max(1, run.end), at: 0, node: 0, chosen: null, beats: true, disks: true, clients: true, older: 0};
const FONT = "12px system-ui,sans-serif", SMALL = "11px system-ui,sans-serif";
const MESSAGES_DRAWN = 4000;
let ink = {};

function readColours() {
  const style = getComputedStyle(document.documentElement);
  ink = {dark: matchMedia("(prefers-color-scheme:dark)").matches};
  for (const name of ["back", "panel", "ink", "soft", "line", "grid", "bad", "good", "warn", "disk", "chosen", "gap"]) ink[name] = style.getPropertyValue("--" + name).trim();
}
/* Hues of terms that follow one another lie far apart. */
function termColour(term, alpha = 1) {
  if (term === 0) return `hsl(210 6% ${ink.dark ? 62 : 45}% / ${alpha})`;
  return `hsl(${(205 + term * 137.508) % 360} ${ink.dark ? "58% 62%" : "62% 42%"} / ${alpha})`;
}

/* The context of a canvas that is `height` high, cleared, in units of the page whatever its zoom. */
function begin(id, height) {
  const canvas = document.getElementById(id), scale = devicePixelRatio || 1, width = canvas.clientWidth;
  canvas.style.height = height + "px";
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  const g = canvas.getContext("2d");
  g.setTransform(scale, 0, 0, scale, 0, 0);
  g.clearRect(0, 0, width, height);
  g.font = FONT;
  g.textBaseline = "middle";
  return {g, width, height};
}
function fitted(g, words, width) {
  if (g.measureText(words).width <= width) return words;
  let low = 0, high = words.length;
  while (low < high) { const middle = (low + high + 1) >> 1; if (g.measureText(words.slice(0, middle) + "\u2026").width <= width) low = middle; else high = middle - 1; }
  return low > 1 ? words.slice(0, low) + "\u2026" : "";
}
/* Text on whatever lies there. */
function label(g, words, x, y, colour) {
  g.lineWidth = 3;
  g.lineJoin = "round";
  g.strokeStyle = ink.back;
  g.strokeText(words, x, y);
  g.fillStyle = colour;
  g.fillText(words, x, y);
}
function line(g, x1, y1, x2, y2) { g.beginPath(); g.moveTo(x1, y1); g.lineTo(x2, y2); g.stroke(); }
function cross(g, x, y, size) { line(g, x - size, y - size, x + size, y + size); line(g, x - size, y + size, x + size, y - size); }
function hatch(g, x, y, width, height, step, lean) {
  g.save();
  g.beginPath(); g.rect(x, y, width, height); g.clip();
  for (let at = x - height - (x % step); at < x + width; at += step) line(g, at, y + height, at + height * lean, y);
  g.restore();
}

/* ---- The lanes' places ---- */

const place = {left: 108, right: 10, top: violation ? 42 : 22, faultRow: 17, faults: 0, lane: 0, band: 0, clients: 0, client: 7, width: 0, height: 0};
function layOut(width) {
  place.left = width < 560 ? 64 : 108;
  place.width = Math.max(50, width - place.left - place.right);
  const rows = stackFaults(view.from, view.to, (view.to - view.from) * 90 / place.width);
  place.faultRow = rows > 8 ? 12 : 17;
  place.faults = rows * place.faultRow;
  place.lane = run.nodes <= 3 ? 92 : run.nodes <= 5 ? 74 : 62;
  place.band = run.nodes <= 3 ? 26 : 20;
  place.client = run.clients > 12 ? 4 : 7;
  place.clients = view.clients ? Math.max(22, run.clients * place.client + 14) : 0;
  place.height = place.top + place.faults + 8 + run.nodes * place.lane + place.clients + 6;
}
const xOf = (at) => place.left + (at - view.from) / (view.to - view.from) * place.width;
const atOf = (x) => view.from + (x - place.left) / place.width * (view.to - view.from);
const laneTop = (node) => place.top + place.faults + 8 + node * place.lane;
const bandTop = (node) => laneTop(node) + Math.round((place.lane - place.band) * (view.disks ? .36 : .5));
const bandMiddle = (node) => bandTop(node) + place.band / 2;
const clientsTop = () => laneTop(run.nodes);
const clientTop = (client) => clientsTop() + 10 + (client % Math.max(1, run.clients)) * place.client;

/* ---- Lanes ---- */

function drawAxis(g) {
  const span = view.to - view.from;
  const steps = [1, 2, 5].flatMap((digit) => [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7].map((power) => digit * power)).sort((a, b) => a - b);
  const step = steps.find((one) => one / span * place.width >= 96) || steps[steps.length - 1];
  const digits = Math.max(0, 6 - Math.floor(Math.log10(step)));
  g.font = SMALL;
  g.textAlign = "center";
  for (let at = Math.ceil(view.from / step) * step; at <= view.to; at += step) {
    const x = xOf(at);
    g.strokeStyle = ink.grid;
    g.lineWidth = 1;
    line(g, x, place.top - 4, x, place.height);
    g.fillStyle = ink.soft;
    if (x > place.left + 14 && x < place.left + place.width - 14) g.fillText((at / 1e6).toFixed(digits) + " s", x, 9);
  }
  g.textAlign = "left";
  g.font = FONT;
}

function drawGaps(g) {
  for (const [from, to, events] of run.gaps) {
    if (to < view.from || from > view.to) continue;
    const x = Math.max(place.left, xOf(from)), width = Math.max(2, Math.min(place.left + place.width, xOf(to)) - x);
    g.strokeStyle = ink.gap;
    g.lineWidth = 1;
    g.globalAlpha = .55;
    hatch(g, x, place.top, width, place.height - place.top, 9, 1);
    g.globalAlpha = 1;
    const words = fitted(g, events + " events left out", width - 12);
    if (words) label(g, words, x + 6, laneTop(0) + 8, ink.soft);
  }
}

function drawStretch(g, node, state, from, to) {
  const x = Math.max(place.left, xOf(from)), end = Math.min(place.left + place.width, xOf(to)), y = bandTop(node), width = Math.max(1, end - x), height = place.band;
  if (state.condition === "down") {
    g.fillStyle = ink.grid;
    g.fillRect(x, y, width, height);
    g.strokeStyle = ink.soft;
    g.lineWidth = 1;
    hatch(g, x, y, width, height, 7, 1);
    return;
  }
  const leads = state.role === "leader", campaigns = state.role.includes("candidate");
  g.fillStyle = termColour(state.term, leads ? 1 : .3);
  g.fillRect(x, leads ? y : y + 4, width, leads ? height : height - 8);
  if (campaigns) {
    g.strokeStyle = termColour(state.term);
    g.lineWidth = 3;
    hatch(g, x, y + 2, width, height - 4, 9, 1);
  }
  if (state.condition !== "up") {
    g.strokeStyle = state.condition === "halted" ? ink.bad : ink.ink;
    g.lineWidth = 2;
    g.globalAlpha = .7;
    hatch(g, x, y, width, height, 10, 0);
    g.globalAlpha = 1;
  }
}
/* Stretches in which the band looks the same are one, with one name. */
const looks = (state) => state.condition + " " + state.role + " " + state.term;
function drawBand(g, node) {
  const all = statesOf[node];
  let i = Math.max(0, countUpTo(all, "at", view.from) - 1);
  while (i < all.length && all[i].at <= view.to) {
    let next = i + 1;
    while (next < all.length && all[next].at <= view.to && looks(all[next]) === looks(all[i])) next++;
    const from = all[i].at, to = next < all.length ? all[next].at : run.end;
    drawStretch(g, node, all[i], from, to);
    const x = Math.max(place.left, xOf(from)), width = Math.min(place.left + place.width, xOf(to)) - x;
    if (width > 34) {
      const what = all[i].condition === "up" ? all[i].role + " " + all[i].term : all[i].condition;
      const words = fitted(g, width > 80 ? what : all[i].condition === "up" ? String(all[i].term) : "", width - 8);
      if (words && all[i].condition === "up" && all[i].role === "leader") { g.fillStyle = ink.back; g.fillText(words, x + 5, bandMiddle(node)); }
      else if (words) label(g, words, x + 5, bandMiddle(node), ink.ink);
    }
    i = next;
  }
}
/* Numbers of commit and log end where there is room for them. */
function drawMarks(g, node) {
  const all = statesOf[node];
  let right = place.left;
  g.font = SMALL;
  for (let i = countUpTo(all, "at", view.from - 1); i < all.length && all[i].at <= view.to; i++) {
    const before = i > 0 ? all[i - 1] : nothing, x = xOf(all[i].at);
    if (all[i].commit <= before.commit || x < right) continue;
    const words = "c" + all[i].commit;
    label(g, words, x + 2, bandTop(node) - 7, ink.soft);
    g.fillRect(x, bandTop(node) - 4, 1, 4);
    right = x + g.measureText(words).width + 24;
  }
  g.font = FONT;
}
/* Where other members count from: their list, where there is room for it. */
function drawMembers(g, node) {
  const all = statesOf[node], y = bandTop(node) + place.band + 1;
  let right = place.left;
  g.font = SMALL;
  for (let i = countUpTo(all, "at", view.from - 1); i < all.length && all[i].at <= view.to; i++) {
    if (!all[i].newMembers) continue;
    const x = xOf(all[i].at);
    g.fillStyle = ink.ink;
    g.beginPath(); g.moveTo(x, y - 7); g.lineTo(x + 5, y); g.lineTo(x, y + 7); g.lineTo(x - 5, y); g.fill();
    if (x < right) continue;
    label(g, all[i].configuration, x + 8, y + 17, ink.ink);
    right = x + g.measureText(all[i].configuration).width + 16;
  }
  g.font = FONT;
}
function drawDisks(g) {
  for (const disk of disksBetween(view.from, view.to)) {
    const failed = disk.status !== "OK", syncs = disk.what.includes("sync"), y = bandTop(disk.node) + place.band + 5;
    const x = Math.max(place.left, xOf(disk.begin)), end = Math.min(place.left + place.width, xOf(disk.end));
    g.fillStyle = failed ? ink.bad : ink.disk;
    g.globalAlpha = failed ? 1 : .55;
    g.fillRect(x, y, Math.max(1, end - x), 6);
    g.globalAlpha = 1;
    if (syncs || failed) g.fillRect(end - 1, y - 2, failed ? 3 : 1.5, 10);
  }
}
function drawLaneNames(g) {
  for (let node = 0; node < run.nodes; node++) {
    const state = stateAt(node, view.at), y = bandMiddle(node);
    g.fillStyle = view.node === node ? ink.panel : ink.back;
    g.fillRect(0, laneTop(node), place.left - 2, place.lane);
    if (view.node === node) { g.fillStyle = ink.chosen; g.fillRect(0, laneTop(node) + 3, 3, place.lane - 6); }
    g.fillStyle = ink.ink;
    g.font = "600 13px system-ui,sans-serif";
    g.fillText("node " + (node + 1), 9, y - 9);
    g.font = SMALL;
    g.fillStyle = state.condition === "up" ? termColour(state.term) : ink.soft;
    g.fillText(fitted(g, state.condition === "up" ? state.role + " " + state.term : state.condition, place.left - 14), 9, y + 7);
    g.strokeStyle = ink.grid;
    g.lineWidth = 1;
    line(g, 0, laneTop(node) + place.lane, place.left + place.width, laneTop(node) + place.lane);
  }
  g.font = FONT;
  if (!view.clients) return;
  g.fillStyle = ink.back;
  g.fillRect(0, clientsTop() + 1, place.left - 2, place.clients);
  g.fillStyle = ink.soft;
  g.fillText("clients", 9, clientsTop() + place.clients / 2);
}

/* ---- Faults ---- */

function drawFaults(g) {
  for (const fault of faults) {
    if (fault.to < view.from || fault.from > view.to) continue;
    const x = Math.max(place.left, xOf(fault.from)), end = Math.min(place.left + place.width, xOf(fault.to)), y = place.top + fault.row * place.faultRow;
    g.fillStyle = ink.warn;
    g.globalAlpha = fault === view.chosen ? .5 : .22;
    g.fillRect(x, y, Math.max(2, end - x), place.faultRow - 2);
    g.globalAlpha = 1;
    g.fillRect(x, y, 2, place.faultRow - 2);
    const nodes = namesOf(fault.nodes), others = namesOf(fault.others), room = Math.min(xOf(fault.free), place.left + place.width) - x - 8;
    g.font = SMALL;
    const words = fitted(g, fault.kind + (nodes ? " " + nodes : "") + (others ? (fault.oneWay ? " \u2192 " : " | ") + others : ""), room);
    if (words) { g.fillStyle = ink.ink; g.fillText(words, x + 5, y + place.faultRow / 2 - 1); }
    g.font = FONT;
    if (fault.cuts) drawCut(g, fault, x, end);
    else for (let node = 0; node < run.nodes; node++) if (fault.nodes >>> node & 1) { g.fillStyle = ink.warn; g.globalAlpha = .09; g.fillRect(x, laneTop(node), Math.max(2, end - x), place.lane); g.globalAlpha = 1; }
  }
}
/* Both sides of a cut have an edge; that of the side which does not hear is the thick one where it is cut one way. */
function drawCut(g, fault, x, end) {
  for (let node = 0; node < run.nodes; node++) {
    const left = fault.nodes >>> node & 1, right = fault.others >>> node & 1;
    if (!left && !right) continue;
    g.strokeStyle = ink.bad;
    g.lineWidth = left ? 3 : 1.5;
    g.setLineDash(left ? [] : [5, 4]);
    line(g, x, laneTop(node) + 2, Math.max(x + 2, end), laneTop(node) + 2);
    g.setLineDash([]);
  }
}

/* ---- Messages ---- */

/* Where an arrow's shaft begins and ends; not all of it is in view. */
function shaft(message) {
  const down = message.to > message.from, from = down ? bandTop(message.from) + place.band : bandTop(message.from), to = down ? bandTop(message.to) : bandTop(message.to) + place.band;
  const x1 = xOf(message.sent);
  let x2 = xOf(message.ended), y2 = to;
  if (message.fate === "dropped") { x2 = x1 + 12; y2 = from + (to - from) * .35; }
  return {x1, y1: from, x2, y2};
}
function drawArrow(g, message, chosen) {
  const {x1, y1, x2, y2} = shaft(message), arrived = message.fate === "arrived", beat = isBeat(message);
  const length = Math.hypot(x2 - x1, y2 - y1) || 1, [ux, uy] = [(x2 - x1) / length, (y2 - y1) / length];
  g.strokeStyle = g.fillStyle = chosen ? ink.chosen : termColour(message.term, beat ? .45 : .9);
  g.lineWidth = chosen ? 3 : beat ? .8 : 1.5;
  if (message.fate === "lost") g.setLineDash([2, 3]); else if (message.delayed) g.setLineDash([7, 4]);
  line(g, x1, y1, x2, y2);
  if (message.repeated) line(g, x1 + 3, y1, x2 + 3, y2);
  g.setLineDash([]);
  if (arrived) {
    const size = beat ? 4 : 6;
    g.beginPath(); g.moveTo(x2, y2); g.lineTo(x2 - ux * size - uy * size * .5, y2 - uy * size + ux * size * .5); g.lineTo(x2 - ux * size + uy * size * .5, y2 - uy * size - ux * size * .5); g.fill();
  } else if (message.fate !== "under way") {
    g.strokeStyle = ink.bad;
    g.lineWidth = 2;
    if (message.fate === "dropped") cross(g, x2, y2, 3.5); else { g.beginPath(); g.arc(x2, y2, 3.5, 0, 7); g.stroke(); }
  }
}
/* The kind beside an arrow, near its head. */
function nameArrow(g, message, taken) {
  const {x1, y1, x2, y2} = shaft(message), share = Math.max(.5, 1 - 20 / Math.max(1, Math.abs(y2 - y1)));
  const x = x1 + (x2 - x1) * share + 6, y = y1 + (y2 - y1) * share, words = message.kind, width = g.measureText(words).width;
  if (x < place.left || x + width > place.left + place.width) return;
  if (taken.some((one) => Math.abs(one.y - y) < 13 && x < one.x + one.width + 6 && one.x < x + width + 6)) return;
  taken.push({x, y, width});
  label(g, words, x, y, termColour(message.term));
}
let drawnMessages = [];
/* Held up somewhere else: neither end is in view. */
const passesBy = (message) => message.sent < view.from && message.ended > view.to;
function drawDropped(g) { for (const message of drawnMessages) if (message.fate === "dropped") drawArrow(g, message, message === view.chosen); }
/* Where few are in view. */
function nameArrows(g) {
  const taken = [];
  if (drawnMessages.length >= 160) return;
  g.font = SMALL;
  for (const message of drawnMessages) if (!passesBy(message) && (!isBeat(message) || drawnMessages.length < 40)) nameArrow(g, message, taken);
  g.font = FONT;
}
function drawMessages(g) {
  const inView = [...messagesBetween(view.from, view.to)].filter((message) => view.beats || !isBeat(message));
  const every = Math.ceil(inView.length / MESSAGES_DRAWN);
  drawnMessages = every <= 1 ? inView : inView.filter((message, i) => i % every === 0 || message.fate === "dropped" || message === view.chosen);
  const alpha = Math.max(.12, Math.min(1, 260 / Math.max(1, drawnMessages.length)));
  for (const message of drawnMessages) {
    if (message.fate === "dropped") continue;
    g.globalAlpha = passesBy(message) ? alpha * .15 : alpha;
    drawArrow(g, message, false);
  }
  g.globalAlpha = 1;
  if (view.chosen?.sort === "message") drawArrow(g, view.chosen, true);
  const words = document.getElementById("thinned");
  words.hidden = every <= 1;
  words.textContent = `${inView.length} messages are in view: one in ${every} is drawn, and all that were dropped. Zoom in for the others.`;
}

/* ---- Clients, and what was broken ---- */

const outcomeColour = (operation) => operation.open ? ink.bad : {done: ink.good, refused: ink.warn}[operation.outcome] || ink.bad;
function drawClients(g) {
  g.font = SMALL;
  for (const operation of operations) {
    if (operation.returned < view.from) continue;
    if (operation.invoked > view.to) break;
    const x = Math.max(place.left, xOf(operation.invoked)), end = Math.min(place.left + place.width, xOf(operation.returned)), y = clientTop(operation.client);
    g.fillStyle = operation === view.chosen ? ink.chosen : outcomeColour(operation);
    g.globalAlpha = .75;
    g.fillRect(x, y, Math.max(1.5, end - x - .5), place.client - 2);
    g.globalAlpha = 1;
    if (named.includes(operation)) { g.strokeStyle = ink.bad; g.lineWidth = 2; g.strokeRect(x - 2, y - 2, Math.max(4, end - x + 3), place.client + 2); }
  }
  g.font = FONT;
}
function drawNow(g) {
  if (violation && violation.at >= view.from && violation.at <= view.to) {
    const x = Math.min(xOf(violation.at), place.left + place.width - 1), words = fitted(g, run.verdict + ": " + violation.words, place.width * .6);
    g.fillStyle = ink.bad;
    g.fillRect(x - 1.5, place.top - 6, 3, place.height - place.top);
    g.beginPath(); g.moveTo(x, place.top - 5); g.lineTo(x - 7, place.top - 17); g.lineTo(x + 7, place.top - 17); g.fill();
    const width = g.measureText(words).width, to = x + 11 + width < place.left + place.width ? x + 11 : Math.max(place.left, x - 11 - width);
    label(g, words, to, place.top - 12, ink.bad);
  }
  const x = xOf(view.at);
  if (x < place.left - 1 || x > place.left + place.width + 1) return;
  g.fillStyle = ink.chosen;
  g.fillRect(x - .75, place.top - 6, 1.5, place.height - place.top + 6);
}
function drawLanes() {
  const canvas = document.getElementById("lanes");
  layOut(canvas.clientWidth);
  const {g, width} = begin("lanes", place.height);
  drawAxis(g);
  g.save();
  g.beginPath(); g.rect(place.left, 0, place.width + 1, place.height); g.clip();
  drawGaps(g);
  drawFaults(g);
  drawMessages(g);
  for (let node = 0; node < run.nodes; node++) drawBand(g, node);
  if (view.disks) drawDisks(g);
  nameArrows(g);
  drawDropped(g);
  for (let node = 0; node < run.nodes; node++) { drawMarks(g, node); drawMembers(g, node); }
  if (view.clients) drawClients(g);
  drawNow(g);
  g.restore();
  drawLaneNames(g);
  canvas.setAttribute("aria-label", `${run.nodes} lanes from ${inClock(view.from)} to ${inClock(view.to)}, ${drawnMessages.length} messages of ${width > 0 ? "all in view" : "none"}`);
}

/* ---- The whole run ---- */

const overviewX = (at, width) => at / Math.max(1, run.end) * width;
function drawOverview() {
  const row = run.nodes > 5 ? 4 : 6, {g, width, height} = begin("overview", run.nodes * (row + 1) + 20);
  g.fillStyle = ink.panel;
  g.fillRect(0, 0, width, height);
  for (const fault of faults) {
    g.fillStyle = fault.cuts ? ink.bad : ink.warn;
    g.globalAlpha = .3;
    g.fillRect(overviewX(fault.from, width), 0, Math.max(1.5, overviewX(fault.to - fault.from, width)), 6);
  }
  g.globalAlpha = 1;
  for (let node = 0; node < run.nodes; node++) {
    const all = statesOf[node], y = 9 + node * (row + 1);
    for (let i = 0; i < all.length;) {
      let next = i + 1;
      while (next < all.length && looks(all[next]) === looks(all[i])) next++;
      const x = overviewX(all[i].at, width), end = overviewX(next < all.length ? all[next].at : run.end, width), state = all[i];
      g.fillStyle = state.condition === "down" ? ink.line : termColour(state.term, state.role === "leader" ? 1 : .25);
      g.fillRect(x, y, Math.max(.7, end - x), row);
      i = next;
    }
  }
  g.strokeStyle = ink.gap;
  g.lineWidth = 1;
  for (const [from, to] of run.gaps) hatch(g, overviewX(from, width), 0, Math.max(1, overviewX(to - from, width)), height, 6, 1);
  if (violation) { g.fillStyle = ink.bad; g.fillRect(Math.min(width - 3, overviewX(violation.at, width) - 1), 0, 3, height); }
  const from = overviewX(view.from, width), to = Math.max(from + 3, overviewX(view.to, width));
  g.fillStyle = ink.ink;
  g.globalAlpha = .12;
  g.fillRect(0, 0, from, height);
  g.fillRect(to, 0, width - to, height);
  g.globalAlpha = 1;
  g.strokeStyle = ink.soft;
  g.strokeRect(from + .5, .5, to - from - 1, height - 1);
  g.fillStyle = ink.chosen;
  g.fillRect(overviewX(view.at, width) - 1, 0, 2, height);
}

/* ---- Logs ---- */

function drawEntry(g, state, index, x, y, cell, height) {
  const term = termOfEntry(state, index), committed = index <= state.commit, durable = index <= state.stable || state.stable === 0;
  if (index > state.last) return;
  if (index < state.first || term === 0) {
    g.fillStyle = ink.line;
    g.fillRect(x + 1, y + height * .3, cell - 2, height * .4);
    return;
  }
  g.fillStyle = termColour(term, committed ? .9 : .18);
  g.fillRect(x + 1, y, cell - 2, height);
  g.strokeStyle = termColour(term);
  g.lineWidth = 1.2;
  if (!durable) g.setLineDash([3, 2]);
  if (!committed || !durable) g.strokeRect(x + 1.5, y + .5, cell - 3, height - 1);
  g.setLineDash([]);
  if (index <= state.applied) { g.fillStyle = ink.ink; g.fillRect(x + 2, y + height + 2, cell - 4, 2.5); }
  g.font = SMALL;
  g.textAlign = "center";
  g.fillStyle = committed ? ink.back : ink.ink;
  if (g.measureText(String(term)).width < cell - 2) g.fillText(String(term), x + cell / 2, y + height / 2 + .5);
}
function drawLogs() {
  const row = run.nodes <= 3 ? 34 : 27, canvas = document.getElementById("logs"), cell = run.end > 0 && canvas.clientWidth > 700 ? 20 : 17;
  const {g, width} = begin("logs", 20 + run.nodes * row), all = Array.from({length: run.nodes}, (_, node) => stateAt(node, view.at));
  const left = width < 560 ? 64 : 108, right = 130, cells = Math.max(4, Math.floor((width - left - right) / cell));
  const last = Math.max(0, ...all.map((state) => state.condition === "down" ? 0 : state.last)), newest = Math.max(Math.min(last, cells), last - view.older), first = Math.max(1, newest - cells + 1);
  g.font = SMALL;
  g.fillStyle = ink.soft;
  g.textAlign = "center";
  for (let index = first; index <= newest; index++) {
    const isNamed = namedEntries.has(index), x = left + (index - first + .5) * cell;
    g.fillStyle = isNamed ? ink.bad : ink.soft;
    if (isNamed || (index % 5 === 0 && !namedEntries.has(index - 1) && !namedEntries.has(index + 1))) g.fillText(String(index), x, 8);
    if (isNamed) { g.globalAlpha = .12; g.fillRect(x - cell / 2, 15, cell, run.nodes * row); g.globalAlpha = 1; }
  }
  all.forEach((state, node) => {
    const y = 18 + node * row, height = row - 14;
    g.textAlign = "left";
    g.font = FONT;
    g.fillStyle = view.node === node ? ink.chosen : ink.ink;
    g.fillText("node " + (node + 1), 9, y + height / 2);
    if (state.condition === "down") { g.fillStyle = ink.soft; g.fillText("down", left, y + height / 2); return; }
    for (let index = first; index <= newest; index++) drawEntry(g, state, index, left + (index - first) * cell, y, cell, height);
    g.textAlign = "left";
    g.font = SMALL;
    g.fillStyle = ink.soft;
    const x = left + (newest - first + 1) * cell + 6;
    g.fillText(`commit ${state.commit}`, x, y + 4);
    g.fillText(`applied ${state.applied}`, x, y + 16);
  });
  document.getElementById("logs-at").textContent = last === 0 ? "(no entries yet)" : `entries ${first} to ${newest} at ${inClock(view.at)}`;
  view.cells = cells;
  view.older = last - newest;
  document.getElementById("logs-older").disabled = first <= 1;
  document.getElementById("logs-newer").disabled = newest >= last;
}
function drawAll() { drawOverview(); drawLanes(); drawLogs(); }
