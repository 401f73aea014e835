// Makes the board quicker: filters at once, brings news, tells how a move goes. Without it everything works as well.
"use strict";

const EVERY_MS = 10000; // between two looks
const LOST_MS = 25000; // without news for so long: say so
const byId = (id) => document.getElementById(id);

// Times: as ages, beside the exact time that the page has.

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];
const ages = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

function age(ms) {
  const seconds = Math.round(ms / 1000);
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) || ["second", 1];
  return ages.format(-Math.floor(seconds / size), unit);
}

function tellAges() {
  for (const time of document.querySelectorAll("time:not([data-seen])")) {
    const then = Date.parse(time.dateTime);
    if (!time.title) time.title = time.textContent;
    if (!Number.isNaN(then)) time.textContent = age(Date.now() - then);
  }
}

// The filter

function filter() {
  const form = byId("filter");
  if (!form) return;
  const words = form.elements.q.value.toLowerCase().split(/\s+/).filter(Boolean);
  const group = form.elements.group ? form.elements.group.value : "";
  let shown = 0;
  for (const card of document.querySelectorAll(".card")) {
    const inGroup = !group || card.dataset.groups.split(" ").includes(group);
    card.hidden = !(inGroup && words.every((word) => card.dataset.words.includes(word)));
    shown += card.hidden ? 0 : 1;
  }
  byId("none").hidden = shown > 0 || !document.querySelector(".card");
  for (const part of document.querySelectorAll(".odd, .column")) {
    part.querySelector(".count").textContent = part.querySelectorAll(".card:not([hidden])").length;
  }
}

function filterAsTyped() {
  const form = byId("filter");
  byId("apply").hidden = true;
  const changed = () => {
    filter();
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value)).toString();
    history.replaceState(null, "", query ? `/?${query}` : "/");
  };
  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => { event.preventDefault(); changed(); });
  filter();
}

// News

let etag = null;
let lastNews = Date.now();

async function look() {
  const answer = await ask();
  if (answer && (answer.status === 401 || answer.status === 403)) return location.reload();
  if (answer && (answer.status === 200 || answer.status === 304)) take(answer);
  tellContact();
}

async function ask() {
  const headers = etag ? { "If-None-Match": etag } : {};
  try {
    const answer = await fetch("/cards", { headers, cache: "no-store", signal: AbortSignal.timeout(EVERY_MS) });
    const told = (name) => answer.headers.get(name);
    return { status: answer.status, etag: told("ETag"), seen: told("Failover-Seen"), html: await answer.text() };
  } catch {
    return null; // no connection, or none that answers in time
  }
}

function take(answer) {
  if (answer.status === 200 && answer.etag !== etag) replaceBoard(answer.html);
  etag = answer.etag;
  const seen = byId("contact").querySelector("time");
  seen.dateTime = answer.seen;
  seen.textContent = `${answer.seen.slice(11, 19)} UTC`;
  lastNews = Date.now();
}

function tellContact() {
  const silent = Date.now() - lastNews;
  const lost = byId("lost");
  const isLost = silent > LOST_MS || (silent > EVERY_MS && !navigator.onLine);
  if (isLost) lost.textContent = `Not connected: the last update was ${Math.round(silent / 1000)} s ago. What is shown may have changed since.`;
  if (lost.hidden === isLost) lost.hidden = !isLost;
}

function replaceBoard(html) {
  const board = byId("board");
  const before = sides(board);
  const focused = board.contains(document.activeElement) ? document.activeElement.id : "";
  const [x, y] = [scrollX, scrollY];
  board.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  filter();
  tellAges();
  if (focused && byId(focused)) byId(focused).focus({ preventScroll: true });
  scrollTo(x, y);
  tellMoves(before, sides(board));
}

function sides(board) {
  return new Map([...board.querySelectorAll(".card")].map((card) => [card.id.slice(5), card.dataset.side]));
}

function tellMoves(before, after) {
  const moved = [...after].filter(([name, side]) => before.has(name) && before.get(name) !== side);
  for (const [name] of moved) byId(`card-${name}`).classList.add("news");
  if (moved.length) byId("news").textContent = moved.map(([name, side]) => `${name} is on ${side} now.`).join(" ");
}

function keepLooking() {
  look();
  setInterval(() => { if (!document.hidden) look(); }, EVERY_MS);
  setInterval(() => { tellContact(); }, 1000);
  setInterval(tellAges, 30000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
}

// A move: sent in the background, so that the page can tell how it goes

async function confirmMove(form) {
  const button = byId("go");
  const steps = byId("steps");
  const started = Date.now();
  const data = new URLSearchParams(new FormData(form));
  button.disabled = true;
  steps.hidden = false;
  steps.replaceChildren(step("Sent. The service reads Git, plans the move and writes it."));
  const patience = setInterval(() => { steps.replaceChildren(step(waiting(Date.now() - started, form.dataset.deadline))); }, 2000);
  try {
    const answer = await fetch(form.action, { method: "POST", body: data, headers: { Accept: "text/html" }, redirect: "error" });
    show(await answer.text());
  } catch {
    steps.replaceChildren(step("The connection broke off, so nobody knows here whether the move was made. Press the button again: it is the same move, and is not made twice.", "failed"));
    button.disabled = false;
    button.focus();
  } finally {
    clearInterval(patience);
  }
}

function waiting(ms, deadline) {
  const seconds = Math.round(ms / 1000);
  return `Waiting for Git for ${seconds} s. After ${Number(deadline)} s the service gives up and says how far it came.`;
}

function step(text, kind = "") {
  const item = document.createElement("li");
  item.textContent = text;
  item.className = kind;
  return item;
}

function show(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  document.title = page.title;
  byId("main").replaceWith(page.getElementById("main"));
  start();
  scrollTo(0, 0);
  const heading = document.querySelector("h1");
  heading.tabIndex = -1;
  heading.focus();
}

function start() {
  tellAges();
  if (byId("insecure") && !isSecureContext) byId("insecure").hidden = false;
  const form = byId("confirm");
  if (form) form.addEventListener("submit", (event) => { event.preventDefault(); confirmMove(form); });
}

start();
if (byId("board")) {
  filterAsTyped();
  keepLooking();
}
