// SPDX-License-Identifier: GPL-3.0-or-later
// The page of the line: asks how the slots stand, is answered once that changes or a second has passed, and draws them.
// All text goes in as text, never as markup. What a slot says counts only while service and station are heard of.
"use strict";

const PAUSE_MS = 100;
const LOST_PAUSE_MS = 500;
const PATIENCE_MS = 3000;
const SVG = "http://www.w3.org/2000/svg";
const WORDS = {
  empty: "EMPTY",
  working: "WORKING",
  pass: "PASS",
  fail: "FAIL",
  scan_now: "SCAN NOW",
  no_label: "NO LABEL",
  lost: "LOST",
};
const SHAPES = {
  empty: "M14 34 L14 80 L86 80 L86 34",
  working: "M24 12 L76 12 M24 88 L76 88 M32 12 C32 44 68 56 68 88 M68 12 C68 44 32 56 32 88",
  pass: "M14 54 L40 80 L88 22",
  fail: "M20 20 L80 80 M80 20 L20 80",
  scan_now: "M14 18 L14 82 M38 18 L38 82 M56 18 L56 82 M86 18 L86 82",
  no_label: "M12 30 L60 30 L88 50 L60 70 L12 70 Z M22 90 L78 10",
  lost: "M50 14 L50 58 M50 84 L50 84.1",
};
const SOUNDS = {
  pass: [[880, 0, 0.12]],
  fail: [[220, 0, 0.3], [165, 0.35, 0.45]],
  no_label: [[440, 0, 0.15], [330, 0.2, 0.3]],
  scan_now: [[660, 0, 0.1], [660, 0.16, 0.1]],
  lost: [[165, 0, 0.8]],
  notice: [[294, 0, 0.1], [294, 0.15, 0.1], [294, 0.3, 0.1]],
};
const TAKEN_OUT = "Take the board out and put it aside for the technician.";
const MOST_BEGUN = 1024; // of the slots that the service knows at most
const NOT_TOLD = "this page is not told by a station whose token is unknown";

const LARGEST = 1.5; // of the letters that explain, where there are few
const SMALLEST = 0.6; // and where there are many
const SHORT = 5; // letters of a word beside which there is room for a large shape

const at = (id) => document.getElementById(id);
const began = new Map(); // which board of a slot this page saw being worked on, and since when
const widths = new Map();
let board = null;
let heard = 0; // when it was fetched, by this page's clock
let drawn = null; // what each tile shows, as text
let noticed = new Set(); // the notices at the last drawing
let before = null; // the states at the last drawing, to hear what changed; null before the first
let sound = null;
let wantsSound = remembered() === "on";

// A browser may keep nothing for a page; then the sound is off after a reload.
function remembered() {
  try {
    return localStorage.getItem("sound");
  } catch {
    return null;
  }
}

function remember(text) {
  try {
    localStorage.setItem("sound", text);
  } catch {
    // as above
  }
}

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function clock(iso) {
  return new Date(iso).toLocaleTimeString("en-GB");
}

function keyOf(slot) {
  return JSON.stringify([slot.station, slot.slot]);
}

// For how long a board has been worked on: by the service, and by this page, which knows better when that was restarted.
function worked(slot) {
  const now = performance.now();
  const key = keyOf(slot);
  if (began.get(key)?.arrival !== slot.arrival) {
    began.delete(key);
    began.set(key, { arrival: slot.arrival, at: now - 1000 * slot.seconds });
    if (began.size > MOST_BEGUN) began.delete(began.keys().next().value);
  }
  return Math.max(slot.seconds + (now - heard) / 1000, (now - began.get(key).at) / 1000);
}

// What is shown of a slot: what the station told, unless that cannot be true any more.
function shown(slot, lost) {
  if (lost.has(slot.station)) {
    const last = `It was ${WORDS[slot.state]} when the station was last heard of.`;
    return { ...slot, state: "lost", notice: undefined, reason: last, detail: undefined, remedy: "Wait, and plug nothing in." };
  }
  if (slot.state === "working" && worked(slot) > board.working_seconds) {
    return { ...slot, state: "fail", reason: "It took too long.", detail: `Its station told nothing for ${board.working_seconds} s.`, remedy: TAKEN_OUT };
  }
  return slot;
}

function shape(state) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("viewBox", "0 0 100 100");
  made.setAttribute("class", "shape");
  made.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", SHAPES[state]);
  made.append(path);
  return made;
}

