// The answer to one row, for each kind of task.

const answer = document.getElementById("answer");
const decision = document.getElementById("decision");
const FIRST_CLASSES = 5; // visible; more are collapsed

const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 6 });
const percent = (probability) => `${(probability * 100).toFixed(1)}%`;

export function measured(value, unit) {
  return unit ? `${number.format(value)} ${unit}` : number.format(value);
}

function showBinary({ probability, decision: yes }) {
  answer.classList.toggle("yes", yes);
  document.getElementById("gauge-fill").setAttribute("stroke-dasharray", `${probability * 100} 200`);
  document.getElementById("gauge-text").textContent = percent(probability);
  document.getElementById("gauge-title").textContent = `Probability: ${percent(probability)}`;
  decision.textContent = yes ? answer.dataset.true : answer.dataset.false;
}

export function bar(texts, share, className = "bar") {
  const item = document.createElement("li");
  for (const text of texts) {
    const part = document.createElement("span");
    part.textContent = text;
    item.append(part);
  }
  const drawn = document.createElement("span");
  drawn.className = className;
  drawn.style.width = `${share * 100}%`;
  item.append(drawn);
  return item;
}

function showClasses({ decision: chosen, probabilities }) {
  decision.textContent = String(chosen);
  const bars = probabilities.map((one) => bar([String(one.class), percent(one.probability)], one.probability));
  document.getElementById("classes").replaceChildren(...bars.slice(0, FIRST_CLASSES));
  const more = document.getElementById("more-classes");
  more.hidden = bars.length <= FIRST_CLASSES;
  more.querySelector("summary").textContent = `${bars.length - FIRST_CLASSES} less probable`;
  more.querySelector("ol").replaceChildren(...bars.slice(FIRST_CLASSES));
}

function showValue({ value, unit, interval }) {
  decision.textContent = measured(value, unit);
  const shown = document.getElementById("interval");
  shown.hidden = !interval;
  if (!interval) return;
  const { low, high, level } = interval;
  const share = high > low ? Math.min(Math.max((value - low) / (high - low), 0), 1) : 0.5;
  shown.querySelector(".mark").style.left = `${share * 100}%`;
  const [from, to] = shown.querySelectorAll(".ends span");
  [from.textContent, to.textContent] = [measured(low, unit), measured(high, unit)];
  shown.querySelector(".note").textContent =
    `Of 100 such intervals, about ${number.format(level * 100)} hold the true value: from ${measured(low, unit)} to ${measured(high, unit)}.`;
}

const SHOW = { binary: showBinary, multiclass: showClasses, regression: showValue };

export function showPrediction(prediction) {
  SHOW[answer.dataset.kind](prediction);
}
