// Columns of JSON from the server, and what a chart says while it has none.

const AWAY = "History is missing now: the database is away.";
const FAILED = "The history could not be loaded. This page tries again by itself.";

// Returns the columns, or null, and then the chart says why.
export async function columns(url, days, ...charts) {
  const answer = await fetch(`${url}?days=${days}`).catch(() => null);
  if (answer?.ok) return answer.json();
  for (const chart of charts) if (!chart.data) chart.say(answer?.status === 503 ? AWAY : FAILED);
  return null;
}

export const sum = (values) => values.reduce((total, value) => total + (value ?? 0), 0);

// Wh of a quarter hour as mean power in kW.
export const kilowatts = (values) => values.map((value) => (value === null ? null : value / 250));

export function legend(chart, parts) {
  let element = chart.element.previousElementSibling;
  if (!element?.classList.contains("legend")) {
    element = document.createElement("p");
    element.className = "legend";
    chart.element.before(element);
  }
  element.replaceChildren(...parts.map(([kind, name, text]) => part(kind, name, text)));
}

function part(kind, name, text) {
  const element = document.createElement("span");
  const swatch = document.createElement("span");
  const value = document.createElement("b");
  swatch.className = `swatch ${kind}`;
  value.textContent = text;
  element.append(swatch, name, " ", value);
  return element;
}
