"use strict";
// All text goes into the page as text nodes: nothing of a repository is ever read as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const LEVELS = ["critical", "high", "medium", "low"];
const PAGE = 200;
const STILL_THERE = new Set(["head", "index", "worktree", "file", "stdin"]);
const PLACES = {
  head: "in HEAD",
  index: "staged",
  worktree: "in the working tree",
  ref: "in the history",
  "commit-message": "in a commit message",
  "tag-message": "in a tag message",
  note: "in a note",
  unreachable: "in an unreachable object",
  file: "in a file",
  stdin: "on standard input",
};

const byId = (id) => document.getElementById(id);

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  for (const child of children) if (child !== null) element.append(child);
  return element;
}

const number = (n) => n.toLocaleString("en");
const plural = (n, one, many) => `${number(n)} ${n === 1 ? one : many}`;
const pathOf = (o) => (o.path || "") + (o.member ? "!/" + o.member : "");
const placeOf = (o) => pathOf(o) || PLACES[o.where];
const authorOf = (o) => (o.introduced ? `${o.introduced.author} <${o.introduced.email}>` : "");
const commitOf = (o) =>
  o.introduced ? `${o.introduced.commit.slice(0, 12)} ${o.introduced.summary}` : "";

// What filters and groups ask of a finding, once.
for (const [order, finding] of data.findings.entries()) {
  const all = finding.occurrences;
  finding.order = order;
  finding.haystack = [
    finding.rule_id,
    finding.description,
    finding.redacted,
    finding.secret || "",
    finding.fingerprint,
    ...all.flatMap((o) => [pathOf(o), authorOf(o), commitOf(o), ...o.refs]),
  ]
    .join("\n")
    .toLowerCase();
  const dates = all.map((o) => o.introduced && o.introduced.date).filter(Boolean);
  finding.entered = dates.length ? dates.reduce((a, b) => (Date.parse(a) <= Date.parse(b) ? a : b)) : null;
  finding.there = all.some((o) => STILL_THERE.has(o.where));
  const last = all.map((o) => o.last_seen_date).filter(Boolean);
  finding.gone =
    finding.there || !last.length ? null : last.reduce((a, b) => (Date.parse(a) >= Date.parse(b) ? a : b));
}

const KEYS = {
  secret: null,
  rule: (f) => [`${f.description} [${f.rule_id}]`],
  file: (f) => f.occurrences.map(placeOf),
  author: (f) => f.occurrences.map((o) => authorOf(o) || "not known: not committed, or not reached"),
  commit: (f) => f.occurrences.map((o) => commitOf(o) || "no commit"),
};

const form = byId("filters");

function option(select, value, text) {
  select.append(make("option", { value }, text));
}

function fillChoices() {
  const count = (values) => {
    const counts = new Map();
    for (const value of values) counts.set(value, (counts.get(value) || 0) + 1);
    return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  };
  const rules = count(data.findings.map((f) => f.rule_id));
  for (const [id, n] of rules) option(form.elements.rule, id, `${id} (${number(n)})`);
  const places = count(data.findings.flatMap((f) => [...new Set(f.occurrences.map((o) => o.where))]));
  for (const [place, n] of places) option(form.elements.where, place, `${PLACES[place]} (${number(n)})`);
  const authors = count(data.findings.flatMap((f) => [...new Set(f.occurrences.map(authorOf))].filter(Boolean)));
  for (const [author, n] of authors) option(form.elements.author, author, `${author} (${number(n)})`);
  if (!data.findings.some((f) => f.suppression)) form.elements.suppressed.closest("label").remove();
}

// What is asked for, kept in the address so that a view can be sent to somebody.
function readAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  for (const element of form.elements) {
    if (!element.name || !asked.has(element.name)) continue;
    if (element.type === "checkbox") {
      element.checked = asked.getAll(element.name).includes(element.value);
    } else {
      element.value = asked.get(element.name);
      if (element.value !== asked.get(element.name)) element.value = "";
    }
  }
}

