// Send a CSV file to the gateway, and show its answer: the file with predictions, or its faults.

import { isAdded, notes, read, summary } from "./csv_answer.js";
import { fields, unreachable } from "./problem.js";

const form = document.getElementById("form");
const section = document.getElementById("csv");
const input = document.getElementById("csv-file");
const problem = document.getElementById("csv-problem");
const result = document.getElementById("csv-result");
const download = document.getElementById("csv-download");
const FIRST_ROWS = 10; // of the preview
const MOST_ERRORS = 50; // the gateway's limit
let newest = 0; // the newest file: answers about older ones are not shown

function make(tag, text, className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

function table(header, rows, numbers) {
  const made = document.createElement("table");
  const head = made.createTHead().insertRow();
  for (const name of header) {
    const cell = make("th", name);
    cell.scope = "col";
    head.append(cell);
  }
  const body = made.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    row.forEach((text, place) => line.append(make("td", text, numbers.includes(header[place]) ? "number" : "")));
  }
  return made;
}

function showProblem(detail, errors = []) {
  const said = errors.length === 1 ? "One thing is" : `${errors.length === MOST_ERRORS ? "The first " : ""}${errors.length} things are`;
  problem.replaceChildren(make("p", errors.length ? `Nothing was predicted. ${said} not as expected:` : detail));
  if (errors.length) {
    const rows = errors.map((one) => [String(one.line ?? ""), one.field, `expected ${one.expected}, received ${one.received}`]);
    const scroll = make("div", "", "scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", "What is wrong");
    scroll.append(table(["line", "column", "what is wrong"], rows, ["line"]));
    problem.append(scroll);
  }
  result.hidden = true;
  problem.hidden = false;
  problem.focus();
}

function showAnswer(answered, blob, name) {
  const { header, rows } = answered;
  problem.hidden = true;
  result.hidden = false;
  document.getElementById("csv-summary").textContent = summary(answered);
  document.getElementById("csv-notes").replaceChildren(...notes(answered).map((text) => make("li", text)));
  URL.revokeObjectURL(download.href);
  download.href = URL.createObjectURL(blob);
  download.download = name.replace(/(\.[^.]*)?$/, "-predicted$1");
  const places = header.map((text, place) => place);
  const predicted = places.filter((place) => header[place].startsWith("predicted_"));
  const order = [...predicted, ...places.filter((place) => !isAdded(header[place]))];
  const shown = rows.slice(0, FIRST_ROWS).map((row) => order.map((place) => row[place]));
  const numbers = fields.filter((field) => field.dataset.kind !== "BYTES").map((field) => field.dataset.name);
  numbers.push(...predicted.map((place) => header[place]).filter((one) => one !== "predicted_decision"));
  const made = table(order.map((place) => header[place]), shown, numbers);
  const more = rows.length - shown.length;
  made.createCaption().textContent = more > 0 ? `The first ${shown.length} rows; ${more.toLocaleString("en")} more are in the file.` : "All rows.";
  made.id = "csv-preview";
  document.getElementById("csv-preview").replaceWith(made);
  result.focus();
}

// Return the file's bytes; show the reason and return undefined if they cannot be sent.
async function load(file) {
  const most = Number(section.dataset.mostBytes);
  if (file.size > most) {
    showProblem(`${file.name} is too large: expected at most ${most.toLocaleString("en")} bytes, received ${file.size.toLocaleString("en")}. Send it in parts.`);
    return undefined;
  }
  try {
    return await file.arrayBuffer();
  } catch (error) {
    showProblem(`${file.name} cannot be read: ${error.message} Expected a file, not a folder, unchanged since it was chosen. Choose it again.`);
    return undefined;
  }
}

async function ask(number, file, headers) {
  const content = await load(file);
  if (content === undefined) return;
  const response = await fetch(`${form.action}/csv`, { method: "POST", headers: headers("text/csv"), body: content });
  const blob = await response.blob();
  const text = await blob.text();
  if (number !== newest) return;
  if (response.ok) showAnswer(read(text), blob, file.name);
  else {
    const said = JSON.parse(text);
    showProblem(`${file.name}: ${said.detail}`, said.errors);
  }
}

async function send(file, headers) {
  const number = ++newest;
  section.setAttribute("aria-busy", "true");
  try {
    await ask(number, file, headers);
  } catch (error) {
    if (number === newest) showProblem(unreachable(error));
  } finally {
    if (number === newest) section.removeAttribute("aria-busy");
  }
}

function hasFiles(event) {
  return event.dataTransfer.types.includes("Files");
}

export function offerCsv(headers) {
  // Choosing the same file again, edited meanwhile, must count as a change.
  input.addEventListener("click", () => (input.value = ""));
  input.addEventListener("change", () => input.files.length && send(input.files[0], headers));
  // A file dropped outside the section must not replace the page; text may be dragged into fields.
  for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => hasFiles(event) && event.preventDefault());
  section.addEventListener("dragover", (event) => section.classList.toggle("over", hasFiles(event)));
  section.addEventListener("dragleave", () => section.classList.remove("over"));
  section.addEventListener("drop", (event) => {
    section.classList.remove("over");
    const { files } = event.dataTransfer;
    if (files.length > 1) showProblem(`Expected one file, received ${files.length}. Send one at a time.`);
    else if (files.length) {
      input.files = files; // shows the file's name
      send(files[0], headers);
    }
  });
}
