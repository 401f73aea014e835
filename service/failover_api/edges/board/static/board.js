// Makes the board quicker: filters at once, brings news, tells how a move goes. Without it everything works as well.
"use strict";

const EVERY_MS = 10000; // between two looks
const LOST_MS = 25000; // without news for so long: say so
const byId = (id) => document.getElementById(id);

// Times: as ages, beside the exact time.

function age(ms) {
  const minutes = Math.floor(ms / 60000);
  const hours = Math.floor(minutes / 60);
  if (minutes < 1) return "just now";
  if (hours < 1) return `${minutes} min ago`;
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} days ago`;
}

function tellAges() {
  for (const time of document.querySelectorAll("time:not([data-seen], [data-to-come])")) {
    const then = Date.parse(time.dateTime);
    if (Number.isNaN(then)) continue;
    time.title = `${time.dateTime.replace("T", " ").slice(0, 16)} UTC`;
    time.textContent = age(Date.now() - then);
  }
  if (byId("headline")) document.title = `${byId("headline").textContent.trim()} · Failover`;
}

// The filter

function filter() {
  const form = byId("filter");
  const words = form.elements.q.value.toLowerCase().split(/\s+/).filter(Boolean);
  const group = form.elements.group ? form.elements.group.value : "";
  const place = form.elements.state.value;
  const found = { "": 0 };
  const rows = [...document.querySelectorAll(".row")];
  for (const row of rows) {
    const inGroup = !group || row.dataset.groups.split(" ").includes(group);
    const text = [row.id.slice(4), ...Object.values(row.dataset)].join(" ").toLowerCase();
    const isFound = inGroup && words.every((word) => text.includes(word));
    const stands = row.closest(".part").dataset.place;
    row.hidden = !(isFound && (!place || place === stands));
    if (isFound) for (const where of ["", stands]) found[where] = (found[where] || 0) + 1;
  }
  byId("none").hidden = !rows.length || rows.some((row) => !row.hidden);
  for (const radio of form.elements.state) radio.parentElement.querySelector(".count").textContent = found[radio.value] || 0;
  for (const part of document.querySelectorAll(".part[data-place]")) {
    const shown = part.querySelectorAll(".row:not([hidden])").length;
    part.querySelector(".count").textContent = shown;
    part.hidden = !shown;
  }
}

function filterAsTyped() {
  const form = byId("filter");
  byId("apply").hidden = true;
  const changed = () => {
    filter();
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value)).toString();
    history.replaceState(null, "", query ? `${form.action}?${query}` : form.action);
  };
  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => { event.preventDefault(); changed(); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
    event.preventDefault();
    form.elements.q.select();
  });
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
    const answer = await fetch(`${byId("filter").action}cards`, { headers, cache: "no-store", signal: AbortSignal.timeout(EVERY_MS) });
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

function replaceBoard(html) { // all but the filter, in which somebody may be typing
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const before = sides();
  const focused = document.activeElement.id;
  const [x, y] = [scrollX, scrollY];
  for (const id of ["summary", "look", "list"]) byId(id).replaceWith(fresh.getElementById(id));
  filter();
  tellAges();
  if (focused && byId(focused) && document.activeElement.id !== focused) byId(focused).focus({ preventScroll: true });
  scrollTo(x, y);
  tellMoves(before, sides());
}

function sides() {
  return new Map([...document.querySelectorAll(".row")].map((row) => [row.id.slice(4), row.dataset.side]));
}

function tellMoves(before, after) {
  const moved = [...after].filter(([name, side]) => before.has(name) && before.get(name) !== side);
  for (const [name] of moved) byId(`row-${name}`).classList.add("news");
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

// A move that is made: the timeline goes on by itself

const FOLLOW_MS = 3000;
let following = null;

function follow() {
  clearTimeout(following);
  const link = document.querySelector("[data-follow]");
  const timeline = byId("timeline");
  if (!timeline || !(link || "goesOn" in timeline.dataset)) return;
  const from = link ? link.href : location.href;
  const again = (ms) => { following = setTimeout(() => lookAtTimeline(from, again), ms); };
  again(link ? 0 : FOLLOW_MS);
}

async function lookAtTimeline(from, again) {
  if (document.hidden) return again(FOLLOW_MS);
  try {
    const answer = await fetch(from, { headers: { Accept: "text/html" }, cache: "no-store", signal: AbortSignal.timeout(EVERY_MS) });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("timeline");
    if (answer.ok && fresh && byId("timeline")) {
      if (fresh.textContent !== byId("timeline").textContent) byId("timeline").replaceWith(fresh);
      tellAges();
      if (!("goesOn" in fresh.dataset)) return;
    }
  } catch {
    // no connection, or none that answers in time
  }
  again(FOLLOW_MS);
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
  follow();
  const form = byId("confirm");
  if (form) form.addEventListener("submit", (event) => { event.preventDefault(); confirmMove(form); });
}

start();
if (byId("board")) {
  filterAsTyped();
  keepLooking();
}
