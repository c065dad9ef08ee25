/** What the server tells about a job, as an event stream names it. */

/** Kinds of events after which a job stands otherwise; `progress` comes beside them. */
export const KINDS = ["submitted", "leased", "note", "stage", "cancel-requested", "cancelled", "lease-lost", "retried", "finished"];

/** What an event says. @param {Event} event @returns {any} */
export function detail(event) {
  const value = JSON.parse(/** @type {MessageEvent<string>} */ (event).data);
  return value.detail ?? value;
}
