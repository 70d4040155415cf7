// The button "Why?", if the gateway explains predictions.

import { bar, measured } from "./answer.js";
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

// Contributions to a probability are percentage points; to a value, they are in its unit.
function write(said) {
  const isValue = said.value !== undefined;
  const amount = (number) => (isValue ? measured(Math.abs(number), "") : (Math.abs(number) * 100).toFixed(1));
  const whole = (number) => (isValue ? measured(number, "") : `${(number * 100).toFixed(1)}%`);
  return {
    signed: (number) => `${number < 0 ? "−" : "+"}${amount(number)}`,
    from: `${isValue ? "From" : "In percentage points, from"} ${whole(said.base)} on average to ${whole(isValue ? said.value : said.probability)}`,
    least: isValue ? 0 : 0.0005, // smaller values are shown as 0.0
  };
}

function showContributions(said) {
  const written = write(said);
  const named = (name) => title(fields.find((one) => one.dataset.name === name));
  const shown = said.contributions.filter((one) => Math.abs(one.contribution) > written.least);
  const largest = Math.max(...shown.map((one) => Math.abs(one.contribution)), Number.MIN_VALUE);
  const items = shown.map((one) => {
    const className = one.contribution < 0 ? "bar less" : "bar";
    return bar([named(one.field), written.signed(one.contribution)], Math.abs(one.contribution) / largest, className);
  });
  document.getElementById("contributions").replaceChildren(...items);
  const predictedBy = document.getElementById("version").textContent;
  const other = said.model_version === predictedBy ? "" : ` Explained by version ${said.model_version}, predicted by version ${predictedBy}.`;
  const of = said.class === undefined ? "" : ` for ${said.class}`;
  document.getElementById("because-note").textContent = `${written.from}${of}.${other}`;
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