function writeAddress() {
  const asked = new URLSearchParams();
  const levels = [...form.elements].filter((e) => e.name === "severity");
  for (const element of form.elements) {
    if (!element.name) continue;
    if (element.name === "severity") {
      if (element.checked && !levels.every((e) => e.checked)) asked.append("severity", element.value);
    } else if (element.type === "checkbox") {
      if (element.checked) asked.append(element.name, element.value);
    } else if (element.value && element.value !== element.dataset.usual) {
      asked.append(element.name, element.value);
    }
  }
  const text = asked.toString();
  // A page opened from a file may not be allowed to change its address.
  try {
    history.replaceState(null, "", text ? "#" + text : location.pathname + location.search);
  } catch (error) {
    void error;
  }
}

function chosen() {
  const e = form.elements;
  const words = e.q.value.toLowerCase().split(/\s+/).filter(Boolean);
  const levels = new Set([...e].filter((x) => x.name === "severity" && x.checked).map((x) => x.value));
  const suppressed = e.suppressed ? e.suppressed.checked : false;
  return data.findings.filter(
    (f) =>
      levels.has(f.severity) &&
      (suppressed || !f.suppression) &&
      (!e.rule.value || f.rule_id === e.rule.value) &&
      (!e.where.value || f.occurrences.some((o) => o.where === e.where.value)) &&
      (!e.author.value || f.occurrences.some((o) => authorOf(o) === e.author.value)) &&
      words.every((word) => f.haystack.includes(word)),
  );
}

const date = (text) => (text ? text.slice(0, 10) : "");

function occurrenceItem(o) {
  const item = make("li", null);
  const at = pathOf(o) ? `${pathOf(o)}:${o.start_line}:${o.start_column}` : `line ${o.start_line}`;
  item.append(make("code", null, at), ` ${PLACES[o.where]}`);
  if (o.encoding) item.append(`, written in ${o.encoding.join(", in ")}`);
  if (o.introduced) {
    const c = o.introduced;
    item.append(make("br"), "introduced in ", make("code", null, c.commit.slice(0, 12)));
    item.append(` on ${date(c.date)} by ${c.author} <${c.email}>: ${c.summary}`);
    if (o.also_introduced_in.length) item.append(` (and in ${plural(o.also_introduced_in.length, "other commit", "other commits")})`);
  }
  if (o.last_seen && !STILL_THERE.has(o.where)) {
    item.append(make("br"), "last seen in ", make("code", null, o.last_seen.slice(0, 12)));
    if (o.last_seen_date) item.append(` on ${date(o.last_seen_date)}`);
  }
  if (o.refs.length) item.append(make("br"), `reached from ${o.refs.join(", ")}`);
  for (const part of o.parts || []) {
    item.append(make("br"), `with ${part.description} (${part.rule_id}), line ${part.start_line}: `);
    item.append(make("code", null, part.secret || part.redacted));
  }
  return item;
}

const SHOWN_AT_ONCE = 5;

function findingArticle(f) {
  const article = make("article", f.suppression ? { class: "suppressed" } : null);
  article.append(
    make("h3", null, make("span", { class: `level ${f.severity}` }, f.severity), ` ${f.description} `,
      make("code", { class: "quiet" }, f.rule_id)),
    make("p", null, make("code", null, f.secret || f.redacted), make("span", { class: "quiet" },
      ` confidence ${f.confidence}` + (f.proof === "proven" ? ", proven genuine by its own structure" : "")
        + (f.proof === "failed" ? ", its checksum does not hold" : ""))),
  );
  if (f.suppression) {
    const s = f.suppression;
    article.append(make("p", null, `Suppressed by ${s.by}: ${s.status}`
      + (s.reason ? `, ${s.reason}` : "") + (s.owner ? ` (${s.owner})` : "")
      + (s.expires ? `, until ${s.expires}` : "")));
  }
  for (const note of f.notes || []) article.append(make("p", null, note));
  const list = make("ul", null, ...f.occurrences.slice(0, SHOWN_AT_ONCE).map(occurrenceItem));
  article.append(list);
  const rest = f.occurrences.slice(SHOWN_AT_ONCE);
  if (rest.length) {
    const more = make("button", { type: "button", class: "more" }, plural(rest.length, "more place", "more places"));
    more.addEventListener("click", () => {
      list.append(...rest.map(occurrenceItem));
      more.remove();
    });
    article.append(more);
  }
  if (f.remediation) article.append(make("p", null, make("b", null, "To do: "), f.remediation));
  article.append(make("p", { class: "quiet mono" }, f.fingerprint));
  return article;
}

