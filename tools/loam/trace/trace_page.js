/* trace_page: what a person does with the page: moves time, zooms, chooses. */
const byId = (id) => document.getElementById(id);
const LEAST_SPAN = 20;
let playing = 0, queued = false;

/* ---- Changes of the view; each ends in one drawing per frame ---- */

function refresh() {
  if (queued) return;
  queued = true;
  requestAnimationFrame(() => { queued = false; drawAll(); tell(); });
}
function setWindow(from, to) {
  const span = Math.min(Math.max(to - from, LEAST_SPAN), Math.max(run.end, LEAST_SPAN));
  from = Math.max(0, Math.min(from, Math.max(0, run.end - span * .97)));
  view.from = from;
  view.to = from + span;
  refresh();
}
function setTime(at) {
  view.at = Math.max(0, Math.min(run.end, Math.round(at)));
  const span = view.to - view.from;
  if (view.at < view.from || view.at > view.to) setWindow(view.at - span / 2, view.at + span / 2);
  byId("scrubber").value = view.at;
  refresh();
}
function zoom(by, around = view.at >= view.from && view.at <= view.to ? view.at : (view.from + view.to) / 2) {
  const share = (around - view.from) / (view.to - view.from), span = (view.to - view.from) * by;
  setWindow(around - span * share, around - span * share + Math.max(span, LEAST_SPAN));
}
function showAround(at, span) { setWindow(at - span * .7, at + span * .3); setTime(at); }
function chooseNode(node) { view.node = node; refresh(); }
function choose(item) {
  view.chosen = item;
  byId("chosen").textContent = item ? describe(item) : "Click an arrow, a write, a fault, a command of a client.";
  refresh();
}
function describe(item) {
  const lines = [inWords(item)];
  if (item.sort === "message") lines.push(`sent ${inClock(item.sent)}`, `${item.fate} ${inClock(item.ended)}, after ${inTime(item.ended - item.sent)}`);
  if (item.sort === "disk") lines.push(`from ${inClock(item.begin)} to ${inClock(item.end)}, ${inTime(item.end - item.begin)}`);
  if (item.sort === "fault") lines.push(`from ${inClock(item.from)} ` + (item.endless ? "to the end" : `to ${inClock(item.to)}`));
  if (item.sort === "operation") lines.push(`asked ${inClock(item.invoked)}` + (item.open ? "" : `, ended ${inClock(item.returned)}`), `the answer's number: ${item.number}`);
  return lines.join("\n");
}
function toViolation() {
  const named = /\bnodes? (\d+)/.exec(violation.words);
  if (named && named[1] <= run.nodes) view.node = named[1] - 1;
  showAround(violation.at, Math.min(Math.max(run.end, LEAST_SPAN), 120000));
}

/* ---- Words beside the pictures ---- */

function fill(list, rows) {
  list.replaceChildren(...rows.flatMap(([name, value]) => {
    const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
    dt.textContent = name;
    dd.textContent = value;
    return [dt, dd];
  }));
}
function tellNode() {
  const node = view.node, state = stateAt(node, view.at), under = [...messagesBetween(view.at, view.at)].filter((m) => m.sent <= view.at && m.ended > view.at);
  const writes = [...disksBetween(view.at, view.at)].filter((d) => d.node === node && d.begin <= view.at && d.end > view.at);
  byId("node-title").textContent = "Node " + (node + 1);
  const terms = termsOf(state).map((one) => `${one.term} from ${one.first}`).join(", ");
  fill(byId("node"), [["is", state.condition], ["role", state.role || "none"], ["term", state.term], ["vote", state.vote || "none"], ["leader", state.leader || "not known"],
    ["log", state.last < state.first ? `empty, next is ${state.last + 1}` : `${state.first} to ${state.last}`], ["terms", terms || "none"], ["commit, applied", `${state.commit}, ${state.applied}`],
    ["durable", state.stable], ["members", state.configuration || "not known"], ["disk", `${state.unsynced} sector${state.unsynced === 1 ? "" : "s"} not synced` + writes.map((w) => `; ${w.what} of ${w.path}`).join("")],
    ["to it", under.filter((m) => m.to === node).map((m) => m.kind + " of " + (m.from + 1)).join(", ") || "nothing"], ["from it", under.filter((m) => m.from === node).map((m) => m.kind + " to " + (m.to + 1)).join(", ") || "nothing"]]);
  for (const button of byId("nodes").children) button.setAttribute("aria-pressed", String(Number(button.value) === node));
}
/* Around now, heartbeats aside: a few before, a few after. */
const spoken = [...messages.filter((m) => !isBeat(m)).map((item) => ({at: item.ended, item})), ...disks.filter((d) => d.status !== "OK").map((item) => ({at: item.end, item})),
  ...notes.map((item) => ({at: item.at, item})), ...faults.map((item) => ({at: item.from, item})), ...faults.filter((f) => f.to > f.from && !f.endless).map((f) => ({at: f.to, item: {...f, ends: true, whole: f}})),
  ...statesOf.flatMap((all) => all.filter((state, i) => state.newMembers || looks(state) !== looks(i > 0 ? all[i - 1] : nothing)).map((item) => ({at: item.at, item}))),
  ...operations.filter((o) => !o.open).map((item) => ({at: item.returned, item})), ...(violation ? [{at: violation.at, item: {sort: "violation", words: run.verdict + ": " + violation.words}}] : [])].sort((a, b) => a.at - b.at);
