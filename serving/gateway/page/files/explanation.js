// The button "Why?", where the gateway explains predictions.

import { bar } from "./answer.js";
import { fields, showProblem, title, unreachable } from "./problem.js";

const form = document.getElementById("form");
const why = document.getElementById("why");
const because = document.getElementById("because");

export function forgetExplanation(sent) {
  if (!why) return;
  because.hidden = true;
  why.hidden = false;
  why.dataset.sent = sent;
}

function showContributions(said) {
  const signed = (amount) => `${amount < 0 ? "−" : "+"}${(Math.abs(amount) * 100).toFixed(1)}`;
  const named = (name) => title(fields.find((one) => one.dataset.name === name));
  const shown = said.contributions.filter((one) => Math.abs(one.contribution) >= 0.0005);
  const largest = Math.max(...shown.map((one) => Math.abs(one.contribution)), 1e-9);
  const items = shown.map((one) => {
    const className = one.contribution < 0 ? "bar less" : "bar";
    return bar([named(one.field), signed(one.contribution)], Math.abs(one.contribution) / largest, className);
  });
  document.getElementById("contributions").replaceChildren(...items);
  const predictedBy = document.getElementById("version").textContent;
  const other = said.model_version === predictedBy ? "" : ` Version ${said.model_version} explains, version ${predictedBy} predicted.`;
  document.getElementById("because-note").textContent =
    `In percentage points, from ${(said.base * 100).toFixed(1)}% on average to ${(said.probability * 100).toFixed(1)}%.${other}`;
  because.hidden = false;
  why.hidden = true;
}

async function explain(headers) {
  const sent = why.dataset.sent;
  why.disabled = true;
  try {
    const response = await fetch(`${form.action}/explanation`, { method: "POST", headers: headers(), body: sent });
    const said = await response.json();
    if (sent !== why.dataset.sent) return;
    if (response.ok) showContributions(said);
    else showProblem(said.detail, said.errors);
  } catch (error) {
    showProblem(unreachable(error));
  } finally {
    why.disabled = false;
  }
}

export function offerExplanation(headers) {
  if (why) why.addEventListener("click", () => explain(headers));
}