function tile(slot, several) {
  const made = element("article", "tile");
  made.dataset.state = slot.state;
  made.style.setProperty("--wide", width(WORDS[slot.state]));
  if (WORDS[slot.state].length <= SHORT) made.classList.add("short");
  const head = element("div", "head");
  head.append(element("h2", "slot", several ? `${slot.station} ${slot.slot}` : slot.slot), shape(slot.state));
  const about = element("p", "about");
  if (slot.serial) about.append(element("span", "serial", slot.serial));
  if (slot.claim_id_end) about.append(element("span", "id", `…${slot.claim_id_end}`));
  if (slot.at && slot.state !== "empty") {
    const time = element("time", "", clock(slot.at));
    time.dateTime = slot.at;
    about.append(time);
  }
  const face = element("div", "face");
  face.append(head, element("strong", "word", WORDS[slot.state]), about);
  // What came of the operator's own scan is the news while it lasts; the rest comes back after it.
  if (slot.notice) face.append(element("p", "notice", slot.notice));
  const does = slot.state === "working" ? slot.step : slot.remedy;
  if (does && !slot.notice) face.append(element("p", "do", does));
  if (slot.reason && !slot.notice && slot.state !== "working") {
    const why = element("p", "why", slot.reason);
    why.title = slot.detail ?? slot.reason; // for the technician
    face.append(why);
  }
  made.append(face);
  return made;
}

// How wide a word is, in its letters' own size: fonts differ by a third.
function width(word) {
  if (!widths.has(word)) {
    const context = document.createElement("canvas").getContext("2d");
    context.font = `800 100px ${getComputedStyle(document.body).fontFamily}`;
    widths.set(word, context.measureText(word).width / 100);
  }
  return widths.get(word);
}

// As many columns as make the letters of the words largest.
function columns(count) {
  const { clientWidth, clientHeight } = at("slots");
  const widest = Math.max(...Object.values(WORDS).map(width));
  let best = 1;
  let most = 0;
  for (let number = 1; number <= count; number += 1) {
    const size = Math.min((0.9 * clientWidth) / number / widest, (0.27 * clientHeight) / Math.ceil(count / number));
    if (size > most) [best, most] = [number, size];
  }
  return best;
}

function drawShift() {
  const { shift, stations } = board;
  at("name").textContent = stations.map((station) => station.station).join(", ") || "Line";
  at("passed").textContent = shift.passed.toLocaleString();
  at("failed").textContent = shift.failed.toLocaleString();
  at("yield").textContent = shift.yield === null ? "–" : `${Math.floor(100 * shift.yield)} %`;
  at("pace").textContent = shift.pace === null ? "–" : Math.round(shift.pace).toLocaleString();
  at("since").textContent = clock(shift.since).slice(0, 5);
  const operators = [...new Set(stations.map((station) => station.operator).filter(Boolean))];
  at("who").hidden = operators.length === 0;
  at("operator").textContent = operators.join(", ");
}

function draw() {
  const lost = new Set(board.stations.filter((station) => station.lost).map((station) => station.station));
  const notices = board.notices.filter((notice) => !lost.has(notice.station));
  const texts = new Map(notices.map((notice) => [keyOf(notice), notice.text]));
  const slots = board.slots.map((slot) => shown({ ...slot, notice: texts.get(keyOf(slot)) }, lost));
  // A slot of which nothing is known, as after a restart of the service, may have its board still.
  for (const slot of board.slots) if (slot.state !== "working") began.delete(keyOf(slot));
  document.body.dataset.line = lost.size ? "station-lost" : "live";
  at("lost").hidden = true;
  drawAlarm(lost);
  drawShift();
  drawNotice(notices.filter((notice) => notice.slot === null));
  drawTiles(slots, board.stations.length > 1);
  listen(new Map(slots.map((slot) => [keyOf(slot), slot.state])), notices);
}

// A tile that says the same stays, with what somebody marks or points at in it.
function drawTiles(slots, several) {
  const pictures = slots.map(({ seconds, ...rest }) => JSON.stringify([several, rest]));
  if (drawn?.length !== pictures.length) {
    at("slots").replaceChildren(...slots.map((slot) => tile(slot, several)));
    if (slots.length === 0) at("slots").append(element("p", "", "Waiting for the station of the line. Nothing was heard of it yet: plug nothing in."));
  } else if (pictures.every((picture, number) => picture === drawn[number])) {
    return;
  } else {
    const tiles = [...at("slots").children];
    slots.forEach((slot, number) => {
      if (pictures[number] !== drawn[number]) tiles[number].replaceWith(tile(slot, several));
    });
  }
  drawn = pictures;
  fit();
}

// Why what is shown, or missing, is not how the line stands.
function drawAlarm(lost) {
  const texts = [];
  if (lost.size) texts.push(`NO STATION: ${[...lost].join(", ")} is not heard of any more. Stop, and call the technician.`);
  if (board.refuses) texts.push(`STATION REFUSED: ${NOT_TOLD}. Call the technician.`);
  const text = texts.join(" ");
  at("alarm").hidden = text === "";
  if (at("alarm").textContent !== text) at("alarm").textContent = text;
}

// What belongs to no slot: the newest of each station, as one line.
function drawNotice(notices) {
  const several = board.stations.length > 1;
  const text = notices.map((notice) => (several ? `${notice.station}: ${notice.text}` : notice.text)).join(" ");
  at("notice").hidden = text === "";
  if (at("notice").textContent !== text) at("notice").textContent = text;
}

