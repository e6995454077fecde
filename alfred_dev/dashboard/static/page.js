// The page: one stream of views from the server, drawn in place, so that focus never jumps.
import {Network, heat, kind, ms, rate, spark, svg, word} from "/draw.js";

const $ = (id) => document.getElementById(id);
const el = (tag, attributes, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) name === "class" ? made.className = value : made.setAttribute(name, value);
  made.append(...children.filter((c) => c != null));
  return made;
};
const KEPT = 90;
const cards = new Map(), past = new Map();
const network = new Network($("network"));
let fixed = {tiers: [], names: [], heat_ms: []}, view = null;
const columns = [], fell = new Map(), starts = new Map();

function warm(column) {
  if (!column || columns.length && column.at <= columns[columns.length - 1].at) return;
  columns.push(column); if (columns.length > 90) columns.shift();
  if (!document.hidden) heat($("heat"), columns, fixed.heat_ms);
}

async function call(path, options) {
  const answer = await fetch(path, options);
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(said.error?.message || `the dashboard says ${answer.status}`), {status: answer.status});
  return said;
}
const post = (path, body) => call(path, {method: "POST", body: body ? JSON.stringify(body) : null});

function say(text) { $("said").textContent = text; clearTimeout(say.timer); say.timer = setTimeout(() => { $("said").textContent = ""; }, 4000); }

function theme(dark) { document.documentElement.classList.toggle("dark", dark); $("theme").textContent = dark ? "Light" : "Dark"; }
const wanted = matchMedia("(prefers-color-scheme: dark)");
const chosen = localStorage.getItem("theme");
theme(chosen ? chosen === "dark" : wanted.matches);
wanted.addEventListener("change", (e) => { if (!localStorage.getItem("theme")) theme(e.matches); });
$("theme").addEventListener("click", () => { const dark = !document.documentElement.classList.contains("dark"); localStorage.setItem("theme", dark ? "dark" : "light"); theme(dark); });

const bytes = (n) => n == null ? "–" : n > 1e9 ? `${(n / 1e9).toFixed(1)} GB` : `${Math.round(n / 1e6)} MB`;
const share = (n) => n == null ? "–" : `${(n * 100).toFixed(n < 0.1 ? 1 : 0)} %`;

function card(s) {
  const part = {dot: el("i", {class: "dot"}), word: el("span", {class: "word"}), from: el("p", {class: "soft from"}), why: el("p", {class: "why"}),
    ends: el("ul", {class: "ends"}), figures: {}};
  part.spark = svg("svg", {class: "spark", viewBox: "0 0 200 34", preserveAspectRatio: "none", role: "img", "aria-label": "latency of the last minutes"}, svg("path", {class: "area"}), svg("path", {}));
  for (const e of s.endpoints) {
    const copy = el("button", {type: "button", "aria-label": `Copy ${e.url}`}, "Copy");
    copy.addEventListener("click", () => navigator.clipboard.writeText(e.url).then(() => say(`Copied ${e.url}`), () => say(e.url)));
    const name = e.url.startsWith("http") ? el("a", {class: "mono", href: e.url, target: "_blank", rel: "noopener"}, e.url) : el("span", {class: "mono"}, e.url);
    part.ends.append(el("li", {}, name, copy));
  }
  const facts = el("dl", {class: "facts"});
  for (const name of ["p50", "p95", "p99", "rate", "errors", "CPU", "memory", "restarts"]) facts.append(el("div", {}, el("dt", {}, name), part.figures[name] = el("dd", {}, "–")));
  const log = el("button", {type: "button", "aria-label": `Log of ${s.title}`}, "Log");
  log.addEventListener("click", () => openLog(s));
  const again = el("button", {type: "button", "aria-label": `Restart ${s.title}`}, "Restart");
  again.addEventListener("click", () => restart(s, again));
  part.root = el("article", {class: "card", id: `card-${s.id}`, tabindex: "-1"},
    el("div", {class: "top"}, part.dot, el("h3", {title: s.id}, s.title), part.word), part.from, part.why, part.ends, el("div", {}, part.spark, part.of = el("p", {class: "soft of"})), facts,
    el("div", {class: "deeds"}, log, s.id === "dashboard" || s.from === "host" ? null : again));
  return part;
}

