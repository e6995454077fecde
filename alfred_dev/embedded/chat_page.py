"""The chat page of ui-chat's stand-in. Pure."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from alfred_dev.embedded.page import STYLE as COMMON

STYLE = (
    COMMON
    + """
body { display: flex; flex-direction: column; min-height: 90vh; }
#log { flex: 1; display: flex; flex-direction: column; gap: .75rem; margin: 1.5rem 0; }
#log > p { margin: 0; padding: .6rem .9rem; border-radius: .75rem; max-width: 85%;
  white-space: pre-wrap; overflow-wrap: anywhere; }
#log > .you { align-self: flex-end; background: #2962ff; color: #fff; }
#log > .it { align-self: flex-start; background: var(--soft); }
#log > .bad { align-self: flex-start; border: 1px solid var(--bad); }
form { display: flex; gap: .5rem; position: sticky; bottom: 1rem; }
input { flex: 1; font: inherit; padding: .6rem .8rem; border: 1px solid #767676;
  border-radius: .5rem; background: Canvas; color: CanvasText; }
button { font: inherit; padding: .6rem 1.2rem; border: 0; border-radius: .5rem;
  background: #2962ff; color: #fff; cursor: pointer; }
button:disabled { background: #616161; cursor: default; }
#state { font-size: .9rem; margin: 0; }
"""
)

SCRIPT = """
const log = document.getElementById("log"), form = document.querySelector("form");
const input = form.elements.text, button = form.querySelector("button");
const state = document.getElementById("state");
let socket, answer, pause = 500;
function say(kind, text) {
  const p = document.createElement("p");
  p.className = kind;
  p.textContent = text;
  log.append(p);
  p.scrollIntoView({block: "end"});
  return p;
}
function show(open) {
  state.textContent = open ? "connected" : "not connected; trying again";
  state.className = open ? "good" : "bad";
  button.disabled = !open;
}
function connect() {
  socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/ws/chat");
  socket.onopen = () => { pause = 500; show(true); };
  socket.onclose = () => {
    show(false);
    answer = null;
    setTimeout(connect, pause);
    pause = Math.min(pause * 2, 8000);
  };
  socket.onmessage = (event) => {
    const said = JSON.parse(event.data);
    if (said.error) { say("bad", said.error); answer = null; return; }
    if (!answer) answer = say("it", "");
    if (said.delta) answer.textContent += said.delta;
    if (said.done) answer = null;
    button.disabled = !said.done && socket.readyState === 1;
    log.lastElementChild.scrollIntoView({block: "end"});
    if (said.done) button.disabled = false;
  };
}
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = input.value.trim();
  if (!text || socket.readyState !== 1) return;
  say("you", text);
  socket.send(JSON.stringify({text}));
  input.value = "";
  input.focus();
});
show(false);
connect();
"""


def content_security_policy() -> str:
    """Return the header that lets the page run its own style and script, and nothing else."""
    return (
        f"default-src 'none'; style-src '{_digest(STYLE)}'; script-src '{_digest(SCRIPT)}'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def html(title: str) -> str:
    """Return the whole page."""
    name = escape(title)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}: stand-in</title><style>{STYLE}</style></head><body>
<h1>{name}</h1>
<p class="note">This is a <b>stand-in</b> of alfred-dev. What you write goes by WebSocket to here,
then through agent-core to model-router, whose stub of a model needs no key and no network.
<a href="/about">About this stand-in</a></p>
<p id="state" role="status"></p>
<main id="log" aria-live="polite" aria-label="Conversation"></main>
<form><label for="text" hidden>Message</label>
<input id="text" name="text" autocomplete="off" maxlength="4000" placeholder="Write a message"
 aria-label="Message" autofocus><button>Send</button></form>
<script>{SCRIPT}</script></body></html>
"""
