// The fields of the form: reading, checking and filling them in by the rules that stand in their attributes.

const WHOLE = /^[+-]?\d+$/;
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;
const DAYS_A_YEAR = 365.25;
const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 6 });

/** Return all fields of the form that belong to the application. */
export function fields(form) {
  return [...form.querySelectorAll(".field[data-name]")];
}

/** Return the control of a field into which its value goes. */
export function control(field) {
  return field.querySelector("select, .number input");
}

function beyond(field) {
  return field.querySelector(".beyond input");
}

/** Return a field's text as it stands, "" where nothing is given. */
export function text(field) {
  return beyond(field)?.checked ? beyond(field).value : control(field).value.trim();
}

/** Return the word for a value of a field: the option's, or the number with its unit. */
export function word(field, value) {
  if (value === undefined || value === null || value === "") {
    return "not given";
  }
  const select = field.querySelector("select");
  const option = select && [...select.options].find((one) => one.value === String(value));
  if (option) {
    return option.text;
  }
  const box = beyond(field);
  if (box && box.value === String(value)) {
    return box.parentElement.textContent.trim();
  }
  const unit = field.querySelector(".unit")?.textContent ?? "";
  return `${typeof value === "number" ? grouped.format(value) : value} ${unit}`.trim();
}

/** Return the rule that a field's text breaks, as a sentence; "" where it breaks none. */
export function fault(field) {
  const given = text(field);
  const { kind, required, minimum, maximum, beyond: permitted } = field.dataset;
  if (given === "") {
    return required === "yes" ? (kind === "text" || field.querySelector("select") ? "Choose one." : "This is needed.") : "";
  }
  if (kind === "text" || field.querySelector("select")) {
    return "";
  }
  if (!(kind === "integer" ? WHOLE : NUMBER).test(given)) {
    return kind === "integer" ? "Write a whole number, such as 12." : "Write a number, such as 1234.5.";
  }
  const number = Number(given);
  if (permitted.split(" ").includes(given)) {
    return "";
  }
  if (number < Number(minimum) || number > Number(maximum)) {
    return `It must be from ${grouped.format(minimum)} to ${grouped.format(maximum)}.`;
  }
  return "";
}

/** Return the application as the service takes it: fields that are not given are left out. */
export function application(form) {
  const values = {};
  for (const field of fields(form)) {
    const given = text(field);
    if (given !== "") {
      values[field.dataset.name] = field.dataset.kind === "text" ? given : Number(given);
    }
  }
  return values;
}

/** Put a value into a field; undefined empties it. */
export function fill(field, value) {
  const box = beyond(field);
  const isBeyond = Boolean(box) && box.value === String(value);
  if (box) {
    box.checked = isBeyond;
  }
  control(field).value = value === undefined || isBeyond ? "" : String(value);
  refresh(field);
}

/** Bring what follows from a field's value up to date: a switched-off input, and days in years. */
export function refresh(field) {
  const box = beyond(field);
  if (box) {
    control(field).disabled = box.checked;
  }
  const told = field.querySelector(".days");
  if (told && "days" in field.dataset) {
    const days = Number(text(field));
    const counted = text(field) !== "" && !box?.checked && days < 0 && Number.isFinite(days);
    told.textContent = counted ? `${(-days / DAYS_A_YEAR).toFixed(1)} years before.` : "";
  }
}

/** Show what is wrong with a field at the field, or nothing. */
export function show(field, message) {
  const error = field.querySelector(".error");
  error.textContent = message;
  error.hidden = message === "";
  field.classList.toggle("broken", message !== "");
  const input = control(field);
  if (message) {
    input.setAttribute("aria-invalid", "true");
  } else {
    input.removeAttribute("aria-invalid");
  }
}