function fit() {
  at("slots").style.setProperty("--columns", columns(Math.max(board?.slots.length ?? 1, 1)));
  document.querySelectorAll(".tile").forEach(fitTexts);
}

// Letters as large as all that explains has room for; what has none with the smallest either ends with dots.
function fitTexts(made) {
  const texts = [...made.querySelectorAll(".do, .why, .notice")];
  if (texts.length === 0) return;
  const face = made.querySelector(".face");
  const end = () => face.getBoundingClientRect().bottom - parseFloat(getComputedStyle(face).paddingBottom);
  const room = (text) => end() - text.getBoundingClientRect().top;
  const fits = () => texts.at(-1).getBoundingClientRect().height <= room(texts.at(-1)) + 0.5;
  for (const text of texts) {
    text.hidden = false;
    text.style.webkitLineClamp = "";
  }
  for (let size = LARGEST; size > SMALLEST - 0.05; size -= 0.1) {
    made.style.setProperty("--fit", size);
    if (fits()) return;
  }
  for (const [number, text] of texts.entries()) {
    const line = parseFloat(getComputedStyle(text).lineHeight);
    // What to do comes first, and leaves the reason a line.
    const lines = Math.floor((room(text) + 0.5) / line) - (number < texts.length - 1 ? 1 : 0);
    text.style.webkitLineClamp = Math.max(lines, 1);
    text.hidden = room(text) < line;
  }
}

// Sounds for what changed, and a frame around it. After a reload nothing has changed.
function listen(now, notices) {
  const changed = [...now].filter(([key, state]) => before !== null && before.get(key) !== state);
  changed.forEach(([key]) => at("slots").children[[...now.keys()].indexOf(key)].classList.add("fresh"));
  const states = new Set(changed.map(([, state]) => state));
  const heardFirst = ["lost", "fail", "no_label", "scan_now", "pass"].find((state) => states.has(state));
  const shownNow = new Set(notices.map(({ seconds, ...notice }) => JSON.stringify(notice)));
  const isNoticed = before !== null && [...shownNow].some((notice) => !noticed.has(notice));
  before = now;
  noticed = shownNow;
  if (heardFirst || isNoticed) play(heardFirst ?? "notice");
}

function play(state) {
  if (!wantsSound || sound?.state !== "running") return;
  for (const [frequency, start, seconds] of SOUNDS[state]) {
    const tone = sound.createOscillator();
    const loudness = sound.createGain();
    tone.frequency.value = frequency;
    loudness.gain.value = 0.4;
    tone.connect(loudness).connect(sound.destination);
    tone.start(sound.currentTime + start);
    tone.stop(sound.currentTime + start + seconds);
  }
}

// A browser lets a page be heard only after somebody touched it.
function showSound() {
  const isHeard = wantsSound && sound?.state === "running";
  at("sound").textContent = !wantsSound ? "Sound off" : isHeard ? "Sound on" : "Tap for sound";
  at("sound").setAttribute("aria-pressed", String(isHeard));
}

function openSound() {
  if (!wantsSound) return;
  if (!sound) {
    sound = new AudioContext();
    sound.onstatechange = showSound;
  }
  sound.resume().then(showSound, showSound);
}

function drawLost(sentence) {
  if (document.body.dataset.line !== "lost") play("lost");
  document.body.dataset.line = "lost";
  at("lost").hidden = false;
  const last = board ? `Last heard of at ${clock(board.now)}.` : "It was not heard of since this page was opened.";
  at("heard").textContent = `${sentence} ${last}`.trim();
  before = null;
}

async function look() {
  let pause = PAUSE_MS;
  try {
    const query = new URLSearchParams();
    const station = new URLSearchParams(location.search).get("station");
    if (station !== null) query.set("station", station);
    if (board !== null) query.set("known", board.version);
    const reply = await fetch(`line/v1/slots?${query}`, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    const body = await reply.json();
    if (!reply.ok) throw new Error(body.error);
    board = body;
    heard = performance.now();
    draw();
  } catch (error) {
    pause = LOST_PAUSE_MS;
    // What the service itself said; what a browser says of a lost connection helps nobody.
    drawLost(error instanceof Error && error.constructor === Error ? error.message : "");
  } finally {
    setTimeout(look, pause);
  }
}

at("sound").addEventListener("click", () => {
  // Switched on before, and not heard yet, it is this touch that lets it be heard.
  if (!(wantsSound && sound?.state !== "running")) wantsSound = !wantsSound;
  remember(wantsSound ? "on" : "off");
  openSound();
  showSound();
});
addEventListener("pointerdown", (event) => {
  if (event.target !== at("sound") && sound?.state !== "running") openSound();
});
new ResizeObserver(fit).observe(at("slots")); // the window, and what comes and goes above them
openSound();
showSound();
look();
