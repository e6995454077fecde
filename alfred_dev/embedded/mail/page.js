"use strict";
const $ = (id) => document.getElementById(id);
const PAGE = 50;
let shown = PAGE, mails = [], open = null, tab = null;

function made(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

async function ask(path, options) {
  try {
    const answer = await fetch(path, options);
    if (answer.ok) { say(""); return answer; }
    const body = await answer.json().catch(() => ({}));
    if (answer.status !== 404) say(body.error ? body.error.message : `error ${answer.status}`);
  } catch (error) {
    say("The mail server does not answer.");
  }
  return null;
}

function say(text) { $("state").textContent = text; }
function person(p) { return p.Name ? `${p.Name} <${p.Address}>` : p.Address; }
function short(p) { return p ? p.Name || p.Address : "(nobody)"; }

function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1048576).toFixed(1)} MB`;
}

function when(text) {
  const then = new Date(text), now = new Date();
  if (then.toDateString() === now.toDateString()) {
    return then.toLocaleTimeString([], {hour: "2-digit", minute: "2-digit"});
  }
  return then.toLocaleDateString([], {day: "numeric", month: "short"});
}

async function list() {
  const query = $("query").value.trim();
  const where = query ? `/api/v1/search?query=${encodeURIComponent(query)}&` : "/api/v1/messages?";
  const answer = await ask(`${where}limit=${shown}`);
  if (!answer) return;
  const found = await answer.json();
  if (query !== $("query").value.trim()) return;  // typed on meanwhile
  mails = found.messages;
  $("list").replaceChildren(...mails.map(row));
  $("counts").textContent = found.total ? `${found.total}, ${found.unread} unread` : "";
  document.title = found.unread ? `(${found.unread}) Mail` : "Mail";
  $("more").hidden = found.messages_count <= mails.length;
  $("none").hidden = mails.length > 0;
  $("none").textContent = query ? "No mail is like that." : "No mail yet. What your services send comes here.";
  $("delete-all").disabled = found.total === 0;
}

function row(mail) {
  const to = mail.To.concat(mail.Cc, mail.Bcc).map(short).join(", ");
  const link = made("a", {href: `#${mail.ID}`, className: mail.Read ? "" : "unread"},
    made("span", {className: "who"},
      made("span", {textContent: `${short(mail.From)} \u2192 ${to || "(nobody)"}`}),
      made("time", {dateTime: mail.Created, textContent: when(mail.Created)})),
    made("span", {className: "what", textContent: mail.Subject || "(no subject)"}),
    made("span", {className: "how",
      textContent: (mail.Attachments ? `\u{1F4CE} ${mail.Attachments}  ` : "") + mail.Snippet}));
  if (open && open.ID === mail.ID) link.setAttribute("aria-current", "true");
  return made("li", {}, link);
}

function mark() {
  for (const link of document.querySelectorAll("#list a")) {
    if (open && link.hash === `#${open.ID}`) {
      link.setAttribute("aria-current", "true");
      link.scrollIntoView({block: "nearest"});
    } else {
      link.removeAttribute("aria-current");
    }
  }
}

async function read() {
  const id = location.hash.slice(1);
  const answer = id && await ask(`/api/v1/message/${encodeURIComponent(id)}`);
  if (id !== location.hash.slice(1)) return;
  open = answer ? await answer.json() : null;
  $("mail").hidden = !open;
  $("nothing").hidden = !!open;
  document.body.classList.toggle("reading", !!open);
  mark();
  if (!open) return;
  $("subject").textContent = open.Subject || "(no subject)";
  const people = [["From", open.From ? [open.From] : []], ["To", open.To], ["Cc", open.Cc],
    ["Bcc", open.Bcc], ["Reply to", open.ReplyTo]].filter(([, who]) => who.length);
  const date = new Date(open.Created).toLocaleString();
  $("people").replaceChildren(...[...people.map(([n, who]) => [n, who.map(person).join(", ")]),
    ["Received", `${date}, ${size(open.Size)}`]]
    .flatMap(([name, text]) => [made("dt", {textContent: name}), made("dd", {textContent: text})]));
  $("files").replaceChildren(...open.Attachments.map((file) => made("li", {},
    made("a", {href: `/api/v1/message/${open.ID}/part/${file.PartID}`, download: file.FileName,
      textContent: file.FileName}, made("span", {textContent: size(file.Size)})))));
  $("tab-html").disabled = !open.HTML;
  await show(open.HTML ? "html" : "text");
}

