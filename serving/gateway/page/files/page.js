// The form at /. The server wrote its fields from the contract and alone judges their values; this file sends what was
// typed and shows what came back.
"use strict";

const form = document.getElementById("form");
const problem = document.getElementById("problem");
const answer = document.getElementById("answer");
const result = document.getElementById("result");
const waiting = document.getElementById("waiting");
const fields = [...form.querySelectorAll(".field[data-name]")];
const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
let asked = 0; // the newest request: an answer to an older one is not shown

function control(field) {
  const chosen = field.querySelector("select, input");
  const other = field.querySelector(".other");
  return other && !other.hidden ? other : chosen;
}

// Numbers go out digit for digit as typed; a JavaScript number would lose digits of a large one. What is no number goes
// out as a string, so that the server says in its own words what it expected.
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

function clearProblem() {
  problem.hidden = true;
  for (const field of fields) {
    const said = field.querySelector(".error");
    said.hidden = true;
    said.textContent = "";
    control(field).removeAttribute("aria-invalid");
  }
}

function showProblem(detail, errors = []) {
  const text = document.createElement("p");
  text.textContent = errors.length ? `${errors.length === 1 ? "This field is" : "These fields are"} not as expected:` : detail;
  problem.replaceChildren(text);
  const list = document.createElement("ul");
  for (const error of errors) {
    const field = fields.find((one) => one.dataset.name === error.field);
    const words = `expected ${error.expected}, received ${error.received}`;
    const item = document.createElement("li");
    if (field) {
      const input = control(field);
      const said = field.querySelector(".error");
      said.textContent = words[0].toUpperCase() + words.slice(1);
      said.hidden = false;
      input.setAttribute("aria-invalid", "true");
      const link = document.createElement("a");
      link.href = `#${input.id}`;
      link.textContent = `${field.querySelector("label").textContent}: ${words}`;
      link.addEventListener("click", (event) => {
        event.preventDefault();
        input.focus();
      });
      item.append(link);
    } else {
      item.textContent = `${error.field}: ${words}`;
    }
    list.append(item);
  }
  if (errors.length) problem.append(list);
  // An answer to earlier values beside it would be taken for the answer to these.
  result.hidden = true;
  waiting.hidden = false;
  problem.hidden = false;
  problem.focus();
}

function showAnswer(said, milliseconds, timing, sent) {
  const { probability, decision } = said.predictions[0];
  const percent = (probability * 100).toFixed(1);
  waiting.hidden = true;
  result.hidden = false;
  answer.classList.toggle("yes", decision);
  document.getElementById("gauge-fill").setAttribute("stroke-dasharray", `${probability * 100} 200`);
  document.getElementById("gauge-text").textContent = `${percent}%`;
  document.getElementById("gauge-title").textContent = `Probability: ${percent}%`;
  document.getElementById("decision").textContent = decision ? answer.dataset.true : answer.dataset.false;
  const label = said.model_label ? ` (${said.model_label})` : "";
  document.getElementById("version").textContent = said.model_version + label;
  const model = /model;dur=([\d.]+)/.exec(timing || "");
  document.getElementById("latency").textContent =
    `${Math.round(milliseconds)} ms` + (model ? ` (model ${Math.round(model[1])} ms)` : "");
  document.getElementById("request-id").textContent = said.request_id;
  document.getElementById("curl").textContent = curl(sent);
  forgetExplanation(sent);
  // On a phone the answer lies below the button.
  const decisionLine = document.getElementById("decision");
  if (decisionLine.getBoundingClientRect().bottom > window.innerHeight) answer.scrollIntoView({ block: "start" });
}

// Where the gateway explains predictions, the page has a button for it.
const why = document.getElementById("why");
const because = document.getElementById("because");

function forgetExplanation(sent) {
  if (!why) return;
  because.hidden = true;
  why.hidden = false;
  why.dataset.sent = sent;
}

function showContributions(said) {
  const signed = (amount) => `${amount < 0 ? "−" : "+"}${(Math.abs(amount) * 100).toFixed(1)}`;
  const named = (name) => fields.find((one) => one.dataset.name === name).querySelector("label").textContent;
  const shown = said.contributions.filter((one) => Math.abs(one.contribution) >= 0.0005);
  const largest = Math.max(...shown.map((one) => Math.abs(one.contribution)), 1e-9);
  const items = shown.map((one) => {
    const item = document.createElement("li");
    const bar = document.createElement("span");
    const words = [named(one.field), signed(one.contribution)].map((text) => {
      const part = document.createElement("span");
      part.textContent = text;
      return part;
    });
    bar.className = one.contribution < 0 ? "bar less" : "bar";
    bar.style.width = `${(Math.abs(one.contribution) / largest) * 100}%`;
    item.append(...words, bar);
    return item;
  });
  document.getElementById("contributions").replaceChildren(...items);
  const predictedBy = document.getElementById("version").textContent;
  const other = said.model_version === predictedBy ? "" : ` Version ${said.model_version} explains, version ${predictedBy} predicted.`;
  document.getElementById("because-note").textContent =
    `In percentage points, from ${(said.base * 100).toFixed(1)}% on average to ${(said.probability * 100).toFixed(1)}%.${other}`;
  because.hidden = false;
  why.hidden = true;
}

async function explain() {
  const sent = why.dataset.sent;
  why.disabled = true;
  try {
    const response = await fetch(`${form.action}/explanation`, { method: "POST", headers: headers(), body: sent });
    const said = await response.json();
    if (sent !== why.dataset.sent) return;
    if (response.ok) showContributions(said);
    else showProblem(said.detail, said.errors);
  } catch (error) {
    showProblem(`The gateway cannot be reached: ${error.message}. Is it running?`);
  } finally {
    why.disabled = false;
  }
}

if (why) why.addEventListener("click", explain);

function headers() {
  const found = { "Content-Type": "application/json" };
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
    if (number === asked) showProblem(`The gateway cannot be reached: ${error.message}. Is it running?`);
  } finally {
    if (number === asked) form.removeAttribute("aria-busy");
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});

function showOther(select) {
  const other = select.parentElement.querySelector(".other");
  if (other) other.hidden = !select.selectedOptions[0].hasAttribute("data-other");
}

for (const select of form.querySelectorAll("select")) {
  select.addEventListener("change", () => {
    showOther(select);
    const other = select.parentElement.querySelector(".other");
    if (other && !other.hidden) other.focus();
  });
}

form.addEventListener("reset", () => {
  clearProblem();
  // The browser puts the values back after this event.
  setTimeout(() => form.querySelectorAll("select").forEach(showOther));
});
