// The form at /. The server makes its fields from the contract and checks all values; this file sends what was typed and
// shows the answer.

import { showPrediction } from "./answer.js";
import { offerCsv } from "./csv.js";
import { forgetExplanation, offerExplanation } from "./explanation.js";
import { clearProblem, control, fields, showProblem, unreachable } from "./problem.js";

const form = document.getElementById("form");
const answer = document.getElementById("answer");
const optional = document.getElementById("optional");
const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
let asked = 0; // the newest request: answers to older ones are not shown

// Send numbers digit for digit as typed; a JavaScript number would lose digits of a large one. Send anything else as a
// string, so that the server's error says what it expected.
function bodyText() {
  const members = [];
  for (const field of fields) {
    const text = control(field).value.trim();
    if (text === "") continue;
    const isNumber = field.dataset.kind !== "BYTES" && JSON_NUMBER.test(text);
    members.push(`${JSON.stringify(field.dataset.name)}: ${isNumber ? text : JSON.stringify(text)}`);
  }
  return `{${members.join(", ")}}`;
}

function showAnswer(said, milliseconds, timing, sent) {
  document.getElementById("waiting").hidden = true;
  document.getElementById("result").hidden = false;
  showPrediction(said.predictions[0]);
  const label = said.model_label ? ` (${said.model_label})` : "";
  document.getElementById("version").textContent = said.model_version + label;
  const model = /model;dur=([\d.]+)/.exec(timing || "");
  document.getElementById("latency").textContent =
    `${Math.round(milliseconds)} ms` + (model ? ` (model ${Math.round(model[1])} ms)` : "");
  document.getElementById("request-id").textContent = said.request_id;
  document.getElementById("curl").textContent = curl(sent);
  forgetExplanation(sent);
  // On a phone the answer is below the form, and behind the bar with the buttons.
  const bar = document.querySelector(".actions").getBoundingClientRect();
  const bottom = bar.top > window.innerHeight / 2 ? bar.top : window.innerHeight;
  if (document.getElementById("decision").getBoundingClientRect().bottom > bottom) answer.scrollIntoView({ block: "start" });
}

function headers(mediaType = "application/json") {
  const found = { "Content-Type": mediaType };
  const key = document.getElementById("api-key");
  if (key && key.value) found[form.dataset.keyHeader] = key.value;
  return found;
}

function curl(sent) {
  const quoted = sent.replaceAll("'", "'\\''");
  const key = document.getElementById("api-key") ? ` -H '${form.dataset.keyHeader}: <your key>'` : "";
  return `curl -H 'Content-Type: application/json'${key} \\\n  -d '${quoted}' \\\n  ${form.action}`;
}

async function ask() {
  const number = ++asked;
  const sent = bodyText();
  clearProblem();
  form.setAttribute("aria-busy", "true");
  const began = performance.now();
  try {
    const response = await fetch(form.action, { method: "POST", headers: headers(), body: sent });
    const said = await response.json();
    if (number !== asked) return;
    if (response.ok) showAnswer(said, performance.now() - began, response.headers.get("Server-Timing"), sent);
    else showProblem(said.detail, said.errors);
  } catch (error) {
    if (number === asked) showProblem(unreachable(error));
  } finally {
    if (number === asked) form.removeAttribute("aria-busy");
  }
}

function showOther(select) {
  const other = select.parentElement.querySelector(".other");
  if (other) other.hidden = !select.selectedOptions[0].hasAttribute("data-other");
}

// Collapsed fields count, too: the summary says how many are filled in.
function countOptional() {
  if (!optional) return;
  const filled = fields.filter((field) => optional.contains(field) && control(field).value.trim() !== "").length;
  document.getElementById("optional-count").textContent = filled ? `${filled} filled in` : "all empty";
}

function fillExample() {
  for (const field of fields.filter((one) => one.dataset.example !== undefined)) {
    const chosen = field.querySelector("select, input");
    chosen.value = field.dataset.example;
    if (chosen.tagName !== "SELECT") continue;
    if (chosen.selectedIndex < 0) {
      chosen.querySelector("[data-other]").selected = true;
      field.querySelector(".other").value = field.dataset.example;
    }
    showOther(chosen);
  }
  if (optional) optional.open = true;
  countOptional();
  clearProblem();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
form.addEventListener("input", countOptional);

for (const select of form.querySelectorAll("select")) {
  select.addEventListener("change", () => {
    showOther(select);
    const other = select.parentElement.querySelector(".other");
    if (other && !other.hidden) other.focus();
  });
}

form.addEventListener("reset", () => {
  clearProblem();
  // The browser restores the values after this event.
  setTimeout(() => {
    form.querySelectorAll("select").forEach(showOther);
    countOptional();
  });
});

const example = document.getElementById("example");
if (example) example.addEventListener("click", fillExample);
countOptional();
offerExplanation(headers);
offerCsv(headers);
