// A CSV file goes to the gateway, which reads it by the contract, and comes back with predictions.

import { measured } from "./answer.js";
import { fields, unreachable } from "./problem.js";

const form = document.getElementById("form");
const section = document.getElementById("csv");
const input = document.getElementById("csv-file");
const problem = document.getElementById("csv-problem");
const result = document.getElementById("csv-result");
const download = document.getElementById("csv-download");
const FIRST_ROWS = 10; // of the preview
const OF_REQUEST = ["model_version", "request_id", "request_row"]; // columns that the answer adds, beside predicted_…
const MOST_ERRORS = 50; // that the gateway names
const FORMULA = /^[=@\t\r]|^[+-](?![\d.,]+$)/; // a cell that a spreadsheet would run
let newest = 0; // the newest file: an answer about an older one is not shown

function make(tag, text, className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

// The gateway writes quotes as RFC 4180 has them.
function parse(text, separator) {
  const rows = [];
  let [row, cell, quoted] = [[], "", false];
  for (let place = 0; place < text.length; place++) {
    const sign = text[place];
    if (quoted) {
      if (sign !== '"') cell += sign;
      else if (text[place + 1] === '"') cell += text[++place];
      else quoted = false;
    } else if (sign === '"') quoted = true;
    else if (sign === separator || sign === "\n") {
      row.push(sign === "\n" ? cell.replace(/\r$/, "") : cell);
      cell = "";
      if (sign === "\n") [row] = [[], rows.push(row)];
    } else cell += sign;
  }
  return rows;
}

function read(text) {
  const [, separator] = /model_version(.)request_id/s.exec(text); // columns of the answer, which always has them
  const rows = parse(text.startsWith("sep=") ? text.slice(text.indexOf("\n") + 1) : text, separator);
  return { header: rows[0], rows: rows.slice(1) };
}

function isAdded(name) {
  return name.startsWith("predicted_") || OF_REQUEST.includes(name);
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

function summary({ header, rows }) {
  const count = `${rows.length.toLocaleString("en")} ${rows.length === 1 ? "row" : "rows"} predicted`;
  const decision = header.indexOf("predicted_decision");
  if (decision < 0) {
    const values = rows.map((row) => Number(row[header.indexOf("predicted_value")].replace(",", ".")));
    const range = [Math.min(...values), Math.max(...values)].map((value) => measured(value, ""));
    return `${count}, from ${range[0]} to ${range[1]}`;
  }
  const { kind, true: yes, false: no } = document.getElementById("answer").dataset;
  const counts = new Map();
  for (const row of rows) counts.set(row[decision], (counts.get(row[decision]) || 0) + 1);
  const named = (text) => (kind === "binary" ? { true: yes, false: no }[text] : text);
  const most = [...counts].sort((one, other) => other[1] - one[1]).slice(0, 5);
  return `${count}: ${most.map(([text, times]) => `${times.toLocaleString("en")} × ${named(text)}`).join(", ")}${counts.size > 5 ? ", …" : ""}`;
}

function notes({ header, rows }) {
  const names = fields.map((field) => field.dataset.name);
  const unread = header.filter((name) => !isAdded(name) && !names.includes(name));
  const absent = names.filter((name) => !header.includes(name));
  const formulas = rows.flat().filter((cell) => FORMULA.test(cell)).length;
  return [
    absent.length && `No column, so missing in every row: ${absent.join(", ")}.`,
    unread.length && `Came back unread: ${unread.map((name) => name || "(no name)").join(", ")}.`,
    formulas && `${formulas} ${formulas === 1 ? "cell of the file begins" : "cells of the file begin"} as a formula. Before you open it in a spreadsheet, be sure whom it is from.`,
  ].filter(Boolean);
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

async function send(file, headers) {
  const number = ++newest;
  const most = Number(section.dataset.mostBytes);
  if (file.size > most) {
    showProblem(`${file.name} is too large: expected at most ${most.toLocaleString("en")} bytes, received ${file.size.toLocaleString("en")}. Send it in parts.`);
    return;
  }
  section.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(`${form.action}/csv`, { method: "POST", headers: headers("text/csv"), body: file });
    const blob = await response.blob();
    const text = await blob.text();
    if (number !== newest) return;
    if (response.ok) showAnswer(read(text), blob, file.name);
    else {
      const said = JSON.parse(text);
      showProblem(`${file.name}: ${said.detail}`, said.errors);
    }
  } catch (error) {
    if (number === newest) showProblem(unreachable(error));
  } finally {
    if (number === newest) section.removeAttribute("aria-busy");
  }
}

export function offerCsv(headers) {
  // The same file again, mended meanwhile, is a change, too.
  input.addEventListener("click", () => (input.value = ""));
  input.addEventListener("change", () => input.files.length && send(input.files[0], headers));
  // A file that misses the section must not replace the page.
  for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());
  section.addEventListener("dragover", () => section.classList.add("over"));
  section.addEventListener("dragleave", () => section.classList.remove("over"));
  section.addEventListener("drop", (event) => {
    section.classList.remove("over");
    const [file, ...more] = event.dataTransfer.files;
    if (more.length) showProblem(`Expected one file, received ${more.length + 1}. Send them one after the other.`);
    else if (file) send(file, headers);
  });
}