// Adds what `items` show to `parent`, so many at a time.
function addPaged(parent, items, show) {
  const next = items.slice(0, PAGE);
  const rest = items.slice(PAGE);
  parent.append(...next.map(show));
  if (!rest.length) return;
  const more = make("button", { type: "button", class: "more" }, `Show more (${number(rest.length)} left)`);
  more.addEventListener("click", () => {
    more.remove();
    addPaged(parent, rest, show);
  });
  parent.append(more);
}

function groupDetails([name, findings]) {
  const details = make("details", null, make("summary", null, `${name} `,
    make("span", { class: "quiet" }, plural(findings.length, "secret", "secrets"))));
  // Filled when opened: a page of many groups stays quick.
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) addPaged(details, findings, findingArticle);
  });
  return details;
}

function show() {
  const found = chosen();
  const results = byId("results");
  results.replaceChildren();
  byId("shown").textContent = found.length === data.findings.length
    ? plural(found.length, "secret", "secrets")
    : `${number(found.length)} of ${plural(data.findings.length, "secret", "secrets")}`;
  const key = KEYS[form.elements.group.value];
  if (!key) {
    addPaged(results, found, findingArticle);
  } else {
    const groups = new Map();
    for (const finding of found) {
      for (const name of new Set(key(finding))) {
        if (!groups.has(name)) groups.set(name, []);
        groups.get(name).push(finding);
      }
    }
    const sorted = [...groups].sort((a, b) => b[1].length - a[1].length || (a[0] < b[0] ? -1 : 1));
    addPaged(results, sorted, groupDetails);
  }
  if (!found.length) results.append(make("p", null, data.findings.length ? "Nothing fits these filters." : "No secrets found."));
  timeline(found);
}

