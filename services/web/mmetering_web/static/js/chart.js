// uPlot in our colours and the site's time zone: steps or bars over time, a tooltip, keys that move the cursor.

import { clock, day, timeZone } from "./format.js";

const DAY_S = 86_400;
const GAP = 14; // px between cursor and tooltip
const DENSE = 1500; // so many points make a thin line
const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const faded = (name, percent) => `color-mix(in srgb, ${colour(name)} ${percent}%, transparent)`;

export class Chart {
  // series: [{name, colour: "--use", kind: "steps" | "line" | "bars" | "edge", fill: percent}], band: [upper, lower] as indices of series.
  // tooltip(index) returns [heading, [[name, text], ...]]; flagged(index) whether something is missing there.
  constructor(element, { series, band, step, tooltip, flagged }) {
    Object.assign(this, { element, series, band, step, tooltip, flagged, data: null });
    this.note = paragraph("chart-note");
    this.spoken = paragraph("hidden"); // what the keys have moved to, for those who do not see it
    this.spoken.role = "status";
    element.tabIndex = 0;
    element.role = "img";
    element.append(this.note);
    element.after(this.spoken);
    element.addEventListener("keydown", (event) => this.#key(event));
    element.addEventListener("blur", () => this.plot?.setCursor({ left: -10, top: -10 }));
    new ResizeObserver(() => this.#resize()).observe(element);
    dark.addEventListener("change", () => this.#draw());
    document.fonts.ready.then(() => this.#draw());
  }

  // columns: [seconds, values of each series…]; label: what somebody who does not see it is told.
  show(columns, label) {
    const zoom = this.#zoom(columns[0]);
    this.data = columns;
    this.element.ariaLabel = label;
    this.say(columns[0].length ? "" : "No quarter hour has ended in this period yet.");
    this.#draw();
    if (zoom) this.plot?.setScale("x", zoom);
  }

  say(text) {
    this.note.textContent = text;
  }

  #draw() {
    this.plot?.destroy();
    this.plot = null;
    if (!this.data?.[0].length || !this.element.clientWidth) return;
    const last = this.data[0].at(-1) + this.step;
    const padded = this.data.map((column, index) => [...column, index ? column.at(-1) : last]); // so that the last step has a width
    this.plot = new uPlot(this.#options(), padded, this.element);
  }

  // The stretch that somebody looks at closely, which new columns of the same period do not take away.
  #zoom(times) {
    const before = this.data?.[0];
    if (!this.plot || !times.length || before[0] !== times[0]) return null;
    const { min, max } = this.plot.scales.x;
    return min > before[0] || max < before.at(-1) ? { min, max } : null;
  }

  #size() {
    return { width: this.element.clientWidth, height: this.element.clientWidth < 560 ? 220 : 270 };
  }

  #resize() {
    if (!this.plot) this.#draw();
    else if (this.plot.width !== this.element.clientWidth) this.plot.setSize(this.#size());
  }

  #options() {
    const axis = { stroke: colour("--soft"), font: "12px Inter, system-ui, sans-serif", ticks: { show: false } };
    const grid = { stroke: colour("--line"), width: 1 };
    return {
      ...this.#size(),
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), timeZone),
      legend: { show: false },
      padding: [8, 26, 0, 0],
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, dist: 8 } },
      scales: { y: { range: (_plot, low, high) => [Math.min(0, low ?? 0) * 1.08, Math.max(high ?? 0, 0.1) * 1.08] } },
      axes: [
        { ...axis, grid: { show: false }, size: 30, space: 64, gap: 8, values: (_plot, splits, _axis, _space, step) => splits.map((at) => timeLabel(at, step)) },
        { ...axis, grid, size: 44, gap: 6, space: 44 },
      ],
      series: [{}, ...this.series.map((series) => seriesOptions(series, this.data[0].length))],
      bands: this.band ? [{ series: this.band.map((index) => index + 1), fill: faded(this.series[0].colour, 18) }] : [],
      hooks: { draw: [(plot) => this.#flag(plot)], setCursor: [(plot) => this.#point(plot)], init: [(plot) => this.#addTooltip(plot)] },
    };
  }

  // A thin strip under those quarter hours in which something is missing.
  #flag(plot) {
    plot.ctx.fillStyle = colour("--warn-dot");
    const { top, height } = plot.bbox;
    this.data[0].forEach((at, index) => {
      if (!this.flagged?.(index)) return;
      const left = Math.max(plot.valToPos(at, "x", true), plot.bbox.left);
      const right = Math.min(plot.valToPos(at + this.step, "x", true), plot.bbox.left + plot.bbox.width);
      if (right > left) plot.ctx.fillRect(left, top + height - 3 * devicePixelRatio, right - left, 3 * devicePixelRatio);
    });
  }

  #addTooltip(plot) {
    this.tip = document.createElement("div");
    this.tip.className = "tooltip";
    this.tip.hidden = true;
    plot.over.append(this.tip);
  }

  #index(plot) {
    if (plot.cursor.left < 0) return null;
    const at = plot.posToVal(plot.cursor.left, "x");
    const index = this.data[0].findLastIndex((start) => start <= at);
    return index >= 0 && at < this.data[0][index] + this.step * 1.05 ? index : null;
  }

  #point(plot) {
    const index = this.#index(plot);
    this.tip.hidden = index === null;
    if (index === null) return;
    this.index = index;
    const [heading, lines] = this.tooltip(index);
    const head = document.createElement("b");
    head.textContent = heading;
    this.tip.replaceChildren(head, ...lines.map(([name, text]) => line(name, text)));
    this.tip.style.transform = `translate(${this.#beside(plot.cursor.left, plot.over.clientWidth)}px, 0)`;
  }

  // Where the tooltip stands: on that side of the cursor that has more room.
  #beside(cursor, width) {
    const own = this.tip.offsetWidth;
    const left = cursor < width / 2 ? cursor + GAP : cursor - own - GAP;
    return Math.min(Math.max(0, left), Math.max(0, width - own));
  }

  #key(event) {
    const move = { ArrowLeft: -1, ArrowRight: 1, PageUp: -24, PageDown: 24, Home: -Infinity, End: Infinity }[event.key];
    if (!move || !this.plot) return;
    event.preventDefault();
    const times = this.data[0];
    this.index = Math.min(Math.max((this.index ?? times.length) + move, 0), times.length - 1);
    this.plot.setCursor({ left: this.plot.valToPos(times[this.index] + this.step / 2, "x"), top: 1 });
    const [heading, lines] = this.tooltip(this.index);
    this.spoken.textContent = [heading, ...lines.map(([name, text]) => `${name} ${text}`)].join(", ");
  }
}

function seriesOptions({ colour: name, kind, fill }, length) {
  const paths = { steps: uPlot.paths.stepped({ align: 1 }), bars: uPlot.paths.bars({ size: [0.82, 60], align: 1 }) }[kind];
  const shared = { points: { show: false }, spanGaps: false };
  if (kind === "edge") return { ...shared, stroke: "transparent", width: 0, paths: uPlot.paths.stepped({ align: 1 }) };
  if (kind === "bars") return { ...shared, paths, stroke: "transparent", width: 0, fill: colour(name) };
  return { ...shared, paths, stroke: colour(name), width: length > DENSE ? 1 : 1.5, fill: fill ? faded(name, fill) : undefined };
}

function timeLabel(seconds, step) {
  const at = seconds * 1000;
  const time = clock(at);
  return step >= DAY_S || time === "00:00" ? day(at) : time;
}

function paragraph(className) {
  const element = document.createElement("p");
  element.className = className;
  return element;
}

function line(name, text) {
  const element = document.createElement("p");
  const value = document.createElement("b");
  value.textContent = text;
  element.append(name, value);
  return element;
}
