// Requests to this server, errors in words, and toasts.

const tokenOfPage = document.querySelector('meta[name="csrf-token"]');

/** The token that every change must carry. */
export function csrfToken() {
  return tokenOfPage.content;
}

/** Who has logged in in another tab, where it is not the person this page was made for. */
let another = "";

/**
 * Take over the token of the session as it is now: a new login in another tab has made the page's own worthless.
 * What one person typed is not sent in the name of another, unless `anybody` may send it.
 */
export async function renewToken(anybody = false) {
  const answer = await fetch("/api/me", { headers: { Accept: "application/json" } }).catch(() => null);
  const now = answer?.ok ? await answer.json() : null;
  another = now && now.name !== document.body.dataset.person ? now.name : "";
  if (now?.csrf_token && (anybody || !another)) {
    tokenOfPage.content = now.csrf_token;
    for (const field of document.querySelectorAll('input[name="csrf_token"]')) field.value = now.csrf_token;
  }
  return csrfToken();
}

/** An answer that is not a success, with the server's own words. */
export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** Send JSON and return the JSON answer (null for none). Throws Refused with words for people. */
export async function send(method, url, body) {
  const used = csrfToken();
  let answer = await reached(method, url, body);
  const outdated = method !== "GET" && (answer.status === 401 || answer.status === 403);
  if (outdated && (await renewToken()) !== used) answer = await reached(method, url, body);
  const text = await answer.text();
  const value = parsed(text);
  if (!answer.ok) throw new Refused(words(value, answer.status), answer.status);
  return value;
}

async function reached(method, url, body) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = csrfToken();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    return await fetch(url, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
    });
  } catch {
    throw new Refused("The server cannot be reached. Check that it runs, then try again.", 0);
  }
}

function parsed(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

/** Words for an error answer: the server's detail, else what the status means. */
export function words(value, status) {
  if (status === 401) return "You are no longer logged in. Log in in another tab, then try again.";
  if (status === 403 && another) {
    return `${another} has logged in in another tab. Log in there as ${document.body.dataset.person}, then try again.`;
  }
  const detail = value?.detail;
  if (typeof detail === "string" && detail) return detail;
  if (Array.isArray(detail)) {
    return detail.map((one) => `${(one.loc || []).slice(1).join(".")}: ${one.msg}`).join("; ");
  }
  if (status === 403) return "Your role does not allow this.";
  if (status === 404) return "This is not there any more. Reload the page.";
  if (status === 413) return "This is larger than the server takes.";
  if (status === 429) return "Too many tries. Wait a minute.";
  return `The server answered with an error (${status}).`;
}

/** Show a message for some seconds; bad ones stay until they are closed. Returns its element. */
export function toast(message, kind = "calm") {
  const box = document.getElementById("toasts");
  const note = document.createElement("div");
  note.className = `toast ${kind}`;
  const text = document.createElement("span");
  text.textContent = message;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn ghost";
  close.setAttribute("aria-label", "Close this message");
  close.append(icon("cross"));
  close.addEventListener("click", () => note.remove());
  note.append(text, close);
  box.append(note);
  if (kind !== "bad") setTimeout(() => note.remove(), 6000);
  return note;
}

/** A sign of icons.svg. */
export function icon(name) {
  const drawn = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawn.setAttribute("class", "icon");
  drawn.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  drawn.append(use);
  return drawn;
}

/** Length as people say it: "48 s", "12 min 5 s", "1 h 4 min". */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.floor(minutes / 60)} h`;
}

/** Size as people say it: "3.4 MB". */
export function size(octets) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let value = octets;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}

/** One element with text and a class. */
export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}