function showCard(s) {
  if (!cards.has(s.id)) { const made = card(s); cards.set(s.id, made); $("cards").append(made.root); }
  const part = cards.get(s.id), look = kind(s), t = s.traffic || {};
  part.root.className = `card ${look}`; part.dot.className = `dot ${look}`;
  part.word.className = `word ${look}`; part.word.textContent = word(s);
  const detail = (s.from_detail || "").replace(/^stand-in: /, "");
  part.from.textContent = `${s.tier} · ${s.from}${detail ? ` · ${detail}` : ""}`; part.from.title = s.from_detail || "";
  const why = s.health === "healthy" ? s.fell ? "It ended, and was started again." : "" : s.blocked_by.length ? `waits for ${s.blocked_by.join(", ")}` : s.detail;
  part.why.textContent = why; part.why.hidden = !why;
  const busy = t.p50 != null, q = busy ? t : quantiles(past.get(s.id) || []);
  part.of.textContent = busy ? "line: our probes; figures: requests of the last minute" : "latency of our probes";
  const told = {p50: ms(q.p50), p95: ms(q.p95), p99: ms(q.p99), rate: rate(t.rate) || "–", errors: t.rate ? share(t.errors) : "–", CPU: share(s.cpu), memory: bytes(s.memory), restarts: String(s.restarts)};
  for (const [name, text] of Object.entries(told)) if (part.figures[name].textContent !== text) part.figures[name].textContent = text;
  spark(part.spark, past.get(s.id) || []);
  const words = $("filter").value.toLowerCase(), all = `${s.id} ${s.title} ${s.tier} ${s.health} ${s.from} ${s.health === "healthy" ? "" : "ill"}`.toLowerCase();
  part.root.hidden = !all.includes(words.trim());
}

function quantiles(values) {
  const known = values.filter((v) => v != null).sort((a, b) => a - b), of = (q) => known.length ? known[Math.min(known.length - 1, Math.ceil(q * known.length) - 1)] : null;
  return {p50: of(0.5), p95: of(0.95), p99: of(0.99)};
}

function remember(id, latency) {
  const kept = past.get(id) || [];
  kept.push(latency); if (kept.length > KEPT) kept.shift();
  past.set(id, kept);
}

function list(id, rows, empty) { const made = rows.length ? rows : [el("li", {class: "soft"}, empty)]; $(id).replaceChildren(...made); }

function show(next, fresh) {
  view = next;
  const shown = view.services.filter((s) => s.selected);
  for (const s of shown) {
    if (s.restarts > (starts.get(s.id) ?? s.restarts)) fell.set(s.id, view.at + 4);
    starts.set(s.id, s.restarts); s.fell = (fell.get(s.id) || 0) > view.at;
  }
  const well = shown.filter((s) => s.health === "healthy").length;
  $("where").textContent = `runtime ${view.runtime}, slot ${view.slot}, ${view.domain}`;
  const text = well === shown.length ? `all ${well} healthy` : `${well} of ${shown.length} healthy`;
  if ($("summary").textContent !== text) $("summary").textContent = text;
  $("summary").className = `pill ${well === shown.length ? "good" : "bad"}`;
  document.title = `${well === shown.length ? "" : `${shown.length - well} ill · `}Alfred: dashboard`;
  if (fresh) for (const s of shown) { const l = s.endpoints.map((e) => e.latency_ms).filter((n) => n != null); remember(s.id, l.length ? Math.max(...l) : null); }
  network.show(view, fixed.tiers);
  warm(view.heat);
  for (const s of shown) showCard(s);
  for (const [id, part] of cards) if (!shown.some((s) => s.id === id)) { part.root.remove(); cards.delete(id); }
  details(shown);
}

