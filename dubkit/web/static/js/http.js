/** Requests to this server, and errors in words. */

/** @import { MeOut } from "../../types/api" */

const tokenOfPage = /** @type {HTMLMetaElement} */ (document.querySelector('meta[name="csrf-token"]'));

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
  const answer = await fetch("/api/me", { headers: { Accept: "application/json" } }).catch(() => /** @type {Response|null} */ (null));
  /** @type {MeOut|null} */
  const now = answer?.ok ? await answer.json() : null;
  another = now && now.name !== document.body.dataset.person ? now.name : "";
  if (now?.csrf_token && (anybody || !another)) {
    tokenOfPage.content = now.csrf_token;
    /** @type {NodeListOf<HTMLInputElement>} */
    const fields = document.querySelectorAll('input[name="csrf_token"]');
    for (const field of fields) field.value = now.csrf_token;
  }
  return csrfToken();
}

/** An answer that is not a success, with the server's own words. */
export class Refused extends Error {
  /** @param {string} message @param {number} status Of the answer; 0 when none came. */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * Send JSON, or a file, and return the JSON of the answer (null for none). Throws Refused with words for people.
 * @param {string} method @param {string} url @param {unknown} [body]
 * @returns {Promise<any>}
 */
export async function send(method, url, body) {
  const used = csrfToken();
  let answer = await ask(method, url, body);
  const outdated = method !== "GET" && (answer.status === 401 || answer.status === 403);
  if (outdated && (await renewToken()) !== used) answer = await ask(method, url, body);
  const value = parse(await answer.text());
  if (!answer.ok) throw new Refused(words(value, answer.status), answer.status);
  return value;
}

/** @param {string} method @param {string} url @param {unknown} body */
async function ask(method, url, body) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = csrfToken();
  const file = body instanceof Blob;
  if (body !== undefined) headers["Content-Type"] = file ? body.type : "application/json";
  try {
    return await fetch(url, {
      method,
      headers,
      body: body === undefined || file ? /** @type {Blob|undefined} */ (body) : JSON.stringify(body),
      credentials: "same-origin",
    });
  } catch {
    throw new Refused("The server cannot be reached. Check that it runs, then try again.", 0);
  }
}

/** @param {string} text */
function parse(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

/**
 * Words for an error answer: the server's detail, else what the status means.
 * @param {{detail?: string|{loc?: (string|number)[], msg: string}[]}|null} value @param {number} status
 */
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
  if (status === 404) return "This no longer exists. Reload the page.";
  if (status === 413) return "This is larger than the server takes.";
  if (status === 429) return "Too many tries. Wait a minute.";
  return `The server answered with an error (${status}).`;
}

/**
 * Wait until the server has made a medium ready for this browser.
 * @param {string} url @param {() => void} waiting Called each time the answer is that it is still being made
 * @returns {Promise<Response|null>} The answer, its body thrown away; null when none came.
 */
export async function mediumReady(url, waiting) {
  for (;;) {
    const answer = await fetch(url, { headers: { Range: "bytes=0-0" } }).catch(() => /** @type {Response|null} */ (null));
    await answer?.body?.cancel();
    if (answer?.status !== 202) return answer;
    waiting();
    await new Promise((resolve) => setTimeout(resolve, 1000 * (Number(answer.headers.get("Retry-After")) || 2)));
  }
}
