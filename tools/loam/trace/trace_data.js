"use strict";
/*
 * trace_data: the run as it stands in the page, made ready to be looked up by time. Times are microseconds of virtual time.
 * Rows are arrays (tools/loam/trace/trace_page.c writes them); here each becomes an object, once.
 */
const run = JSON.parse(document.getElementById("run").textContent);
const text = (place) => run.strings[place];

const messages = run.messages.map(([sent, ended, from, to, kind, term, fate, marks, words]) =>
  ({sort: "message", sent, ended, from, to, kind: text(kind), term, fate: text(fate), repeated: (marks & 1) > 0, delayed: (marks & 2) > 0, words: text(words)}));
const disks = run.disks.map(([begin, end, node, what, path, offset, size, status]) =>
  ({sort: "disk", begin, end, node, what: text(what), path: text(path), offset, size, status: text(status)}));
const states = run.states.map(([at, node, condition, role, term, vote, leader, commit, applied, stable, first, last, unsynced, terms, configuration]) =>
  ({sort: "state", at, node, condition: text(condition), role: text(role), term, vote, leader, commit, applied, stable, first, last, unsynced, terms: text(terms), configuration: text(configuration)}));
const notes = run.notes.map(([at, node, words]) => ({sort: "note", at, node, words: text(words)}));
const faults = run.faults.map(([from, to, kind, nodes, others, cuts, oneWay, words]) =>
  ({sort: "fault", from, to: to < 0 ? run.end : to, endless: to < 0, kind: text(kind), nodes, others, cuts: cuts > 0, oneWay: oneWay > 0, words: text(words)}));
const operations = run.operations.map(([invoked, returned, client, name, key, token, number, outcome]) =>
  ({sort: "operation", invoked, returned: returned < 0 ? run.end : returned, open: returned < 0, client, name: text(name), key, token, number, outcome: text(outcome)}));
const violation = run.verdict === "kept" ? null : {at: run.broken, words: run.text};

/* What the words of the violation name: commands by their place in the history or by what they wrote, entries by their index. */
operations.forEach((operation, i) => { operation.place = run.operationsLeftOut + i; });
const namedBy = (pattern) => violation ? new Set([...violation.words.matchAll(pattern)].map((found) => Number(found[1] ?? found[2]))) : new Set();
const namedPlaces = namedBy(/\boperation (\d+)/g), namedTokens = namedBy(/\btoken (\d+)/g), namedEntries = namedBy(/\b(?:entry|index|up to) (\d+)|\b(\d+)(?= is committed)/g);
const named = operations.filter((operation) => namedPlaces.has(operation.place) || (operation.token > 0 && namedTokens.has(operation.token)));

messages.sort((a, b) => a.ended - b.ended);
disks.sort((a, b) => a.end - b.end);
states.sort((a, b) => a.at - b.at);
notes.sort((a, b) => a.at - b.at);
operations.sort((a, b) => a.invoked - b.invoked);

/* How many items, ascending by `key`, are not above the value. */
function countUpTo(items, key, value) {
  let low = 0, high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle][key] <= value) low = middle + 1; else high = middle;
  }
  return low;
}

/* Of items ascending by their end: those that overlap [from, to]. `longest` is how far one may reach back. */
function* overlapping(items, begin, end, from, to, longest) {
  for (let i = countUpTo(items, end, from - 1); i < items.length && items[i][end] <= to + longest; i++)
    if (items[i][begin] <= to) yield items[i];
}
const longestOf = (items, begin, end) => items.reduce((most, item) => Math.max(most, item[end] - item[begin]), 0);
const longestMessage = longestOf(messages, "sent", "ended"), longestDisk = longestOf(disks, "begin", "end");
const messagesBetween = (from, to) => overlapping(messages, "sent", "ended", from, to, longestMessage);
const disksBetween = (from, to) => overlapping(disks, "begin", "end", from, to, longestDisk);

const statesOf = Array.from({length: run.nodes}, (_, node) => states.filter((state) => state.node === node));
const nothing = {condition: "down", role: "", term: 0, vote: 0, leader: 0, commit: 0, applied: 0, stable: 0, first: 1, last: 0, unsynced: 0, terms: "", configuration: ""};
function stateAt(node, at) {
  const known = countUpTo(statesOf[node], "at", at);
  return known > 0 ? statesOf[node][known - 1] : nothing;
}

/* Whether the members that the node goes by are other ones than before; what a node begins with is no change. */
const changesMembers = (state, before) => state.configuration !== "" && before.configuration !== "" && state.configuration !== before.configuration;
for (const all of statesOf) all.forEach((state, i) => { state.newMembers = i > 0 && changesMembers(state, all[i - 1]); });