function details(shown) {
  const key = Math.floor(view.at / 5);
  if (details.key === key) return;
  details.key = key;
  list("machine", Object.entries(view.resources).map(([name, used]) => el("li", {}, el("b", {}, name), el("meter", {min: 0, max: 1, high: 0.8, value: used, "aria-label": `${name} used`}), share(used))), "nothing is known");
  list("certificates", view.certificates.map((c) => {
    const days = Math.floor((c.expires_at - view.at) / 86400);
    return el("li", {}, el("b", {}, c.name), el("span", {class: days < 30 ? "word bad" : "soft"}, days < 0 ? "has ended: " : `${days} days left`), days < 30 ? el("code", {}, "alfred-dev certs renew") : null);
  }), "none yet: alfred-dev up makes them");
  list("tunnels", view.tunnels.map((t) => el("li", {}, el("b", {}, t.service), el("a", {href: t.url, rel: "noopener", target: "_blank"}, t.url), el("span", {class: t.healthy ? "word good" : "word bad"}, t.healthy ? " open" : ` ${t.detail || t.state}`))), "none is open");
  $("ports").replaceChildren(...shown.flatMap((s) => s.endpoints.map((e) => [e.port, s.title, e.protocol, e.purpose])).sort((a, b) => a[0] - b[0]).map((row) => el("tr", {}, ...row.map((cell) => el("td", {}, String(cell))))));
}

function names() {
  $("names").replaceChildren(...fixed.names.map((n) => el("tr", {}, el("td", {}, n.url ? el("a", {href: n.url, target: "_blank", rel: "noopener"}, n.name) : n.name), el("td", {}, n.leads_to))));
}

async function alerts() {
  if (document.hidden) return;
  try {
    const found = await call("/api/alerts");
    const order = {critical: 0, security: 1, warning: 2}, firing = found.alerts.sort((a, b) => order[a.severity] - order[b.severity]);
    list("alerts", firing.map((a) => el("li", {}, el("b", {class: a.severity === "critical" ? "word bad" : "word warn"}, `${a.severity}${a.state === "pending" ? ", pending" : ""}`), a.says, " ", a.fix ? el("code", {}, a.fix) : null)), found.known ? "Nothing fires." : "Prometheus does not run here, so no rule is watched: the states above are our own probes'.");
  } catch (error) { /* the stream says when the dashboard is gone */ }
}

async function mails() {
  if (document.hidden) return;
  try {
    const found = await call("/api/mails");
    $("mails-all").hidden = !found.known; $("mails-all").href = found.url;
    list("mails", found.mails.map((m) => el("li", {}, el("time", {class: "soft"}, new Date(m.at).toLocaleTimeString()), " ", el("a", {href: `${found.url}#${encodeURIComponent(m.id)}`, target: "_blank", rel: "noopener"}, m.subject || "(no subject)"), el("span", {class: "soft"}, ` from ${m.from}`))), found.known ? "No mail has come." : "The mail server does not answer.");
  } catch (error) { /* the stream says when the dashboard is gone */ }
}

async function restart(s, button) {
  button.disabled = true; button.textContent = "Restarting";
  try {
    const done = await post(`/api/restart/${encodeURIComponent(s.id)}`);
    say(done.error ? `${done.error.what}: ${done.error.cause || ""}` : `${s.title} was restarted`);
  } catch (error) { say(error.message); }
  button.disabled = false; button.textContent = "Restart";
}

$("ask").addEventListener("click", async () => {
  const button = $("ask"); button.disabled = true; button.textContent = "Looking";
  $("doctor-said").textContent = "This takes a few seconds.";
  try {
    const found = await post("/api/doctor");
    if (found.error) throw new Error(`${found.error.what}: ${found.error.cause || ""}`);
    $("doctor-said").textContent = found.findings.length ? `${found.findings.length} found, the likeliest first.` : "Nothing is wrong.";
    $("findings").replaceChildren(...found.findings.map((f) => el("li", {}, el("b", {class: f.severity === "error" ? "word bad" : f.severity === "warning" ? "word warn" : "word off"}, f.severity), el("strong", {}, f.title), el("p", {class: "soft"}, f.cause || ""), ...(f.fix?.commands || []).map((c) => el("p", {}, el("code", {}, c))))));
  } catch (error) { $("doctor-said").textContent = error.message; }
  button.disabled = false; button.textContent = "Ask again";
});