function tellNear() {
  const middle = countUpTo(spoken, "at", view.at), from = Math.max(0, middle - 9);
  byId("near").replaceChildren(...spoken.slice(from, middle + 7).map(({at, item}, i) => {
    const [row, button] = [document.createElement("li"), document.createElement("button")];
    button.textContent = inClock(at) + "  " + inWords(item);
    if (item.sort === "violation" || item.status && item.status !== "OK") button.className = "bad";
    if (from + i === middle - 1) row.className = "now";
    button.addEventListener("click", () => { setTime(at); choose(item.whole || (item.sort === "violation" ? null : item)); });
    row.append(button);
    return row;
  }));
}
function tell() {
  byId("clock").textContent = inClock(view.at) + "  \u00b7  " + inTime(Math.round(view.to - view.from)) + " in view";
  tellNode();
  tellNear();
}

/* ---- Pointers ---- */

/* What lies under a point of the lanes; the nearest arrow within a few pixels. */
function itemAt(x, y) {
  const at = atOf(x), slack = atOf(x + 3) - at;
  for (const fault of faults) {
    const top = place.top + fault.row * place.faultRow;
    if (y >= top && y < top + place.faultRow && at >= fault.from - slack && at <= Math.max(fault.to, fault.from + 86 * slack / 3)) return fault;
  }
  if (view.clients && y >= clientsTop()) return operations.find((o) => at >= o.invoked - slack && at <= o.returned + slack && y >= clientTop(o.client) - 1 && y < clientTop(o.client) + place.client);
  if (view.disks) for (const disk of disksBetween(at - slack, at + slack)) { const top = bandTop(disk.node) + place.band + 2; if (y >= top && y <= top + 13) return disk; }
  let best = null, least = 6;
  for (const message of drawnMessages) {
    const {x1, y1, x2, y2} = shaft(message), length = (x2 - x1) ** 2 + (y2 - y1) ** 2 || 1, share = Math.max(0, Math.min(1, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length));
    const far = Math.hypot(x - x1 - share * (x2 - x1), y - y1 - share * (y2 - y1));
    if (far < least) { least = far; best = message; }
  }
  return best;
}
function laneAt(y) {
  const node = Math.floor((y - laneTop(0)) / place.lane);
  return node >= 0 && node < run.nodes ? node : -1;
}
function listenToLanes() {
  const lanes = byId("lanes");
  let held = null;
  const where = (event) => { const box = lanes.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  lanes.addEventListener("pointerdown", (event) => { const [x] = where(event); held = {x, from: view.from, to: view.to, moved: false}; lanes.setPointerCapture(event.pointerId); });
  lanes.addEventListener("pointermove", (event) => {
    const [x, y] = where(event);
    if (!held) { const item = itemAt(x, y); lanes.title = item ? inWords(item) : ""; return; }
    if (Math.abs(x - held.x) > 4) held.moved = true;
    if (!held.moved) return;
    const by = (x - held.x) / place.width * (held.to - held.from);
    setWindow(held.from - by, held.to - by);
  });
  lanes.addEventListener("pointerup", (event) => {
    const [x, y] = where(event), moved = held?.moved;
    held = null;
    if (moved) return;
    const node = laneAt(y);
    if (node >= 0) view.node = node;
    if (x < place.left) { refresh(); return; }
    choose(itemAt(x, y));
    setTime(atOf(x));
  });
  lanes.addEventListener("pointercancel", () => { held = null; });
  lanes.addEventListener("wheel", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) zoom(event.deltaY > 0 ? 1.25 : .8, atOf(where(event)[0]));
    else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) { const by = event.deltaX / place.width * (view.to - view.from); setWindow(view.from + by, view.to + by); }
    else return;
    event.preventDefault();
  }, {passive: false});
  lanes.addEventListener("dblclick", (event) => zoom(.4, atOf(where(event)[0])));
}
function listenToOverview() {
  const overview = byId("overview");
  let from = null;
  const at = (event) => { const box = overview.getBoundingClientRect(); return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * run.end; };
  overview.addEventListener("pointerdown", (event) => { from = at(event); overview.setPointerCapture(event.pointerId); });
  overview.addEventListener("pointermove", (event) => { if (from !== null && Math.abs(at(event) - from) > run.end / 300) setWindow(Math.min(from, at(event)), Math.max(from, at(event))); });
  overview.addEventListener("pointerup", (event) => { if (from !== null && Math.abs(at(event) - from) <= run.end / 300) setTime(from); from = null; });
  overview.addEventListener("pointercancel", () => { from = null; });
}

