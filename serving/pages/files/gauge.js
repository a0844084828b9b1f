// The gauge of a PD: one arc of equal width for each risk band, so that low cut-offs can be read too.

import { draw } from "./dom.js";

const CENTRE = [120, 118];
const RADIUS = 92;
const GAP = 0.8; // degrees between two arcs

/** Return a PD as a percentage with three digits that count. */
export function percent(pd) {
  const options = { style: "percent", maximumSignificantDigits: 3 };
  return new Intl.NumberFormat("en", options).format(pd).replace("%", "\u00a0%");
}

/** Return where a PD stands, in degrees from the left end, 0 to 180. */
function angle(pd, bands) {
  const width = 180 / bands.length;
  let low = 0;
  for (const [place, band] of bands.entries()) {
    const high = Math.min(band.below, 1);
    if (pd < band.below || place === bands.length - 1) {
      return width * (place + Math.min(1, Math.max(0, (pd - low) / (high - low))));
    }
    low = high;
  }
  return 180;
}

function point(degrees, radius) {
  const turned = ((180 - degrees) * Math.PI) / 180;
  return [CENTRE[0] + radius * Math.cos(turned), CENTRE[1] - radius * Math.sin(turned)];
}

function arc(from, to) {
  const [x0, y0] = point(from, RADIUS);
  const [x1, y1] = point(to, RADIUS);
  return `M${x0} ${y0}A${RADIUS} ${RADIUS} 0 0 1 ${x1} ${y1}`;
}

function needle(degrees, name) {
  const [x, y] = CENTRE;
  const made = draw("path", { class: name, d: `M${x - 82} ${y}L${x - 65} ${y - 5}L${x - 65} ${y + 5}Z` });
  made.setAttribute("transform", `rotate(${degrees} ${x} ${y})`);
  return made;
}

/**
 * Return the drawing of a PD among the bands.
 *
 * bands: [{name, below}] in rising order; before: the PD of what was decided, or null.
 */
export function gauge(pd, cutoff, bands, before = null) {
  const width = 180 / bands.length;
  const said = `Probability of default ${percent(pd)}, cut-off ${percent(cutoff)}`;
  const svg = draw("svg", { class: "gauge", viewBox: "0 0 240 138", role: "img", "aria-label": said });
  const cut = angle(cutoff, bands);
  bands.forEach((band, place) => {
    const [from, to] = [place * width + GAP / 2, (place + 1) * width - GAP / 2];
    const depth = Math.round((60 * (place + 1)) / bands.length);
    for (const [kind, start, end] of [
      ["good", from, Math.min(to, cut)],
      ["bad", Math.max(from, cut), to],
    ]) {
      if (end > start) {
        const part = draw("path", { class: `arc ${kind}`, d: arc(start, end) });
        part.style.setProperty("--depth", String(kind === "good" ? 60 - depth : depth));
        svg.append(part);
      }
    }
    const [x, y] = point((from + to) / 2, RADIUS + 14);
    svg.append(draw("text", { x, y: y + 3 }, band.name));
  });
  const [inner, outer] = [point(cut, RADIUS - 12), point(cut, RADIUS + 12)];
  svg.append(draw("line", { class: "cut", x1: inner[0], y1: inner[1], x2: outer[0], y2: outer[1] }));
  if (before !== null) {
    svg.append(needle(angle(before, bands), "needle ghost"));
  }
  svg.append(needle(angle(pd, bands), "needle"));
  svg.append(draw("text", { class: "pd", x: CENTRE[0], y: CENTRE[1] - 14 }, percent(pd)));
  svg.append(draw("text", { x: CENTRE[0], y: CENTRE[1] + 2 }, "probability of default"));
  svg.append(draw("text", { x: CENTRE[0], y: CENTRE[1] + 15 }, `declined from ${percent(cutoff)} on`));
  return svg;
}
