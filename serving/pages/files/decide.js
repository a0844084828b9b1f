// The form of an application: checks it, has it decided, and shows what a change would do.

import { make } from "./dom.js";
import * as fields from "./fields.js";
import * as panels from "./panels.js";
import { ask } from "./service.js";

const PAUSE = 350; // milliseconds without typing before a what-if is asked
const IDENTIFIER = /^[A-Za-z0-9._:/+=@-]{1,128}$/;

const form = document.getElementById("application");
const answer = document.getElementById("answer");
const live = document.getElementById("live");
const summary = document.getElementById("summary");
const button = document.getElementById("decide");
const applicant = form.querySelector("[data-applicant]");
const all = fields.fields(form);
const byName = new Map(all.map((field) => [field.dataset.name, field]));
const bands = JSON.parse(answer.dataset.bands);
const kept = form.dataset.idempotent === "yes";

let decided = null; // {application, decision, explanation}
let press = null; // {body, key}: the same body sent again is the same press
let asked = 0; // counts what-ifs: only the newest one's answer is shown
let timer = 0;

function render(...shown) {
  answer.replaceChildren(...shown.filter((one) => one !== null));
}

function summarise(lead, broken) {
  summary.replaceChildren(make("p", {}, lead));
  if (broken.length) {
    const items = broken.map(({ field, message }) => {
      const link = make("a", { href: `#${fields.control(field).id}` }, `${field.dataset.title}: ${message}`);
      link.addEventListener("click", (event) => {
        event.preventDefault();
        field.closest("details").open = true;
        fields.control(field).focus();
      });
      return make("li", {}, link);
    });
    summary.append(make("ul", {}, ...items));
  }
  summary.hidden = false;
  summary.focus();
}

/** Check every field and show what is wrong; return the broken ones. */
function check() {
  const broken = [];
  for (const field of all) {
    const message = fields.fault(field);
    fields.show(field, message);
    if (message) {
      broken.push({ field, message });
      field.closest("details").open = true;
    }
  }
  const given = applicantId();
  const message = given && !IDENTIFIER.test(given) ? "Use letters, digits and ._:/+=@-, at most 128." : "";
  fields.show(applicant, message);
  return { broken, applicantFault: message };
}

function applicantId() {
  return fields.control(applicant).value.trim();
}

/** Return a key that no other press has; crypto.randomUUID is there on secure pages only. */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Show the service's problem at the fields that it names. */
function refuse(problem) {
  const named = problem.errors.filter((error) => byName.has(error.field));
  for (const error of named) {
    const field = byName.get(error.field);
    fields.show(field, error.message);
    field.closest("details").open = true;
  }
  const others = problem.errors.filter((error) => !byName.has(error.field)).map((error) => `${error.field}: ${error.message}`);
  render(panels.refused([problem.detail, ...others].join(" ")));
  summarise(
    [problem.detail, ...others].join(" "),
    named.map((error) => ({ field: byName.get(error.field), message: error.message })),
  );
}

function changesBetween(before, now) {
  return all
    .filter((field) => before[field.dataset.name] !== now[field.dataset.name])
    .map((field) => [
      field.dataset.title,
      fields.word(field, before[field.dataset.name]),
      fields.word(field, now[field.dataset.name]),
    ]);
}

function act(text, name, work) {
  const made = make("button", { type: "button", class: "quiet", "data-action": name }, text);
  made.addEventListener("click", work);
  return made;
}

function alternative(counterfactual) {
  const both = [...counterfactual.changes, ...counterfactual.derived];
  const changes = both.map((change) => {
    const field = byName.get(change.field);
    return [field.dataset.title, fields.word(field, change.from), fields.word(field, change.to)];
  });
  const put = act("Put these into the form", "apply", () => {
    both.forEach((change) => fields.fill(byName.get(change.field), change.to));
    whatIf();
  });
  return panels.alternative(counterfactual, changes, put);
}

function showDecision() {
  const { decision, explanation } = decided;
  mark();
  render(
    panels.verdict(decision, bands),
    explanation ? panels.reasons(decision, explanation) : null,
    explanation?.counterfactual ? alternative(explanation.counterfactual) : null,
    panels.record(decision, kept, make("div", { class: "actions" }, act("Print", "print", () => window.print()))),
  );
}