async function show(wanted) {
  tab = wanted;
  for (const button of $("tabs").children) {
    const chosen = button.dataset.tab === wanted;
    button.setAttribute("aria-selected", chosen);
    button.tabIndex = chosen ? 0 : -1;
    if (chosen) $("pane").setAttribute("aria-labelledby", button.id);
  }
  const content = await pane(wanted);
  if (tab === wanted && content) $("pane").replaceChildren(content);
}

async function pane(wanted) {
  if (wanted === "html") {
    // Nothing in the frame can run, or reach this page: the server's policy says so, too.
    const frame = made("iframe", {title: "The mail's HTML", src: `/view/${open.ID}.html`});
    frame.setAttribute("sandbox", "allow-popups allow-popups-to-escape-sandbox");
    return frame;
  }
  if (wanted === "text") return made("pre", {textContent: open.Text || "(no text)"});
  const answer = await ask(`/api/v1/message/${open.ID}/${wanted === "headers" ? "headers" : "raw"}`);
  if (!answer) return null;
  if (wanted === "source") return made("pre", {textContent: await answer.text()});
  const rows = Object.entries(await answer.json()).flatMap(([name, values]) =>
    values.map((value) => made("tr", {}, made("th", {scope: "row", textContent: name}),
      made("td", {textContent: value}))));
  return made("table", {}, made("tbody", {}, ...rows));
}

async function remove(ids) {
  const options = {method: "DELETE", headers: {"content-type": "application/json"},
    body: JSON.stringify({IDs: ids})};
  if (!await ask("/api/v1/messages", options)) return;
  const at = open ? mails.findIndex((mail) => mail.ID === open.ID) : -1;
  const next = ids.length && at >= 0 ? mails[at + 1] || mails[at - 1] : null;
  location.hash = next ? next.ID : "";
  await list();
}

function step(by) {
  const at = open ? mails.findIndex((mail) => mail.ID === open.ID) : -1;
  const next = mails[Math.max(0, at + by)];
  if (next) location.hash = next.ID;
}

let sure = 0, waiting = 0, due = 0;
function unsure() {
  clearTimeout(sure);
  sure = 0;
  $("delete-all").textContent = "Delete all";
  $("delete-all").classList.remove("sure");
}
$("delete-all").onclick = () => {
  if (sure) { unsure(); remove([]); return; }
  $("delete-all").textContent = "Really delete all?";
  $("delete-all").classList.add("sure");
  sure = setTimeout(unsure, 4000);
};
$("delete").onclick = () => remove([open.ID]);
$("back").onclick = () => { location.hash = ""; };
$("more").onclick = () => { shown += PAGE; list(); };
$("form").onsubmit = (event) => { event.preventDefault(); list(); };
$("query").oninput = () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => { shown = PAGE; list(); }, 150);
};
$("tabs").onclick = (event) => { if (event.target.dataset.tab) show(event.target.dataset.tab); };
$("tabs").onkeydown = (event) => {
  const by = {ArrowRight: 1, ArrowLeft: -1}[event.key];
  if (!by) return;
  const tabs = [...$("tabs").children].filter((button) => !button.disabled);
  const next = tabs[(tabs.indexOf(event.target) + by + tabs.length) % tabs.length];
  next.focus();
  show(next.dataset.tab);
};
document.onkeydown = (event) => {
  if (event.target.tagName === "INPUT") {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "j") step(1);
  if (event.key === "k") step(-1);
  if (event.key === "Delete" && open) remove([open.ID]);
  if (event.key === "/") { event.preventDefault(); $("query").focus(); }
};
window.onhashchange = read;

const events = new EventSource("/events");
events.onmessage = () => {  // many at once are one look
  if (!due) due = setTimeout(() => { due = 0; list(); }, 100);
};
events.onopen = () => list();
events.onerror = () => say("The mail server does not answer; trying again.");
list();
read();