function timeline(found) {
  const section = byId("timeline");
  section.replaceChildren();
  const entered = found.map((f) => f.entered).filter(Boolean);
  const left = found.map((f) => f.gone).filter(Boolean);
  const times = [...entered, ...left].map((d) => Date.parse(d)).filter((t) => !Number.isNaN(t));
  if (!times.length) return;
  const earliest = times.reduce((a, b) => Math.min(a, b));
  const latest = times.reduce((a, b) => Math.max(a, b));
  const span = (latest - earliest) / 86400000;
  const length = span > 365 * 12 ? 4 : span > 120 ? 7 : 10;
  const unit = { 4: "year", 7: "month", 10: "day" }[length];
  const bins = new Map();
  const add = (dates, which) => {
    for (const text of dates) {
      const name = new Date(Date.parse(text)).toISOString().slice(0, length);
      if (!bins.has(name)) bins.set(name, { entered: 0, left: 0 });
      bins.get(name)[which] += 1;
    }
  };
  add(entered, "entered");
  add(left, "left");
  const names = allNames([...bins.keys()].sort(), length);
  const get = (name) => bins.get(name) || { entered: 0, left: 0 };
  const most = Math.max(...names.map((n) => Math.max(get(n).entered, get(n).left)));
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  const [width, half] = [1000, 55];
  svg.setAttribute("viewBox", `0 0 ${width} ${2 * half + 10}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `Secrets that entered and left by ${unit}; the same as a table below.`);
  const step = width / names.length;
  const rectangle = (i, y, height, name, text) => {
    const rect = document.createElementNS(ns, "rect");
    const box = { x: i * step + step * 0.1, y, width: step * 0.8, height };
    for (const [key, value] of Object.entries(box)) rect.setAttribute(key, value.toFixed(2));
    rect.setAttribute("class", name);
    const title = document.createElementNS(ns, "title");
    title.textContent = text;
    rect.append(title);
    svg.append(rect);
  };
  names.forEach((name, i) => {
    const bin = get(name);
    const height = (n) => (n / most) * half;
    if (bin.entered) rectangle(i, half + 5 - height(bin.entered), height(bin.entered), "entered", `${name}: ${bin.entered} entered`);
    if (bin.left) rectangle(i, half + 5, height(bin.left), "left", `${name}: ${bin.left} left`);
  });
  const line = document.createElementNS(ns, "line");
  for (const [key, value] of Object.entries({ x1: 0, x2: width, y1: half + 5, y2: half + 5 })) line.setAttribute(key, value);
  line.setAttribute("class", "axis");
  svg.append(line);
  const table = make("table", null, make("thead", null, make("tr", null, make("th", { scope: "col" }, unit),
    make("th", { scope: "col", class: "number" }, "entered"), make("th", { scope: "col", class: "number" }, "left"))));
  const body = make("tbody", null);
  for (const name of [...bins.keys()].sort()) {
    body.append(make("tr", null, make("th", { scope: "row" }, name),
      make("td", { class: "number" }, number(bins.get(name).entered)), make("td", { class: "number" }, number(bins.get(name).left))));
  }
  table.append(body);
  section.append(
    make("h2", null, "When secrets entered and left"),
    make("p", { class: "quiet" }, `By ${unit}, ${names[0]} to ${names[names.length - 1]}: above the line those that entered, below those that were last seen then.`),
    svg,
    make("details", null, make("summary", null, "As a table"), table),
  );
}

// All bins from the first to the last, as far as they fit.
function allNames(known, length) {
  const names = [];
  let at = new Date(known[0].padEnd(10, "-01"));
  const last = known[known.length - 1];
  for (;;) {
    const name = at.toISOString().slice(0, length);
    names.push(name);
    if (name >= last || names.length > 400) break;
    at = length === 4 ? new Date(Date.UTC(at.getUTCFullYear() + 1, 0, 1))
      : length === 7 ? new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1))
      : new Date(at.getTime() + 86400000);
  }
  return names.length > 400 ? known : names;
}

function coverage() {
  const r = data.receipt;
  const rows = [
    ["Blobs", `${number(r.blobs.scanned)} scanned of ${number(r.blobs.seen)}`],
    ["Commits, trees, tags", `${number(r.commits)}, ${number(r.trees)}, ${number(r.tags)}`],
    ["Bytes", number(r.bytes)],
    ["Below the least confidence", number(r.below_confidence)],
    ["Rules", r.ruleset_hash],
    ["Made by", `${data.meta.tool} ${data.meta.version}`],
  ];
  for (const [reason, n] of Object.entries(r.blobs.skipped_by_reason)) rows.push([`Skipped: ${reason}`, number(n)]);
  const table = byId("coverage");
  for (const [name, value] of rows) {
    table.append(make("tr", null, make("th", { scope: "row" }, name), make("td", null, value)));
  }
  const issues = byId("issues");
  addPaged(issues, r.issues, (issue) =>
    make("li", null, `${issue.kind}: ${issue.message}`, issue.path ? make("code", null, ` ${issue.path}`) : null,
      issue.object ? make("code", null, ` ${issue.object}`) : null));
  if (!r.issues.length) issues.append(make("li", null, "No problems."));
  const tips = Object.entries(r.tips);
  addPaged(byId("tips"), tips, ([name, id]) =>
    make("tr", null, make("th", { scope: "row" }, name), make("td", null, make("code", null, id))));
  byId("incomplete").hidden = r.complete;
}

function counts() {
  const list = byId("counts");
  const open = data.findings.filter((f) => !f.suppression);
  for (const level of LEVELS) {
    const n = open.filter((f) => f.severity === level).length;
    list.append(make("li", null, make("b", { class: level }, number(n)), level));
  }
  const there = open.filter((f) => f.there).length;
  list.append(make("li", null, make("b", null, number(there)), "still there"));
  const places = open.reduce((sum, f) => sum + f.occurrences.length, 0);
  list.append(make("li", null, make("b", null, number(places)), "places"));
  const suppressed = data.findings.length - open.length;
  if (suppressed) list.append(make("li", null, make("b", null, number(suppressed)), "suppressed"));
}

let waiting = 0;
function changed() {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    writeAddress();
    show();
  }, 80);
}

form.addEventListener("input", changed);
form.addEventListener("reset", () => setTimeout(changed));
form.addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", () => {
  readAddress();
  show();
});
addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
    event.preventDefault();
    form.elements.q.focus();
  }
});
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});

fillChoices();
readAddress();
counts();
coverage();
show();
document.documentElement.dataset.ready = "yes";
