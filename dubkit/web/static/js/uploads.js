// Uploads in chunks that can be paused and go on after the connection, or the page, was lost.
import { byId, h, icon } from "./dom.js";
import { size } from "./format.js";
import { csrfToken, renewToken, words } from "./http.js";

const form = byId("new-job");
const list = byId("uploads");
const drop = byId("drop");
const picker = byId("upload", HTMLInputElement);
const RETRIES = [0, 1000, 3000, 5000, 10000];
/** Status of a disk without room: only a person can mend that. */
const FULL = 507;
/** @type {Set<Row>} */
const active = new Set();
/** Settled once the token is that of the session as it is now. @type {Promise<unknown>} */
let renewed = Promise.resolve();

/** How many uploads are not finished. */
export function uploading() {
  return active.size;
}

/**
 * Begin to take files.
 * @param {(name: string) => void} done Called with the name of each finished one
 * @param {() => void} changed Called as their number changes
 */
export function watchUploads(done, changed) {
  picker.addEventListener("change", () => {
    for (const file of picker.files) begin(file, done, changed);
    picker.value = "";
  });
  for (const kind of ["dragenter", "dragover"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    for (const file of event.dataTransfer.files) begin(file, done, changed);
  });
  window.addEventListener("beforeunload", (event) => {
    if ([...active].some((row) => !row.paused)) event.preventDefault();
  });
  unfinished();
}

/** Name the uploads that an earlier visit left unfinished: the file must be chosen again to go on. */
async function unfinished() {
  const store = window.tus.defaultOptions.urlStorage;
  const here = new Set([...active].map((row) => row.name));
  const left = (await store.findAllUploads()).filter((one) => one.metadata?.filename && !here.has(one.metadata.filename));
  const names = [...new Set(left.map((one) => one.metadata.filename))];
  const box = byId("interrupted");
  box.hidden = !names.length;
  if (!names.length) return;
  const drop = async () => {
    // What has expired on the server is forgotten here all the same.
    await Promise.all(left.map((one) => window.tus.Upload.terminate(one.uploadUrl, { onBeforeRequest: sign }).catch(() => {})));
    await forget((one) => names.includes(one.metadata?.filename));
    box.hidden = true;
    picker.focus();
  };
  const button = h("button", { type: "button", class: "btn little", on: { click: drop } }, names.length === 1 ? "Forget it" : "Forget them");
  const text = h("p", {}, `Not finished: ${names.join(", ")}. Choose the same file again and it goes on where it was.`);
  box.replaceChildren(h("div", { class: "notice warn" }, icon("warning"), h("div", {}, text, button)));
}

/** Forget where earlier uploads were. @param {(one: EarlierUpload) => boolean} which */
async function forget(which) {
  const store = window.tus.defaultOptions.urlStorage;
  const uploads = await store.findAllUploads();
  await Promise.all(uploads.filter(which).map((one) => store.removeUpload(one.urlStorageKey)));
}

/** @param {TusRequest} request */
async function sign(request) {
  await renewed;
  request.setHeader("X-CSRF-Token", csrfToken());
}

