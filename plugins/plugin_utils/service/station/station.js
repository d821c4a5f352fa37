// SPDX-License-Identifier: GPL-3.0-or-later
// The station page: asks for the line every second and draws it. All text goes in as text, never as markup.
"use strict";

const EVERY_MS = 1000;
const PATIENCE_MS = 6500; // more than the service takes to say that its ledger does not answer
const REVEALED_MS = 30000; // the page is left open, and whole claim IDs are not
const WORDS = { pass: "PASS", fail: "FAIL", issued: "ISSUED", retired: "RETIRED", idle: "READY", lost: "NO SERVICE" };
const SHAPES = {
  pass: "M14 54 L40 80 L88 22",
  fail: "M20 20 L80 80 M80 20 L20 80",
  issued: "M50 12 A38 38 0 1 1 49.9 12 M50 30 L50 52 L66 62",
  retired: "M14 50 L86 50",
  idle: "M20 50 L20.1 50 M50 50 L50.1 50 M80 50 L80.1 50",
  lost: "M50 14 L50 58 M50 84 L50 84.1",
};

const at = (id) => document.getElementById(id);
let shown = "";
let drawn = ""; // the rows, and what they were made of
let warned = "";
let asked = 0; // searches so far
let line = null;
let found = null;
let masked = null;
let wanted = "";
let token = "";
let revealed = false;
let hiding = 0;

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

// What says the same stays, so that nothing is read out again.
function say(id, text) {
  if (at(id).textContent !== text) at(id).textContent = text;
}

function two(number) {
  return String(number).padStart(2, "0");
}

// By the clock of whoever reads, as the report has it.
function clock(iso) {
  const moment = new Date(iso);
  return [moment.getHours(), moment.getMinutes(), moment.getSeconds()].map(two).join(":");
}

function day(iso) {
  const moment = new Date(iso);
  return [moment.getFullYear(), two(moment.getMonth() + 1), two(moment.getDate())].join("-");
}

