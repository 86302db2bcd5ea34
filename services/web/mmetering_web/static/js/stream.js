// The live values: one stream of events, which comes back by itself, and the banners that say what is missing.

import { moment, span } from "./format.js";

const RETRY_MS = 5000;
let base = Date.now() - performance.now(); // the server's clock; until it is known, the browser's
let lostAt = null;

// Milliseconds since 1970 by the server's clock: ages do not depend on the browser's.
export function now() {
  return base + performance.now();
}

// Calls back when the database has come back, or stores again: history can be loaded again.
export function onHistoryBack(callback) {
  addEventListener("historyback", callback);
}

export function listen(url, onFrame) {
  const source = new EventSource(url);
  source.onmessage = (event) => {
    const frame = JSON.parse(event.data);
    base = frame.now - performance.now();
    lostAt = null;
    banner("server", null);
    banner("broker", frame.broker_since);
    const database = banner("database", frame.database_since);
    const late = banner("late", frame.late_since);
    if (database === "ended" || late === "ended") dispatchEvent(new Event("historyback"));
    banner("clock", frame.clocks[0]?.since ?? null);
    document.querySelector("[data-clocks]").textContent = frame.clocks.map(offset).join(", ");
    document.body.classList.toggle("lost", frame.broker_since !== null);
    onFrame(frame);
  };
  source.onerror = () => {
    lostAt ??= now();
    banner("server", lostAt);
    document.body.classList.add("lost");
    if (source.readyState === EventSource.CLOSED) setTimeout(() => again(url, onFrame), RETRY_MS);
  };
  addEventListener("pagehide", () => source.close());
}

function offset({ gateway, ahead_s }) {
  return `${gateway} is ${span(Math.abs(ahead_s) * 1000)} ${ahead_s > 0 ? "ahead" : "behind"}`;
}

// The server refused: because nobody is logged in any more, or because too many pages are open.
async function again(url, onFrame) {
  const answer = await fetch(url, { method: "HEAD" }).catch(() => null);
  if (answer?.status === 401) location.reload();
  else listen(url, onFrame);
}

// Shows or hides a banner and returns what has changed.
function banner(name, since) {
  const element = document.querySelector(`[data-banner="${name}"]`);
  if (since !== null) element.querySelector("time").textContent = moment(since, now());
  if (element.hidden === (since === null)) return "as before";
  element.hidden = since === null;
  return element.hidden ? "ended" : "begun";
}
