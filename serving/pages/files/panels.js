// The panels of an answer: decision, reasons, what would have been approved, and the record.

import { make } from "./dom.js";
import { gauge, percent } from "./gauge.js";

const WORDS = { approve: "Approve", decline: "Decline" };
const PAST = { approve: "Approved", decline: "Declined" };

function panel(title, ...children) {
  return make("section", { class: "panel" }, title ? make("h3", {}, title) : null, ...children);
}

function table(head, rows, name = "") {
  const line = make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text)));
  return make("table", { class: name }, make("thead", {}, line), make("tbody", {}, ...rows));
}

function row(first, ...cells) {
  return make("tr", {}, make("th", { scope: "row" }, first), ...cells.map((cell) => make("td", {}, cell)));
}

/** Return what is said aloud of an answer. */
export function spoken(seen, prefix) {
  return `${prefix}${PAST[seen.decision]}. Probability of default ${percent(seen.pd)}, cut-off ${percent(seen.cutoff)}.`;
}

/** Return the panel that stands where no answer is yet. */
export function waiting(bands, cutoff) {
  const list = bands.map((band) => `${band.name} below ${percent(Math.min(band.below, 1))}`).join(", ");
  return panel(
    "No decision yet",
    make("p", {}, "Fill in the form, or take the example, and press Decide."),
    make("p", {}, `Risk bands by probability of default: ${list}. Declined from ${percent(cutoff)} on.`),
  );
}

/** Return the panel of a request that was refused. */
export function refused(detail) {
  const made = panel("No decision", make("p", {}, detail));
  made.classList.add("refused");
  return made;
}

/** Return the panel of the decision: seen is a decision or an explanation, before what was decided, if it differs. */
export function verdict(seen, bands, before = null) {
  const figures = [
    ["Points", seen.points],
    ["Risk band", seen.band],
    ["Cut-off", percent(seen.cutoff)],
  ].map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, String(value))));
  return panel(
    "",
    make(
      "div",
      { class: "headline" },
      make("span", { class: `badge ${seen.decision}` }, before ? WORDS[seen.decision] : PAST[seen.decision]),
      make("span", { class: "tag" }, before ? "What if: nothing is kept" : seen.decision_id ? "Decided" : "Not kept"),
    ),
    gauge(seen.pd, seen.cutoff, bands, before?.pd ?? null),
    make("dl", { class: "figures" }, ...figures),
  );
}

/** Return the panel of the difference that changes make: changes are [title, word before, word now]. */
export function difference(before, now, changes, actions) {
  const moved = now.pd - before.pd;
  const points = now.points - before.points;
  const sign = (value) => (value > 0 ? "+" : value < 0 ? "−" : "±");
  const kind = moved > 0 ? "worse" : moved < 0 ? "better" : "";
  return panel(
    "The difference",
    table(
      ["Figure", "Decided", "What if", "Change"],
      [
        row("PD", percent(before.pd), percent(now.pd), make("span", { class: kind }, `${sign(moved)}${(100 * Math.abs(moved)).toFixed(2)} pp`)),
        row("Points", String(before.points), String(now.points), make("span", { class: kind }, `${sign(points)}${Math.abs(points)}`)),
        row("Band", before.band, now.band, ""),
        row("Decision", WORDS[before.decision], WORDS[now.decision], ""),
      ],
    ),
    table(["Changed", "Decided", "What if"], changes.map(([title, was, is]) => row(title, was, is))),
    actions,
  );
}

/** Return the panel of the reasons: the principal ones in sentences, and the weight of every group. */
export function reasons(seen, explanation) {
  const stated = seen.reasons ?? [];
  const largest = Math.max(...explanation.contributions.map((group) => Math.abs(group.contribution)), 1e-9);
  const rows = explanation.contributions.map((group) => {
    const against = group.contribution > 0;
    const bar = make("i", { class: against ? "against" : "for" });
    bar.style.width = `${(50 * Math.abs(group.contribution)) / largest}%`;
    const weight = `${against ? "against" : "for"} ${Math.abs(group.contribution).toFixed(2)}`;
    return row(name(group.code), make("span", { class: "weight", "aria-hidden": "true" }, bar), weight);
  });
  return panel(
    stated.length ? "Principal reasons for the decline" : "What weighed",
    stated.length ? make("ol", { class: "reasons" }, ...stated.map((one) => make("li", {}, one.sentence))) : null,
    table(["Reason group", "Weight", "Log-odds"], rows, "weights"),
    make("p", { class: "hint" }, `For or against approval, next to an applicant at the cut-off, whose probability of default is ${percent(explanation.reference.pd)}.`),
  );
}

function name(code) {
  return code.charAt(0) + code.slice(1).toLowerCase().replaceAll("_", " ");
}

/** Return the panel of the smallest change that would have been approved; changes are [title, word before, word then]. */
export function alternative(counterfactual, changes, action) {
  if (!counterfactual.found) {
    const why = counterfactual.nothing_searched ?? "no change of what an applicant can change was enough";
    return panel("What would have been approved", make("p", {}, `Nothing was found: ${why}.`));
  }
  return panel(
    "What would have been approved",
    make("p", {}, `With these changes together the probability of default would be ${percent(counterfactual.pd)}.`),
    table(["Field", "As it was sent", "Approved"], changes.map(([title, was, is]) => row(title, was, is))),
    make("div", { class: "actions" }, action),
  );
}

/** Return the panel of what the journal holds of a decision. */
export function record(decision, kept, actions) {
  const facts = [
    ["Decision", decision.decision_id],
    ["Decided at", decision.decided_at],
    ["Model", decision.model],
    ["Policy", decision.policy],
  ];
  if (decision.thin_file !== undefined) {
    facts.push(["History", decision.thin_file ? "none known: a thin file" : "known"]);
  }
  const list = facts.flatMap(([title, value]) => [make("dt", {}, title), make("dd", {}, value)]);
  return panel(kept ? "In the journal" : "Not kept: the journal is off", make("dl", { class: "record" }, ...list), actions);
}