$("send").addEventListener("click", async () => {
  const button = $("send"); button.disabled = true; button.textContent = "Sending";
  try {
    const found = await post("/api/flow");
    if (found.error) throw new Error(`${found.error.what}: ${found.error.cause || ""}`);
    $("flow-said").textContent = found.ok ? "Every hop was taken." : `It broke${found.broken ? ` at ${found.broken.hop || found.broken}` : ""}.`;
    $("hops").replaceChildren(...found.hops.map((h) => el("li", {}, el("b", {}, h.hop), `p50 ${ms(h.p50_ms)}, p95 ${ms(h.p95_ms)}, p99 ${ms(h.p99_ms)}`)));
  } catch (error) { $("flow-said").textContent = error.message; }
  button.disabled = false; button.textContent = "Send again";
});

let reading = null, lines = [];
function openLog(s) {
  $("log-title").textContent = `Log: ${s.title}`; $("log-text").textContent = ""; $("log-filter").value = "";
  lines = []; reading?.close(); $("log").showModal();
  reading = new EventSource(`/api/logs/${encodeURIComponent(s.id)}`);
  reading.onmessage = (event) => { lines = lines.concat(JSON.parse(event.data)).slice(-1000); showLog(); };
  reading.onopen = () => { lines = []; }; // a stream that breaks begins anew with the last lines
}
function showLog() {
  const words = $("log-filter").value.toLowerCase(), pre = $("log-text"), below = pre.scrollHeight - pre.scrollTop - pre.clientHeight < 30;
  pre.textContent = lines.filter((l) => l.text.toLowerCase().includes(words)).map((l) => `${new Date(l.at * 1000).toLocaleTimeString()}  ${l.text}`).join("\n") || (words ? "No line has this." : "It has said nothing.");
  if (below) pre.scrollTop = pre.scrollHeight;
}
$("log-filter").addEventListener("input", showLog);
$("log").addEventListener("close", () => { reading?.close(); reading = null; });
$("log-close").addEventListener("click", () => $("log").close());
$("filter").addEventListener("input", () => { if (view) show(view, false); });
addEventListener("resize", () => { if (view) network.show(view, fixed.tiers); });

function listen() {
  const stream = new EventSource("/api/events");
  stream.onmessage = (event) => { $("lost").hidden = true; show(JSON.parse(event.data), true); };
  stream.onerror = () => { // a stream that breaks tries again by itself; one that is refused does not
    $("lost").textContent = "The dashboard does not answer: what is shown is old. alfred-dev up starts it again.";
    $("lost").hidden = false;
    $("summary").textContent = "no connection"; $("summary").className = "pill bad";
    if (stream.readyState === EventSource.CLOSED) setTimeout(start, 3000);
  };
  document.addEventListener("visibilitychange", () => { if (document.hidden) stream.close(); else start(); }, {once: true});
}

let asking = null;
async function start() {
  try {
    fixed = await call("/api/fixed");
    const {samples, heat: before} = await call("/api/history");
    for (const column of before) warm(column);
    if (!past.size) for (const s of samples) remember(s.service, s.latency);
  } catch (error) {
    if (error.status === 401) { $("open").hidden = true; $("closed").hidden = false; $("summary").textContent = "closed"; return; }
    setTimeout(start, 3000);
    return;
  }
  $("closed").hidden = true; $("open").hidden = false;
  names(); listen(); alerts(); mails(); heat($("heat"), columns, fixed.heat_ms);
  asking ??= setInterval(() => { alerts(); mails(); }, 5000);
}

async function enter() {
  const code = location.hash.slice(1);
  if (/^[\w-]{32}$/.test(code)) {
    history.replaceState(null, "", location.pathname);
    try { await post("/api/enter", {code}); } catch (error) { say(error.message); }
  }
  start();
}
enter();
