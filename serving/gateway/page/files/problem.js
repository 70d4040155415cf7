// Show the faults of a refused request next to the fields and above the form.

const form = document.getElementById("form");
const problem = document.getElementById("problem");
export const fields = [...form.querySelectorAll(".field[data-name]")];

export function control(field) {
  const chosen = field.querySelector("select, input");
  const other = field.querySelector(".other");
  return other && !other.hidden ? other : chosen;
}

export function title(field) {
  return field.dataset.title;
}

export function unreachable(error) {
  return `The gateway cannot be reached: ${error.message}. Is it running?`;
}

export function clearProblem() {
  problem.hidden = true;
  for (const field of fields) {
    const said = field.querySelector(".error");
    said.hidden = true;
    said.textContent = "";
    control(field).removeAttribute("aria-invalid");
  }
}

function unfold(element) {
  const folded = element.closest("details");
  if (folded) folded.open = true;
}

function markField(field, words) {
  const input = control(field);
  const said = field.querySelector(".error");
  said.textContent = words[0].toUpperCase() + words.slice(1);
  said.hidden = false;
  input.setAttribute("aria-invalid", "true");
  unfold(field);
  const link = document.createElement("a");
  link.href = `#${input.id}`;
  link.textContent = `${title(field)}: ${words}`;
  link.addEventListener("click", (event) => {
    event.preventDefault();
    unfold(field);
    input.focus();
  });
  return link;
}

export function showProblem(detail, errors = []) {
  const text = document.createElement("p");
  text.textContent = errors.length ? `${errors.length === 1 ? "This field is" : "These fields are"} not as expected:` : detail;
  problem.replaceChildren(text);
  const list = document.createElement("ul");
  for (const error of errors) {
    const field = fields.find((one) => one.dataset.name === error.field);
    const words = `expected ${error.expected}, received ${error.received}`;
    const item = document.createElement("li");
    item.append(field ? markField(field, words) : `${error.field}: ${words}`);
    list.append(item);
  }
  if (errors.length) problem.append(list);
  // Hide the answer to earlier values, which could be mistaken for the answer to these.
  document.getElementById("result").hidden = true;
  document.getElementById("waiting").hidden = false;
  problem.hidden = false;
  problem.focus();
}
