// The building's load profile: consumption and production as mean power of each quarter hour.

import { Chart } from "./chart.js";
import { columns, kilowatts, legend, sum } from "./columns.js";
import { energy, number, quarterHour } from "./format.js";

export class LoadProfile {
  constructor(element, url) {
    this.url = url;
    this.chart = new Chart(element, {
      step: 900,
      series: [
        { colour: "--use", kind: "steps", fill: 16 },
        { colour: "--make", kind: "steps", fill: 20 },
      ],
      tooltip: (index) => this.#tooltip(index),
      flagged: (index) => this.missing[index] > 0,
    });
  }

  async load(days) {
    this.wanted = days;
    const found = await columns(this.url, days, this.chart);
    if (!found || this.wanted !== days) return;
    trim(found);
    this.missing = found.missing;
    this.use = kilowatts(found.consumption);
    this.make = kilowatts(found.production);
    const totals = [["use", "Consumption", energy(sum(found.consumption))]];
    if (found.production.some((value) => value !== null)) totals.push(["make", "Production", energy(sum(found.production))]);
    if (found.missing.some((count) => count > 0)) totals.push(["warn", "Not all meters measured", ""]);
    legend(this.chart, totals);
    const label = totals.map(([, name, text]) => `${name} ${text}`).join(", ");
    this.chart.show([found.t, this.use, this.make], `Load profile. ${label}. The arrow keys move through the quarter hours.`);
  }

  #tooltip(index) {
    const text = (value) => (value === null ? "unknown" : `${number(value, 2)} kW`);
    const lines = [["Consumption", text(this.use[index])], ["Production", text(this.make[index])]];
    if (this.missing[index]) lines.push(["Meters missing", String(this.missing[index])]);
    return [quarterHour(this.chart.data[0][index] * 1000), lines];
  }
}

// The newest quarter hour is known only when the next one has its first reading: until then it is not missing.
function trim(found) {
  if (found.consumption.at(-1) !== null || found.production.at(-1) !== null) return;
  for (const column of Object.values(found)) column.pop();
}