/* ---- Buttons and keys ---- */

const step = (next) => { if (next !== undefined) setTime(next); };
/* The run's time in view passes in ten seconds. */
function play(before) {
  if (!playing) return;
  const now = performance.now(), span = view.to - view.from;
  if (view.at >= run.end) { stop(); return; }
  const at = view.at + Math.max(1, (now - before) / 10000 * span);
  if (at > view.from + span * .85) setWindow(at - span * .15, at + span * .85);
  setTime(at);
  playing = requestAnimationFrame(() => play(now));
}
function stop() { cancelAnimationFrame(playing); playing = 0; byId("play").textContent = "play"; }
function togglePlay() {
  if (playing) { stop(); return; }
  byId("play").textContent = "pause";
  playing = requestAnimationFrame(() => play(performance.now()));
}
const actions = {
  "to-start": () => setTime(0), back: () => step(momentBefore(moments, view.at)), play: togglePlay, forth: () => step(momentAfter(moments, view.at)), "to-end": () => setTime(run.end),
  "fault-back": () => step(momentBefore(faultMoments, view.at)), "fault-forth": () => step(momentAfter(faultMoments, view.at)), "to-violation": () => { if (violation) toViolation(); },
  "zoom-out": () => zoom(2), "zoom-in": () => zoom(.5), "zoom-all": () => setWindow(0, run.end),
  "logs-older": () => { view.older += Math.ceil(view.cells / 2); refresh(); }, "logs-newer": () => { view.older = Math.max(0, view.older - Math.ceil(view.cells / 2)); refresh(); },
};
const keys = {Home: "to-start", End: "to-end", ArrowLeft: "back", ArrowRight: "forth", " ": "play", p: "fault-back", n: "fault-forth", v: "to-violation", "-": "zoom-out", "+": "zoom-in", "=": "zoom-in", 0: "zoom-all"};
function listenToKeys(event) {
  const control = event.target.closest?.("button,input[type=checkbox]");
  if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key] || (event.key === " " && control)) return;
  actions[keys[event.key]]();
  event.preventDefault();
}

/* ---- The beginning ---- */

/* The commands that the words are about, to go to. */
function introduceNamed() {
  byId("named").hidden = named.length === 0;
  byId("named").replaceChildren("It names", ...named.slice(0, 8).map((operation) => {
    const button = document.createElement("button");
    button.textContent = inWords(operation);
    button.addEventListener("click", () => { showAround(operation.returned, Math.max(20000, 2 * (operation.returned - operation.invoked))); choose(operation); });
    return button;
  }));
}
function introduce() {
  document.title = `loam sim: seed ${run.seed}, ${run.verdict}`;
  byId("summary").textContent = `seed ${run.seed} \u00b7 ${run.nodes} nodes, ${run.clients} clients \u00b7 ${faults.length} faults \u00b7 ${inTime(run.end)} of virtual time \u00b7 hash ${run.hash}`;
  byId("verdict").textContent = violation ? `${run.verdict}: ${violation.words}` : "Every promise was kept.";
  byId("verdict").className = violation ? "broken" : "kept";
  byId("to-violation").hidden = !violation;
  introduceNamed();
  byId("plan").textContent = run.plan;
  byId("bounded").hidden = run.leftOut === 0;
  byId("bounded").textContent = `The record was bounded: ${run.leftOut} of ${run.told} events were left out, where it is hatched. The end was kept, and before other things what lies around faults.`;
  if (run.operationsLeftOut > 0) { byId("bounded").hidden = false; byId("bounded").textContent += ` ${run.operationsLeftOut} early commands of clients are not shown.`; }
  byId("nodes").replaceChildren(...Array.from({length: run.nodes}, (_, node) => {
    const button = document.createElement("button");
    button.value = node;
    button.textContent = node + 1;
    button.addEventListener("click", () => chooseNode(node));
    return button;
  }));
}
function start() {
  readColours();
  introduce();
  byId("scrubber").max = run.end;
  byId("scrubber").addEventListener("input", (event) => setTime(Number(event.target.value)));
  for (const [id, action] of Object.entries(actions)) byId(id).addEventListener("click", action);
  for (const [id, name] of [["show-beats", "beats"], ["show-disks", "disks"], ["show-clients", "clients"]]) byId(id).addEventListener("change", (event) => { view[name] = event.target.checked; refresh(); });
  document.addEventListener("keydown", listenToKeys);
  listenToLanes();
  listenToOverview();
  new ResizeObserver(refresh).observe(document.body);
  matchMedia("(prefers-color-scheme:dark)").addEventListener("change", () => { readColours(); refresh(); });
  setWindow(0, run.end);
  setTime(violation ? violation.at : faults.length > 0 ? faults[0].from : run.end / 2);
}
start();
