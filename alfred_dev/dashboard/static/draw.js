// Pictures: the network as tiers and edges, and sparklines. Knows no server.
const NS = "http://www.w3.org/2000/svg";
const KIND = {healthy: "good", starting: "warn", unhealthy: "bad", down: "bad"};

// What only waits for somebody ill is not red: the eye shall find the root.
export const waits = (s) => s.health !== "healthy" && s.blocked_by.length > 0 && s.health !== "down";
// One that was killed may be back before the next look: it is red for a moment all the same.
export const kind = (s) => s.fell ? "bad" : waits(s) ? "warn" : KIND[s.health];
export const word = (s) => s.fell && s.health === "healthy" ? "started again" : waits(s) ? "waiting" : s.health === "down" ? "not running" : s.health;

export function svg(tag, attributes, ...children) {
  const made = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export const rate = (n) => n == null ? "" : n >= 100 ? `${Math.round(n)}/s` : `${n.toFixed(1)}/s`;
export const ms = (n) => n == null ? "–" : n >= 1000 ? `${(n / 1000).toFixed(1)} s` : n >= 10 ? `${Math.round(n)} ms` : `${n.toFixed(1)} ms`;

// Where each node lies: columns on a wide page, bands below each other on a phone.
function places(tiers, services, phone) {
  const spots = new Map(), lanes = [];
  const groups = tiers.map((tier) => [tier, services.filter((s) => s.tier === tier)]).filter(([, g]) => g.length);
  if (phone) {
    let y = 0;
    for (const [tier, group] of groups) {
      const rows = Math.ceil(group.length / 2);
      lanes.push({tier, x: 0, y, w: 380, h: 30 + rows * 60});
      group.forEach((s, i) => spots.set(s.id, {x: 8 + (i % 2) * 184, y: y + 26 + Math.floor(i / 2) * 60, w: 178, h: 46}));
      y += 48 + rows * 60;
    }
    return {spots, lanes, w: 380, h: y - 14};
  }
  const most = Math.max(...groups.map(([, g]) => g.length)), step = 62, h = 44 + most * step;
  const w = 1400, gap = 108, lane = (w - gap * (groups.length - 1)) / groups.length;
  groups.forEach(([tier, group], column) => {
    const x = column * (lane + gap);
    lanes.push({tier, x, y: 0, w: lane, h});
    const top = 36 + (most - group.length) * step / 2;
    group.forEach((s, i) => spots.set(s.id, {x: x + 10, y: top + i * step, w: lane - 20, h: 46}));
  });
  return {spots, lanes, w, h};
}

function curve(a, b, phone) {
  if (phone) {
    const down = b.y > a.y, x1 = a.x + a.w / 2, x2 = b.x + b.w / 2;
    const y1 = down ? a.y + a.h : a.y, y2 = down ? b.y : b.y + b.h, m = (y2 - y1) / 2;
    return [x1, y1, x1, y1 + m, x2, y2 - m, x2, y2];
  }
  const same = Math.abs(a.x - b.x) < 1;
  if (same) { // within a column: round its right side
    const x = a.x + a.w, y1 = a.y + a.h / 2, y2 = b.y + b.h / 2, out = x + 34;
    return [x, y1, out, y1, out, y2, x, y2];
  }
  const right = b.x > a.x, x1 = right ? a.x + a.w : a.x, x2 = right ? b.x : b.x + b.w;
  const y1 = a.y + a.h / 2, y2 = b.y + b.h / 2, m = Math.max(40, Math.abs(x2 - x1) / 2) * (right ? 1 : -1);
  return [x1, y1, x1 + m, y1, x2 - m, y2, x2, y2];
}

function along(c, t) {
  const u = 1 - t, of = (i) => u ** 3 * c[i] + 3 * u * u * t * c[i + 2] + 3 * u * t * t * c[i + 4] + t ** 3 * c[i + 6];
  return [of(0), of(1)];
}

export class Network {
  constructor(place) { this.place = place; this.key = ""; this.nodes = new Map(); this.edges = new Map(); }

  show(view, tiers) {
    const services = view.services.filter((s) => s.selected);
    const phone = this.place.clientWidth < 700;
    const key = JSON.stringify([phone, services.map((s) => s.id), view.edges.map((e) => [e.from, e.to])]);
    if (key !== this.key) { this.key = key; this.build(services, view.edges, tiers, phone); }
    const ill = new Set(services.filter((s) => kind(s) === "bad").map((s) => s.id));
    for (const s of services) this.node(s);
    for (const e of view.edges) this.edge(e, ill);
    this.label();
  }

  build(services, edges, tiers, phone) {
    const {spots, lanes, w, h} = places(tiers, services, phone);
    this.nodes.clear(); this.edges.clear(); this.phone = phone; this.lanes = lanes; this.spots = [...spots.values()];
    const root = svg("svg", {viewBox: `0 0 ${w} ${h}`, role: "group", "aria-label": "Services by tier, and who depends on whom"});
    for (const lane of lanes) root.append(
      svg("rect", {class: "lane", x: lane.x, y: lane.y, width: lane.w, height: lane.h, rx: 12}),
      svg("text", {class: "tier", x: lane.x + 12, y: lane.y + 19}, lane.tier));
    const over = svg("g", {"aria-hidden": "true"}), tags = svg("g", {"aria-hidden": "true"});
    for (const e of edges) {
      const a = spots.get(e.from), b = spots.get(e.to);
      if (!a || !b) continue;
      const c = curve(a, b, phone);
      const path = svg("path", {class: "edge", d: `M${c[0]} ${c[1]} C${c.slice(2).join(" ")}`}), tag = svg("text", {class: "tag"});
      over.append(path); tags.append(tag);
      this.edges.set(`${e.from} ${e.to}`, {path, tag, curve: c, from: e.from, to: e.to, text: ""});
    }
    root.append(over);
    for (const s of services) {
      const p = spots.get(s.id), small = svg("text", {class: "small", x: p.x + 28, y: p.y + 36});
      const link = svg("a", {class: "node", href: `#card-${s.id}`},
        svg("rect", {x: p.x, y: p.y, width: p.w, height: p.h, rx: 9}), svg("circle", {cx: p.x + 15, cy: p.y + 17, r: 5.5}),
        svg("text", {class: "name", x: p.x + 28, y: p.y + 21}, s.title), small);
      for (const [event, on] of [["pointerenter", true], ["pointerleave", false], ["focus", true], ["blur", false]])
        link.addEventListener(event, () => this.near(on ? s.id : null));
      root.append(link);
      this.nodes.set(s.id, {link, small});
    }
    root.append(tags);
    this.place.replaceChildren(root);
  }

  node(s) {
    const {link, small} = this.nodes.get(s.id), t = s.traffic;
    const probed = Math.max(...s.endpoints.map((e) => e.latency_ms ?? -1));
    const text = s.health !== "healthy" ? word(s) : t && t.rate > 0.05 ? `${rate(t.rate)} · p95 ${ms(t.p95)}` : probed >= 0 ? ms(probed) : "";
    link.setAttribute("class", `node ${kind(s)}`);
    link.setAttribute("aria-label", `${s.title}: ${word(s)}${text && text !== word(s) ? `, ${text}` : ""}`);
    small.textContent = text;
  }

  edge(e, ill) {
    const found = this.edges.get(`${e.from} ${e.to}`);
    if (!found) return;
    const busy = e.traffic && e.traffic.rate > 0.05;
    found.kind = ill.has(e.to) ? "broken" : busy ? "busy" : "";
    found.rate = busy ? e.traffic.rate : 0;
    found.text = busy ? `${rate(e.traffic.rate)} · ${ms(e.traffic.p95)}` : "";
    this.paint(found);
  }

  near(id) { this.focus = id; for (const e of this.edges.values()) this.paint(e); this.label(); }

  // The busiest first, few and apart, each where no other label is; a service's own when it is pointed at.
  label() {
    const placed = [], apart = this.focus ? 15 : 34, most = this.focus ? 99 : 5, all = [...this.edges.values()].sort((a, b) => (b.rate || 0) - (a.rate || 0));
    for (const e of all) {
      const mine = this.focus ? e.from === this.focus || e.to === this.focus : !this.phone;
      let spot = null;
      if (e.text && mine && placed.length < most) for (const t of [0.5, 0.38, 0.62, 0.28, 0.72, 0.2, 0.8, 0.12, 0.88]) {
        const [at, y] = along(e.curve, t), x = at + (e.curve[0] === e.curve[6] && !this.phone ? 16 : 0);
        const outside = (l, up, down) => x + 37 < l.x || x - 37 > l.x + l.w || y + up < l.y || y - down > l.y + l.h;
        const free = this.focus ? this.spots.every((n) => outside(n, 5, 5)) : this.lanes.every((l) => outside(l, 0, 0));
        if (free && placed.every(([a, b]) => Math.abs(a - x) > 84 || Math.abs(b - y) > apart)) { spot = [x, y]; break; }
      }
      e.tag.textContent = spot ? e.text : "";
      if (spot) { placed.push(spot); e.tag.setAttribute("x", spot[0].toFixed(0)); e.tag.setAttribute("y", (spot[1] + 3).toFixed(0)); }
    }
  }

  paint(e) {
    const mine = this.focus && (e.from === this.focus || e.to === this.focus);
    e.path.setAttribute("class", `edge ${e.kind || ""} ${this.focus ? (mine ? "near" : "far") : ""}`);
  }
}

// Columns of time, rows of latency; the more requests, the stronger.
export function heat(place, columns, bounds) {
  const phone = place.clientWidth < 700, W = phone ? 380 : 900, wide = phone ? 36 : 90;
  const left = 56, top = 4, row = 15, n = bounds.length + 1, h = top + n * row, w = (W - left) / wide, seen = columns.slice(-wide);
  const most = Math.max(1, ...columns.flatMap((c) => c.counts));
  const root = svg("svg", {viewBox: `0 0 ${W} ${h + 18}`, role: "img", "aria-label": told(columns, bounds)});
  bounds.forEach((b, i) => { if (i % 2 === 0 || i === n - 2) root.append(svg("text", {class: "axis", x: left - 8, y: top + (n - i) * row - row + 4, "text-anchor": "end"}, b < 1000 ? `${b} ms` : `${b / 1000} s`)); });
  root.append(svg("rect", {class: "lane", x: left, y: top, width: W - left, height: n * row, rx: 4}));
  seen.forEach((c, x) => c.counts.forEach((count, i) => {
    if (!count) return;
    const cell = svg("rect", {class: "cell", x: (left + (wide - seen.length + x) * w).toFixed(1), y: top + (n - 1 - i) * row + 0.5, width: Math.max(w - 0.6, 1).toFixed(1), height: row - 1, "fill-opacity": (0.18 + 0.82 * Math.log1p(count) / Math.log1p(most)).toFixed(2)});
    cell.append(svg("title", {}, `${count} within ${bounds[i] ? `${bounds[i]} ms` : "more than 1 s"}, ${new Date(c.at * 1000).toLocaleTimeString()}`));
    root.append(cell);
  }));
  if (columns.length > 1) {
    const first = new Date(seen[0].at * 1000).toLocaleTimeString(), x = left + (wide - seen.length) * w;
    root.append(svg("text", {class: "axis", x: Math.min(x, W - 130), y: h + 13}, first), svg("text", {class: "axis", x: W, y: h + 13, "text-anchor": "end"}, "now"));
  }
  place.replaceChildren(root);
}

function told(columns, bounds) {
  const sums = bounds.map((_, i) => columns.reduce((n, c) => n + c.counts[i], 0)), above = columns.reduce((n, c) => n + c.counts[bounds.length], 0);
  const all = sums.reduce((a, b) => a + b, above), most = sums.indexOf(Math.max(...sums));
  return all ? `Latency of ${all} requests over time; most took up to ${bounds[most]} ms, ${above} more than a second` : "No requests yet";
}

export function spark(place, values) {
  const known = values.filter((v) => v != null), most = Math.max(1, ...known), n = Math.max(values.length - 1, 1);
  let line = "", first = null, last = null;
  values.forEach((v, i) => {
    if (v == null) return;
    const x = (i / n * 200).toFixed(1), y = (32 - v / most * 29).toFixed(1);
    line += `${line ? "L" : "M"}${x} ${y}`; first ??= x; last = x;
  });
  const [area, path] = place.children;
  path.setAttribute("d", line);
  area.setAttribute("d", line ? `${line}L${last} 34L${first} 34Z` : "");
}