function offset(iso) {
  const minutes = -new Date(iso).getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

// What is not of today says its day.
function when(iso) {
  return day(iso) === day(Date.now()) ? clock(iso) : `${day(iso)} ${clock(iso)}`;
}

function time(iso) {
  const made = element("time", "", when(iso));
  made.dateTime = iso;
  made.title = `${day(iso)} ${clock(iso)} ${offset(iso)}`;
  return made;
}

function sign(verdict, subject, text, when) {
  document.body.dataset.verdict = verdict;
  say("word", WORDS[verdict]);
  at("shape").setAttribute("d", SHAPES[verdict]);
  say("unit", subject);
  say("text", text);
  say("when", when);
  document.title = `${WORDS[verdict]} ${subject}`;
}

function row(unit) {
  const item = document.createElement("li");
  const name = element("span", "name", unit.serial ?? "reserved");
  name.title = `${unit.serial ?? ""} ${unit.product ?? ""}`;
  const why = element("span", "why", unit.text);
  why.title = unit.by ? `${unit.text} (${unit.by})` : unit.text;
  item.append(
    element("span", `badge ${unit.verdict}`, WORDS[unit.verdict]),
    time(unit.at ?? unit.updated_at),
    name,
    element("span", "id", unit.claim_id ?? ""),
    why,
  );
  return item;
}

function draw() {
  const units = found ?? line?.units ?? [];
  at("title").textContent = found ? `Found: ${found.length}` : "Last units";
  // Rows that are the same stay, with what somebody marks or points at. On another day they say theirs.
  const picture = JSON.stringify([day(Date.now()), units]);
  if (picture !== drawn) at("units").replaceChildren(...units.map(row));
  drawn = picture;
  at("nothing").hidden = units.length > 0;
  at("nothing").textContent = found ? "Nothing has that serial or claim ID." : "No unit yet.";
  at("reveal").hidden = !found || found.length === 0;
  at("reveal").textContent = revealed ? "Hide IDs" : "Show IDs";
}

function drawLine() {
  const last = line.units[0];
  const key = last ? `${last.at} ${last.serial} ${last.verdict}` : "";
  if (last) {
    const moment = `${when(last.at)} ${offset(last.at)}`;
    sign(last.verdict, last.serial ?? "", last.text, last.by ? `${moment} by ${last.by}` : moment);
  } else {
    sign("idle", "Waiting for the first unit", "", "");
  }
  if (shown && key !== shown) {
    document.body.classList.remove("fresh");
    void document.body.offsetWidth; // so that the animation starts anew
    document.body.classList.add("fresh");
  }
  shown = key || "none";
  for (const name of ["passed", "issued", "failed"]) {
    at(name).textContent = line.today[name].toLocaleString();
  }
  at("warnings").hidden = line.warnings.length === 0;
  const warnings = JSON.stringify(line.warnings);
  if (warnings !== warned) at("warnings").replaceChildren(...line.warnings.map((text) => element("li", "", text)));
  warned = warnings;
  say("live", "live");
  at("clock").textContent = `${clock(line.now)} ${offset(line.now)}`;
  draw();
}

// What the service itself said; what a browser says of a lost connection helps nobody.
function said(error) {
  return error instanceof Error && error.constructor === Error ? error.message : "";
}

async function look() {
  try {
    const reply = await fetch("station/line", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    const body = await reply.json();
    if (!reply.ok) throw new Error(body.error);
    line = body;
    drawLine();
  } catch (error) {
    sign("lost", "Stop, and see to the service", said(error), line ? `last heard of at ${clock(line.now)} ${offset(line.now)}` : "");
    say("live", "no connection");
  } finally {
    setTimeout(look, EVERY_MS);
  }
}

// Needs no service: it may be gone, and whole claim IDs must not stay.
function hide() {
  clearTimeout(hiding);
  revealed = false;
  found = masked;
  draw();
}

// A browser may keep the page as it is for whoever goes back to it.
function forget() {
  asked += 1; // no answer that is on its way counts
  token = "";
  at("token").value = "";
  at("token-form").hidden = true;
  hide();
}

// The file that the service writes for its user opens this page with the token behind #, which no browser sends.
function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!given) return;
  token = given;
  history.replaceState(null, "", location.pathname);
}

async function search(reveal) {
  asked += 1;
  const number = asked;
  if (!reveal) wanted = at("wanted").value.trim();
  clearTimeout(hiding);
  if (!wanted) {
    masked = null;
    at("trouble").textContent = "";
    hide();
    return;
  }
  const headers = { "Content-Type": "application/json" };
  if (reveal && token) headers.Authorization = `Bearer ${token}`;
  try {
    const reply = await fetch("station/search", {
      method: "POST",
      headers,
      body: JSON.stringify({ text: wanted, reveal }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const body = await reply.json();
    if (number !== asked) return; // somebody has asked for something else since
    at("token-form").hidden = reply.status !== 401;
    if (reply.status === 401) token = "";
    if (!reply.ok) throw new Error(body.error);
    at("trouble").textContent = "";
    found = body.claims;
    revealed = reveal;
    if (!reveal) masked = found;
    if (reveal) hiding = setTimeout(hide, REVEALED_MS);
    draw();
  } catch (error) {
    if (number !== asked) return;
    hide();
    at("trouble").textContent = said(error) || "The service does not answer.";
  }
}

at("search").addEventListener("submit", (event) => {
  event.preventDefault();
  search(false);
});
at("wanted").addEventListener("input", () => {
  if (!at("wanted").value) search(false);
});
at("reveal").addEventListener("click", () => (revealed ? hide() : search(true)));
at("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  token = at("token").value;
  at("token").value = "";
  search(true);
});
addEventListener("hashchange", takeToken);
addEventListener("pagehide", forget);
takeToken();
look();
