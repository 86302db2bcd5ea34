// How numbers and times are written. Times are those of the site, whatever zone the browser is in.

const zone = document.documentElement.dataset.timeZone;
const NUMBERS = [0, 1, 2, 3].map((digits) => new Intl.NumberFormat("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
const formatter = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options });
const CLOCK = formatter({ hour: "2-digit", minute: "2-digit" });
const SECONDS = formatter({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = formatter({ day: "numeric", month: "short" });
const WEEKDAY = formatter({ weekday: "short", day: "numeric", month: "short" });
const OFFSET = formatter({ timeZoneName: "shortOffset" });

export const timeZone = zone;

export function number(value, digits) {
  return NUMBERS[digits].format(value).replace("-", "\u2212");
}

// W in, [text, unit] out.
export function power(watts) {
  if (watts === null || watts === undefined) return ["\u2013", ""];
  const size = Math.abs(watts);
  if (size < 999.5) return [number(Math.round(watts) + 0, 0), "W"];
  return [number(watts / 1000, size < 99_950 ? 2 : 1), "kW"];
}

// Wh in, text with unit out.
export function energy(wattHours) {
  const size = Math.abs(wattHours);
  if (size < 1000) return `${number(wattHours, 0)} Wh`;
  return `${number(wattHours / 1000, size < 99_500 ? 2 : size < 999_500 ? 1 : 0)} kWh`;
}

// Milliseconds in: how long that is, roughly, in words.
export function span(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}

export const clock = (milliseconds) => CLOCK.format(milliseconds);
export const day = (milliseconds) => DAY.format(milliseconds);
export const weekday = (milliseconds) => WEEKDAY.format(milliseconds);

// "23 Nov, 14:05:10" when it was another day, else "14:05:10".
export function moment(milliseconds, now) {
  const time = SECONDS.format(milliseconds);
  return day(milliseconds) === day(now) ? time : `${day(milliseconds)}, ${time}`;
}

// "Mon 23 Nov, 14:00–14:15, GMT+1"
export function quarterHour(milliseconds) {
  const zoneName = OFFSET.formatToParts(milliseconds).find((part) => part.type === "timeZoneName").value;
  return `${weekday(milliseconds)}, ${clock(milliseconds)}\u2013${clock(milliseconds + 900_000)} ${zoneName}`;
}
