// One live figure with its state and its age: a tile of the dashboard, or the head of a meter's page.

import { energy, power, span } from "./format.js";
import { now } from "./stream.js";

export function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

export const field = (element, name) => element.querySelector(`[data-field="${name}"]`);

export function showPower(element, watts) {
  const [text, unit] = power(watts);
  setText(field(element, "power"), text);
  setText(field(element, "unit"), unit);
}

export function showTile(element, tile) {
  showPower(element, tile.power ?? null);
  setText(field(element, "today"), tile.today === undefined ? "" : `${energy(tile.today)} today`);
  tick(element, tile);
}

// A value's state changes with the time alone: it turns late when no newer one comes.
export function tick(element, tile) {
  const state = tile.state === "online" && (tile.late_at ?? 0) < now() ? "late" : tile.state;
  if (element.dataset.state !== state) element.dataset.state = state;
  setText(field(element, "age"), words(tile));
}

function words(tile) {
  const age = tile.at === undefined ? "" : `${span(now() - tile.at)} ago`;
  if (tile.state === "online") return age || "no power among its values";
  const reason = tile.state === "offline" ? `offline: ${tile.reason}` : tile.reason;
  return [reason, age && `last value ${age}`].filter(Boolean).join(", ");
}