/** @param {File} file @param {(name: string) => void} done @param {() => void} changed */
function begin(file, done, changed) {
  const row = new Row(file);
  const largest = Number(form.dataset.largest);
  list.hidden = false;
  list.append(row.item);
  if (file.size > largest) {
    row.fail(`${file.name} has ${size(file.size)}; the server takes ${size(largest)} at most.`);
    row.refuse();
    return;
  }
  active.add(row);
  changed();
  unfinished();
  const upload = new window.tus.Upload(file, {
    endpoint: "/api/uploads",
    chunkSize: Number(form.dataset.chunk),
    retryDelays: RETRIES,
    metadata: { filename: file.name, filetype: file.type },
    removeFingerprintOnSuccess: true,
    onBeforeRequest: sign,
    onProgress: (sent, total) => row.progress(sent, total),
    onShouldRetry: (error, attempt) => {
      if (error.originalResponse?.getStatus() === 403 && !attempt) {
        renewed = renewToken();
        return true;
      }
      const again = mayPass(error) && error.originalResponse?.getStatus() !== FULL;
      if (again) row.say("The connection is lost; trying again …");
      return again;
    },
    onError: (error) => {
      row.fail(inWords(error));
      if (mayPass(error)) return;
      row.refuse();
      active.delete(row);
      changed();
      forget((one) => one.uploadUrl === upload.url).then(unfinished);
    },
    onSuccess: (payload) => {
      active.delete(row);
      row.finish();
      changed();
      const name = payload?.lastResponse?.getHeader("Upload-Name");
      done(name ? decodeURIComponent(name) : file.name);
    },
  });
  row.drive(upload, () => {
    active.delete(row);
    changed();
  });
  upload.findPreviousUploads().then((earlier) => {
    if (earlier.length) upload.resumeFromPreviousUpload(earlier[0]);
    upload.start();
  });
}

/** Whether the same may be sent again with another end: the file itself was not refused. @param {TusError} error */
function mayPass(error) {
  const status = error.originalResponse?.getStatus() || 0;
  return status === 0 || status >= 500 || [401, 409, 423, 429].includes(status);
}

/** @param {TusError} error */
function inWords(error) {
  const answer = error.originalResponse;
  if (!answer) return "The server cannot be reached. Press Go on to try again.";
  let value = null;
  try {
    value = JSON.parse(answer.getBody());
  } catch {
    value = { detail: answer.getBody() };
  }
  return words(value, answer.getStatus());
}

/** One upload as it is shown. */
class Row {
  /** @param {File} file */
  constructor(file) {
    this.name = file.name;
    this.paused = false;
    this.finished = false;
    /** @type {TusUpload|null} */
    this.upload = null;
    this.gone = () => {};
    this.bar = h("progress", { max: 1, value: 0, "aria-label": `Upload of ${file.name}` });
    this.text = h("span", { class: "help" }, size(file.size));
    this.pause = h("button", { type: "button", class: "btn little" }, "Pause");
    this.stop = h("button", { type: "button", class: "btn little ghost", "aria-label": `Remove the upload of ${file.name}`, on: { click: () => this.remove() } }, "Remove");
    this.item = h("li", {}, h("strong", { class: "wrap" }, file.name), h("span", { class: "row" }, this.pause, this.stop), this.bar, this.text);
  }

  /** @param {TusUpload} upload @param {() => void} gone Called once it is removed */
  drive(upload, gone) {
    this.upload = upload;
    this.gone = gone;
    this.pause.addEventListener("click", () => {
      this.paused = !this.paused;
      this.pause.textContent = this.paused ? "Go on" : "Pause";
      if (this.paused) {
        upload.abort();
        this.say("Paused.");
      } else {
        this.say("Going on …");
        upload.start();
      }
    });
  }

  /** @param {number} sent Bytes @param {number} total Bytes */
  progress(sent, total) {
    this.bar.value = total ? sent / total : 0;
    this.say(`${size(sent)} of ${size(total)}`);
  }

  /** @param {string} text */
  say(text) {
    this.text.className = "help";
    this.text.textContent = text;
  }

  /** @param {string} text */
  fail(text) {
    this.text.className = "fault";
    this.text.setAttribute("role", "alert");
    this.text.textContent = text;
    this.paused = true;
    this.pause.textContent = "Go on";
  }

  finish() {
    this.bar.value = 1;
    this.say("Here. It is ticked in the list below.");
    this.close();
  }

  /** It will never be taken. */
  refuse() {
    this.bar.hidden = true;
    this.close();
  }

  close() {
    this.pause.hidden = true;
    this.stop.textContent = "Close";
    this.stop.setAttribute("aria-label", `Close the note on ${this.name}`);
    this.finished = true;
  }

  async remove() {
    if (this.upload && !this.finished) {
      await this.upload.abort(true).catch(() => {});
      this.gone();
    }
    this.item.remove();
    list.hidden = !list.children.length;
  }
}
