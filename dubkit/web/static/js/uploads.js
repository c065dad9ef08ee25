// Uploads in chunks that can be paused and go on after the connection, or the page, was lost.
import { csrfToken, icon, make, renewToken, size, words } from "./http.js";

const form = document.getElementById("new-job");
const list = document.getElementById("uploads");
const drop = document.getElementById("drop");
const picker = document.getElementById("upload");
const RETRIES = [0, 1000, 3000, 5000, 10000];
/** Status of a disk without room: only a person can mend that. */
const FULL = 507;
const active = new Set();
/** Settled once the token is that of the session as it is now. */
let renewed = Promise.resolve();

/** How many uploads are not finished. */
export function uploading() {
  return active.size;
}

/** Begin to take files; `done` gets the name of each finished one, `changed` is called as their number changes. */
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
  const box = document.getElementById("interrupted");
  box.hidden = !names.length;
  if (!names.length) return;
  const note = make("div", "notice warn");
  const button = make("button", "btn little", names.length === 1 ? "Forget it" : "Forget them");
  button.type = "button";
  button.addEventListener("click", async () => {
    // What has expired on the server is forgotten here all the same.
    await Promise.all(left.map((one) => window.tus.Upload.terminate(one.uploadUrl, { onBeforeRequest: sign }).catch(() => {})));
    await forget((one) => names.includes(one.metadata?.filename));
    box.hidden = true;
    picker.focus();
  });
  const text = make("div");
  text.append(make("p", "", `Not finished: ${names.join(", ")}. Choose the same file again and it goes on where it was.`), button);
  note.append(icon("warning"), text);
  box.replaceChildren(note);
}

/** Forget where earlier uploads were. @param {(one: {uploadUrl: string, metadata: any}) => boolean} which */
async function forget(which) {
  const store = window.tus.defaultOptions.urlStorage;
  const found = await store.findAllUploads();
  await Promise.all(found.filter(which).map((one) => store.removeUpload(one.urlStorageKey)));
}

async function sign(request) {
  await renewed;
  request.setHeader("X-CSRF-Token", csrfToken());
}

function begin(file, done, changed) {
  const row = new Row(file);
  list.hidden = false;
  list.append(row.item);
  if (file.size > Number(form.dataset.largest)) {
    row.fail(`${file.name} has ${size(file.size)}; the server takes ${size(Number(form.dataset.largest))} at most.`);
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
      const given = payload?.lastResponse?.getHeader("Upload-Name");
      done(given ? decodeURIComponent(given) : file.name);
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

/** Whether the same may be sent again with another end: the file itself was not refused. */
function mayPass(error) {
  const status = error.originalResponse?.getStatus() || 0;
  return status === 0 || status >= 500 || [401, 409, 423, 429].includes(status);
}

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
  constructor(file) {
    this.name = file.name;
    this.paused = false;
    this.item = make("li");
    this.bar = document.createElement("progress");
    this.bar.max = 1;
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", `Upload of ${file.name}`);
    this.text = make("span", "help", size(file.size));
    const buttons = make("span", "row");
    this.pause = make("button", "btn little", "Pause");
    this.pause.type = "button";
    this.stop = make("button", "btn little ghost", "Remove");
    this.stop.type = "button";
    this.stop.setAttribute("aria-label", `Remove the upload of ${file.name}`);
    this.stop.addEventListener("click", () => this.remove());
    buttons.append(this.pause, this.stop);
    this.item.append(make("strong", "wrap", file.name), buttons, this.bar, this.text);
  }

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

  progress(sent, total) {
    this.bar.value = total ? sent / total : 0;
    this.say(`${size(sent)} of ${size(total)}`);
  }

  say(text) {
    this.text.className = "help";
    this.text.textContent = text;
  }

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
