"""The page of a stand-in: says what it is, what it answers, and what it waits for. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape

from alfred_dev.embedded.pages import Page
from alfred_dev.embedded.readiness import State
from alfred_dev.embedded.spec import EmbeddedSpec

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --good: #0a7d33; --bad: #c62828; }
@media (prefers-color-scheme: dark) { :root { --good: #5fd38d; --bad: #ff8a80; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.note { background: var(--soft); border-radius: .5rem; padding: .75rem 1rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: .35rem 1rem .35rem 0; border-bottom: 1px solid var(--line); }
code { font-family: ui-monospace, monospace; }
.good { color: var(--good); } .bad { color: var(--bad); }
"""

# Asks again every two seconds, and only while somebody looks.
SCRIPT = """
async function look() {
  if (document.hidden) return;
  let known = {};
  try {
    const answer = await fetch("/ready");
    for (const d of (await answer.json()).dependencies) known[d.service] = d;
  } catch (error) { /* the stand-in is down: every row says so */ }
  for (const row of document.querySelectorAll("tr[data-service]")) {
    const d = known[row.dataset.service] || {ok: false, detail: "the stand-in does not answer"};
    row.cells[1].textContent = d.ok ? "reachable" : "not reachable";
    row.cells[1].className = d.ok ? "good" : "bad";
    row.cells[2].textContent = d.detail;
  }
}
setInterval(look, 2000);
"""


def content_security_policy() -> str:
    """Return the header that lets the page run its own style and script, and nothing else."""
    return (
        f"default-src 'none'; style-src '{_digest(STYLE)}'; script-src '{_digest(SCRIPT)}'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def html(spec: EmbeddedSpec, real: str, pages: Sequence[Page], state: State | None) -> str:
    """Return the whole page. ``real``: the software that is not here, for one that is not ours."""
    title = escape(f"{spec.title}: stand-in")
    live = any(page.path == "/ready" for page in pages)
    script = f"<script>{SCRIPT}</script>" if spec.asks and live else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{STYLE}</style></head><body>
<h1>{escape(spec.title)}</h1>
<p class="note">{_what_it_is(spec, real)}</p>
<h2>It answers</h2><div class="scroll"><table>{_answers(spec, pages)}</table></div>
{_dependencies(spec, state)}{script}</body></html>
"""


def _what_it_is(spec: EmbeddedSpec, real: str) -> str:
    name = f"<code>{escape(spec.id)}</code>"
    if spec.id == "monitoring-dashboard":
        return (
            f"This is a <b>stand-in</b> of alfred-dev for {escape(real)} ({name}), which is not on "
            "this machine. The live page of the whole stack, with rates, latencies and alerts: "
            "<code>alfred-dev dashboard</code>."
        )
    if real:
        return (
            f"This is a <b>stand-in</b> of alfred-dev for {escape(real)} ({name}), which is not on "
            "this machine. It holds the port, and does nothing of what the real one does."
        )
    return (
        f"This is a <b>stand-in</b> of alfred-dev for the platform's service {name}, whose code is "
        "not here. It takes part in the traffic; it is not the real thing."
    )


def _answers(spec: EmbeddedSpec, pages: Sequence[Page]) -> str:
    rows = [(f"{page.method} {page.path}", page.purpose) for page in pages]
    rows += [
        (f"{p.probe} on port {p.listen}", p.purpose) for p in spec.ports if p.probe in "smtp grpc"
    ]
    return "".join(
        f"<tr><td><code>{escape(what)}</code></td><td>{escape(purpose)}</td></tr>"
        for what, purpose in rows
    )


def _dependencies(spec: EmbeddedSpec, state: State | None) -> str:
    if not spec.asks:
        return ""
    known = {answer.service: answer for answer in state.answers} if state else {}
    rows = []
    for ask in spec.asks:
        answer = known.get(ask.service)
        ok, detail = (answer.ok, answer.detail) if answer else (False, "not asked yet")
        word, look = ("reachable", "good") if ok else ("not reachable", "bad")
        rows.append(
            f'<tr data-service="{escape(ask.service)}"><td><code>{escape(ask.service)}</code></td>'
            f'<td class="{look}">{word}</td><td>{escape(detail)}</td></tr>'
        )
    return f'<h2>It depends on</h2><div class="scroll"><table>{"".join(rows)}</table></div>'
