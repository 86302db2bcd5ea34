// The page of one meter: live quantities, power and energy over time.

import { Chart } from "./chart.js";
import { columns, legend, sum } from "./columns.js";
import { energy, moment, number, quarterHour, span, weekday } from "./format.js";
import { choosePeriod } from "./period.js";
import { listen, now } from "./stream.js";
import { field, setText, showTile, tick } from "./tile.js";

const DAYS = 60;
const DIGITS = { V: 1, A: 2, W: 0, VA: 0, var: 0, Hz: 2, "": 3, "°": 1, "%": 1, Wh: 2, varh: 2, VAh: 2, mAh: 2 };
const THOUSANDS = new Set(["Wh", "varh", "VAh", "mAh"]);
const head = document.getElementById("meter");
const charts = document.getElementById("charts");
const lastSeen = field(document, "last_seen");
const rows = [...document.querySelectorAll(".quantities tbody tr")].map((row) => ({ row, cells: [...row.querySelectorAll("[data-quantity]")], age: row.querySelector("[data-age]") }));
const produces = charts.dataset.counter === "export"; // then power that flows out is shown upwards
let detail = null;

listen(head.dataset.stream, (frame) => {
  // A frame holds the values that have changed since the one before it.
  detail = frame.detail
    ? { ...frame.detail, values: { ...detail?.values, ...frame.detail.values } }
    : { tile: { state: "silent", reason: "nothing heard from it yet" }, values: {} };
  showTile(head, detail.tile);
  for (const { row, cells } of rows) {
    cells.forEach(showCell);
    if (cells.some((cell) => detail.values[cell.dataset.quantity])) reveal(row);
  }
  tickAges();
});
setInterval(() => {
  if (!detail) return;
  tick(head, detail.tile);
  tickAges();
}, 1000);

// What the meter turns out to have is shown from then on, with its table and section.
function reveal(row) {
  for (let element = row; (element = element.closest("[hidden]")); ) element.hidden = false;
}

function showCell(cell) {
  const figure = detail.values[cell.dataset.quantity];
  const unit = cell.dataset.unit;
  const value = figure?.value ?? null;
  setText(cell, value === null ? "\u2013" : number(THOUSANDS.has(unit) ? value / 1000 : value, DIGITS[unit]));
  cell.toggleAttribute("data-suspect", Boolean(figure?.suspect));
}

function tickAges() {
  for (const { cells, age } of rows) {
    const figures = cells.map((cell) => detail.values[cell.dataset.quantity]).filter(Boolean);
    if (!figures.length) continue;
    setText(age, `${span(now() - Math.min(...figures.map((figure) => figure.at)))} ago`);
    age.toggleAttribute("data-late", figures.some((figure) => figure.late_at < now()));
  }
  if (detail.last_seen) setText(lastSeen, `${span(now() - detail.last_seen)} ago (${moment(detail.last_seen, now())})`);
}

let profile = null;
const quarter = (chart, index) => quarterHour(chart.data[0][index] * 1000);
const text = (value, unit, digits) => (value === null ? "unknown" : `${number(value, digits)} ${unit}`);

const power = new Chart(charts.querySelector("[data-chart=power]"), {
  step: 900,
  series: [{ colour: produces ? "--make" : "--use", kind: "steps" }, { kind: "edge" }, { kind: "edge" }],
  band: [1, 2],
  tooltip: (index) => [
    quarter(power, index),
    [
      ["Highest", text(profile.power_maximum[index], "W", 0)],
      ["Mean", text(profile.power[index], "W", 0)],
      ["Lowest", text(profile.power_minimum[index], "W", 0)],
    ],
  ],
});

const energies = new Chart(charts.querySelector("[data-chart=energy]"), {
  step: 900,
  series: [{ colour: "--use", kind: "steps", fill: 24 }, { colour: "--make", kind: "steps", fill: 24 }],
  tooltip: (index) => [
    quarter(energies, index),
    [["Imported", text(profile.energy_import[index], "Wh", 0)], ["Exported", text(profile.energy_export[index], "Wh", 0)]],
  ],
});

let daily = null;
const days = new Chart(charts.querySelector("[data-chart=days]"), {
  step: 86_400,
  series: [{ colour: "--use", kind: "bars" }, { colour: "--make", kind: "bars" }],
  flagged: (index) => daily.measured[index] < daily.expected[index],
  tooltip: (index) => {
    const missing = daily.expected[index] - daily.measured[index];
    const lines = [["Imported", energy(daily.energy_import[index] ?? 0)], ["Exported", energy(daily.energy_export[index] ?? 0)]];
    if (missing) lines.push(["Quarter hours missing", String(missing)]);
    return [weekday(daily.t[index] * 1000), lines];
  },
});

let wanted = null;
choosePeriod(charts, async (period) => {
  wanted = period;
  const found = await columns(charts.dataset.profile, period, power, energies);
  if (found && wanted === period) showProfile(found);
  const perDay = await columns(charts.dataset.days, DAYS, days);
  if (perDay) showDays(perDay);
});

function showProfile(found) {
  profile = produces ? turned(found) : found;
  power.show([found.t, profile.power, profile.power_maximum, profile.power_minimum], "Power in W, mean of each quarter hour. The arrow keys move through them.");
  const totals = energyTotals(found);
  legend(energies, totals);
  energies.show([found.t, moving(found.energy_import), moving(found.energy_export)], `Energy per quarter hour in Wh. ${spoken(totals)}`);
}

function showDays(found) {
  daily = found;
  found.expected[found.expected.length - 1] -= 1; // the newest quarter hour is known only when the next one begins
  const totals = energyTotals(found);
  const thousands = (values) => values.map((value) => (value === null ? null : value / 1000));
  legend(days, totals);
  days.show([found.t, thousands(moving(found.energy_import)), thousands(moving(found.energy_export))], `Energy per day in kWh, the last ${DAYS} days. ${spoken(totals)}`);
}

function turned(found) {
  const negative = (values) => values.map((value) => (value === null ? null : 0 - value));
  return { ...found, power: negative(found.power), power_maximum: negative(found.power_minimum), power_minimum: negative(found.power_maximum) };
}

// A meter that never exports, or never imports, has no line for it along zero.
function moving(values) {
  return sum(values) ? values : values.map(() => null);
}

function energyTotals(found) {
  const totals = [
    ["use", "Imported", sum(found.energy_import)],
    ["make", "Exported", sum(found.energy_export)],
  ];
  const moved = totals.filter(([, , total]) => total > 0);
  return (moved.length ? moved : totals.slice(0, 1)).map(([kind, name, total]) => [kind, name, energy(total)]);
}

function spoken(totals) {
  return totals.map(([, name, value]) => `${name} ${value}`).join(", ");
}