/* "12:3,40:4" as [{first, term}], once for each text. */
const parsedTerms = new Map();
function termsOf(state) {
  let runs = parsedTerms.get(state.terms);
  if (!runs) {
    runs = state.terms === "" ? [] : state.terms.split(",").map((part) => { const [first, term] = part.split(":").map(Number); return {first, term}; });
    parsedTerms.set(state.terms, runs);
  }
  return runs;
}
function termOfEntry(state, index) {
  if (index > state.last) return 0;
  const runs = termsOf(state);
  for (let i = runs.length - 1; i >= 0; i--) if (runs[i].first <= index) return runs[i].term;
  return 0;
}

/*
 * The faults in view in rows, so that none lies over another; what is over at once takes a little room. While the window moves and keeps its
 * span, a fault keeps its row, so that the lanes below stay where they are; with another span all are placed anew. Returns how many rows.
 */
let stack = {span: 0, rows: []};
function stackFaults(from, to, atLeast) {
  const span = Math.round(to - from), end = (fault) => Math.max(fault.to, fault.from + atLeast);
  if (stack.span !== span) {
    stack = {span, rows: []};
    for (const fault of faults) delete fault.row;
  }
  for (const fault of faults) {
    if (fault.row !== undefined || fault.to < from || fault.from > to) continue;
    fault.row = stack.rows.findIndex((row) => row.every((other) => end(other) <= fault.from || other.from >= end(fault)));
    if (fault.row < 0) fault.row = stack.rows.push([]) - 1;
    stack.rows[fault.row].push(fault);
    stack.rows[fault.row].sort((a, b) => a.from - b.from);
  }
  for (const row of stack.rows) row.forEach((fault, i) => { fault.free = i + 1 < row.length ? row[i + 1].from : Infinity; }); /* until then nothing else is in its row */
  return stack.rows.length;
}

const nodeName = (node) => node < run.nodes ? "node " + (node + 1) : "clients";
function namesOf(set) {
  const names = [];
  for (let i = 0; i < run.nodes; i++) if (set >>> i & 1) names.push(i + 1);
  if (set >>> 31 & 1) names.push("clients");
  return names.join(", ");
}
const isBeat = (message) => message.kind.startsWith("heartbeat");

/* Moments that one may step to. */
const moments = Float64Array.from(new Set([0, run.end, ...messages.filter((m) => !isBeat(m)).flatMap((m) => [m.sent, m.ended]), ...disks.map((d) => d.end),
  ...states.map((s) => s.at), ...notes.map((n) => n.at), ...faults.flatMap((f) => [f.from, f.to]), ...operations.flatMap((o) => [o.invoked, o.returned])])).sort();
const faultMoments = Float64Array.from(new Set(faults.flatMap((fault) => [fault.from, fault.to]))).sort();
const momentAfter = (list, at) => list.find((moment) => moment > at);
const momentBefore = (list, at) => list.findLast((moment) => moment < at);

function inWords(item) {
  switch (item.sort) {
    case "message": {
      const how = [item.fate === "arrived" ? "" : item.fate, item.repeated ? "repeated" : "", item.delayed ? "delayed" : ""].filter(Boolean).join(", ");
      return item.kind + " " + nodeName(item.from) + " \u2192 " + nodeName(item.to) + (item.term ? ", term " + item.term : "") + (item.words ? ": " + item.words : "") + (how ? " (" + how + ")" : "");
    }
    case "disk": return nodeName(item.node) + " " + item.what + " " + item.path + (item.size ? " " + item.offset + "+" + item.size : "") + " " + item.status;
    case "note": return (item.node >= 0 && !item.words.startsWith(nodeName(item.node) + ":") ? nodeName(item.node) + ": " : "") + item.words;
    case "fault": return (item.ends ? "lifted: " : "fault: ") + item.words;
    case "operation": return "client " + item.client + ": " + item.name + " " + item.key + (item.token ? ", writes " + item.token : "") + (item.open ? ", no answer" : ", " + item.outcome + " after " + inTime(item.returned - item.invoked));
    case "state": return nodeName(item.node) + ": " + (item.condition === "up" ? "" : item.condition + " ") + item.role + " term " + item.term + ", commit " + item.commit + ", applied " + item.applied + ", log " + item.first + ".." + item.last + (item.newMembers ? ", members now " + item.configuration : "");
    default: return item.words;
  }
}
/* Microseconds, for people. */
function inTime(us) {
  if (us < 1000) return us + " us";
  return us < 1e6 ? (us / 1000).toFixed(us < 1e4 ? 2 : 1) + " ms" : (us / 1e6).toFixed(3) + " s";
}
const inClock = (us) => (us / 1e6).toFixed(6) + " s";