/** Mark the fields that differ from what was decided. */
function mark() {
  const now = fields.application(form);
  for (const field of all) {
    const name = field.dataset.name;
    field.classList.toggle("changed", decided !== null && decided.application[name] !== now[name]);
  }
}

async function decide(event) {
  event.preventDefault();
  if (button.getAttribute("aria-disabled") === "true") {
    return;
  }
  clearTimeout(timer);
  asked += 1;
  const { broken, applicantFault } = check();
  if (broken.length || applicantFault) {
    const count = broken.length + (applicantFault ? 1 : 0);
    summarise(count === 1 ? "One field needs attention." : `${count} fields need attention.`, broken);
    return;
  }
  summary.hidden = true;
  const application = fields.application(form);
  const id = applicantId();
  const body = JSON.stringify([application, id]);
  // A press that got no answer keeps its key: sent again, it is decided once.
  press = press?.body === body ? press : { body, key: newKey() };
  const headers = { ...(id && { "Applicant-ID": id }), ...(kept && { "Idempotency-Key": press.key }) };
  button.setAttribute("aria-disabled", "true");
  live.textContent = "Deciding.";
  const { answer: decision, problem } = await ask("predict", application, headers);
  if (problem) {
    button.setAttribute("aria-disabled", "false");
    live.textContent = "";
    refuse(problem);
    return;
  }
  press = null;
  const explained = await ask("explain", application);
  button.setAttribute("aria-disabled", "false");
  decided = { application, decision, explanation: explained.answer ?? null };
  showDecision();
  live.textContent = panels.spoken(decision, "");
  document.getElementById("answer-title").focus({ preventScroll: true });
  answer.scrollIntoView({ block: "nearest", behavior: "smooth" });
}

/** Ask what the changed form would get; nothing of it is kept. */
async function whatIf() {
  mark();
  if (decided === null) {
    return;
  }
  const application = fields.application(form);
  const changes = changesBetween(decided.application, application);
  const number = ++asked;
  if (!changes.length) {
    showDecision();
    live.textContent = "As it was decided.";
    return;
  }
  if (all.some((field) => fields.fault(field))) {
    return;
  }
  const { answer: seen, problem } = await ask("explain", application);
  if (number !== asked) {
    return;
  }
  if (problem) {
    render(panels.refused(problem.detail));
    live.textContent = problem.detail;
    return;
  }
  const back = act("Back to what was decided", "back", () => {
    all.forEach((field) => fields.fill(field, decided.application[field.dataset.name]));
    check();
    whatIf();
  });
  render(
    panels.verdict(seen, bands, decided.decision),
    panels.difference(decided.decision, seen, changes, make("div", { class: "actions" }, back)),
    panels.reasons(seen, seen),
    seen.counterfactual ? alternative(seen.counterfactual) : null,
  );
  live.textContent = panels.spoken(seen, "What if: ");
}

function changed(event) {
  const field = event.target.closest(".field");
  if (!field) {
    return;
  }
  if (field === applicant) {
    fields.show(applicant, "");
    return;
  }
  fields.refresh(field);
  // While somebody is typing a broken rule may be half a number: it is taken back at once, and shown when they leave.
  const message = fields.fault(field);
  if (!message || event.type === "change") {
    fields.show(field, message);
  }
  clearTimeout(timer);
  timer = setTimeout(whatIf, PAUSE);
}

function fillAll(value) {
  all.forEach((field) => {
    fields.fill(field, value(field));
    fields.show(field, "");
  });
  summary.hidden = true;
  whatIf();
}

form.addEventListener("submit", decide);
form.addEventListener("input", changed);
form.addEventListener("change", changed);
document.getElementById("example").addEventListener("click", () => fillAll((field) => field.dataset.example || undefined));
document.getElementById("clear").addEventListener("click", () => fillAll(() => undefined));
all.forEach(fields.refresh);
render(panels.waiting(bands, Number(answer.dataset.cutoff)));
