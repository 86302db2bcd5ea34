// The dashboard: sums, tiles, load profile.

import { LoadProfile } from "./profile.js";
import { number, span } from "./format.js";
import { choosePeriod } from "./period.js";
import { listen, now } from "./stream.js";
import { field, setText, showPower, showTile, tick } from "./tile.js";

const summary = document.querySelector(".now");
const holder = document.getElementById("tiles");
const section = document.getElementById("profile");
let tiles = {};
let building = {};

listen("/stream", async (frame) => {
  tiles = { ...tiles, ...frame.meters };
  building = frame.building;
  if (frame.layout !== summary.dataset.layout) await renew(frame.layout);
  for (const slug of Object.keys(frame.meters)) {
    const element = elementOf(slug);
    if (element) showTile(element, tiles[slug]);
  }
  showBuilding();
});

setInterval(() => {
  for (const [slug, tile] of Object.entries(tiles)) {
    const element = elementOf(slug);
    if (element) tick(element, tile);
  }
  for (const name of ["consumption", "production", "grid"]) tickFlow(name);
}, 1000);

const chart = new LoadProfile(section.querySelector(".chart"), section.dataset.url);
choosePeriod(section, (days) => chart.load(days));

function elementOf(slug) {
  return holder.querySelector(`[data-meter="${slug}"]`);
}

// Meters came, went or have another name: the server lays the tiles out anew.
async function renew(layout) {
  const answer = await fetch("/tiles").catch(() => null);
  if (!answer?.ok) return;
  holder.innerHTML = await answer.text();
  summary.dataset.layout = layout;
  tiles = Object.fromEntries(Object.entries(tiles).filter(([slug]) => elementOf(slug)));
  for (const [slug, tile] of Object.entries(tiles)) showTile(elementOf(slug), tile);
}

function showBuilding() {
  for (const name of ["consumption", "production", "grid"]) {
    const element = summary.querySelector(`[data-flow="${name}"]`);
    const flow = building[name];
    element.hidden = !flow;
    if (!flow) continue;
    const watts = flow.power ?? null;
    showPower(element, name === "grid" && watts !== null ? Math.abs(watts) : watts);
    if (name === "grid") setText(field(element, "title"), watts === null ? "Grid" : watts < 0 ? "To the grid" : "From the grid");
    tickFlow(name);
  }
  showCover();
}

function tickFlow(name) {
  const element = summary.querySelector(`[data-flow="${name}"]`);
  const flow = building[name];
  if (!flow) return;
  const known = flow.power !== undefined;
  element.dataset.state = !known ? "lost" : flow.late_at < now() || flow.without ? "late" : "online";
  const parts = known ? [`${span(now() - flow.at)} ago`] : ["no live value"];
  if (known && flow.without) parts.push(without(name, flow.without));
  setText(field(element, "age"), parts.join(", "));
}

function without(name, points) {
  if (name === "grid") return "incomplete";
  return points.length === 1 ? `without ${points[0]}` : `without ${points.length} meters`;
}

function showCover() {
  const element = summary.querySelector(".cover");
  const { consumption, production } = building;
  const known = consumption?.power > 0 && production?.power !== undefined && !consumption.without && !production.without;
  element.hidden = !known;
  if (!known) return;
  const share = Math.min(1, Math.max(0, production.power) / consumption.power);
  element.style.setProperty("--share", share);
  setText(field(element, "cover"), `Own production covers ${number(share * 100, 0)} % of the consumption.`);
}
