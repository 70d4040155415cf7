// Read the gateway's answer to a CSV file: its cells, and a summary in words.

import { measured } from "./answer.js";
import { fields } from "./problem.js";

const OF_REQUEST = ["model_version", "request_id", "request_row"]; // columns that the answer adds, in addition to predicted_*
const FORMULA = /^[=@\t\r]|^[+-](?![\d.,]+(e[+-]?\d+)?$)/i; // a cell that a spreadsheet would evaluate

// The gateway quotes cells as in RFC 4180.
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
    else if (text.startsWith(separator, place)) {
      row.push(cell);
      cell = "";
      place += separator.length - 1;
    } else if (text.startsWith("\r\n", place)) {
      rows.push([...row, cell]);
      [row, cell] = [[], ""];
      place++;
    } else cell += sign;
  }
  return rows;
}

// The gateway's own columns end the first line of every answer.
const SEPARATOR = new RegExp(`${OF_REQUEST[0]}(.)${OF_REQUEST[1]}\\1${OF_REQUEST[2]}\r\n`, "su");

export function read(text) {
  const [, separator] = SEPARATOR.exec(text);
  const rows = parse(text.startsWith("sep=") ? text.slice(text.indexOf("\n") + 1) : text, separator);
  return { header: rows[0], rows: rows.slice(1) };
}

export function isAdded(name) {
  return name.startsWith("predicted_") || OF_REQUEST.includes(name);
}

export function summary({ header, rows }) {
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

export function notes({ header, rows }) {
  const names = fields.map((field) => field.dataset.name);
  const unread = header.filter((name) => !isAdded(name) && !names.includes(name));
  // A part of a time follows from the time.
  const absent = fields.map((field) => field.dataset).filter(({ name, part }) => !header.includes(name) && !header.includes(part));
  const formulas = [header, ...rows].flat().filter((cell) => FORMULA.test(cell)).length;
  return [
    absent.length && `No column, so missing in every row: ${absent.map(({ name }) => name).join(", ")}.`,
    unread.length && `Ignored and returned unchanged: ${unread.map((name) => name || "(no name)").join(", ")}.`,
    formulas && `${formulas} ${formulas === 1 ? "cell of the file begins" : "cells of the file begin"} as a formula. Open it in a spreadsheet only if you trust its source.`,
  ].filter(Boolean);
}
