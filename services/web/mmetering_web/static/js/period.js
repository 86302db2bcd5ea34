// The choice of a period: links that work by themselves, and without a reload where they can.

import { onHistoryBack } from "./stream.js";

const RELOAD_MS = 300_000; // a quarter hour ends now and then

export function choosePeriod(section, load) {
  const links = [...section.querySelectorAll(".ranges a")];
  const chosen = () => links.find((link) => link.ariaCurrent === "true").dataset.days;
  for (const link of links) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      links.forEach((other) => (other.ariaCurrent = other === link ? "true" : null));
      history.replaceState(null, "", link.href);
      load(link.dataset.days);
    });
  }
  onHistoryBack(() => load(chosen()));
  setInterval(() => document.visibilityState === "visible" && load(chosen()), RELOAD_MS);
  load(chosen());
}
