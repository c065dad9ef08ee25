/** A microphone: opened when a person asks for it, recorded without loss, closed at once after. */

/** Samples a second that are asked for; a browser that cannot gives its own. */
const RATE = 48_000;

/** Without these a room's noise gate or a call's loudness would work on the performance. */
const PLAIN = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };

/** Words for what keeps a browser from opening a microphone. @type {Record<string, string>} */
const FAULTS = {
  NotAllowedError: "The microphone was not allowed. Allow it for this page in the browser's settings, then try again.",
  SecurityError: "The microphone was not allowed. Allow it for this page in the browser's settings, then try again.",
  NotFoundError: "There is no microphone. Connect one, then try again.",
  NotReadableError: "The microphone cannot be used: another program may have it. Close that, then try again.",
};

/** @param {Error} error @returns {string} */
export const faultOf = (error) => FAULTS[error.name] ?? `The microphone cannot be used (${error.message}).`;

/** Sound that was recorded, and the moment of the sound clock at which it begins, in seconds. @typedef {{samples: Float32Array, rate: number, begins: number}} Sound */

export class Microphone {
  /** @param {(peak: number) => void} heard Told the peak of what is heard, 0 to 1. */
  constructor(heard) {
    this.heard = heard;
    /** @type {AudioContext|null} */
    this.context = null;
    /** @type {MediaStream|null} */
    this.stream = null;
    /** @type {Float32Array[]|null} */
    this.pieces = null;
    this.begins = 0;
  }

  /** Ask for the microphone. Throws what the browser throws; see `faultOf`. */
  async open() {
    if (this.context) return;
    if (!navigator.mediaDevices) {
      throw new Error("a browser gives it to pages with HTTPS and of this machine only");
    }
    const stream = await navigator.mediaDevices.getUserMedia({ audio: PLAIN });
    try {
      await this.connect(stream, new AudioContext({ sampleRate: RATE }));
    } catch {
      await this.connect(stream, new AudioContext()); // some browsers record at the rate of the device alone
    }
    this.stream = stream;
  }

  /** @param {MediaStream} stream @param {AudioContext} context */
  async connect(stream, context) {
    await context.audioWorklet.addModule("/static/js/recorder-worklet.js");
    const node = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
    context.createMediaStreamSource(stream).connect(node);
    node.port.onmessage = ({ data }) => this.take(data.samples, data.at / context.sampleRate);
    await context.resume();
    this.context = context;
  }

  /** @param {Float32Array} samples @param {number} at Seconds of the sound clock */
  take(samples, at) {
    this.heard(samples.reduce((peak, value) => Math.max(peak, Math.abs(value)), 0));
    if (!this.pieces) return;
    if (!this.pieces.length) this.begins = at;
    this.pieces.push(samples);
  }

  /** Seconds of the sound clock. */
  get now() {
    return this.context.currentTime;
  }

  /** A short tone. @param {number} at Seconds of the sound clock @param {number} hertz */
  beep(at, hertz) {
    const [tone, loudness] = [this.context.createOscillator(), this.context.createGain()];
    tone.frequency.value = hertz;
    loudness.gain.setValueAtTime(0.15, at);
    tone.connect(loudness).connect(this.context.destination);
    tone.start(at);
    tone.stop(at + 0.08);
  }

  start() {
    this.pieces = [];
  }

  /** @returns {Sound} */
  stop() {
    const pieces = this.pieces ?? [];
    this.pieces = null;
    const samples = new Float32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    pieces.reduce((at, piece) => (samples.set(piece, at), at + piece.length), 0);
    return { samples, rate: this.context.sampleRate, begins: this.begins };
  }

  close() {
    this.pieces = null;
    this.stream?.getTracks().forEach((track) => track.stop());
    this.context?.close();
    this.stream = this.context = null;
  }
}

/** The sound as a WAV file of 24 bits, mono. @param {Sound} sound @returns {Blob} */
export function wavOf({ samples, rate }) {
  const bytes = new DataView(new ArrayBuffer(44 + samples.length * 3));
  /** @param {number} at @param {string} text */
  const write = (at, text) => [...text].forEach((letter, place) => bytes.setUint8(at + place, letter.charCodeAt(0)));
  write(0, "RIFF");
  bytes.setUint32(4, 36 + samples.length * 3, true);
  write(8, "WAVEfmt ");
  bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true);
  bytes.setUint16(22, 1, true);
  bytes.setUint32(24, rate, true);
  bytes.setUint32(28, rate * 3, true);
  bytes.setUint16(32, 3, true);
  bytes.setUint16(34, 24, true);
  write(36, "data");
  bytes.setUint32(40, samples.length * 3, true);
  samples.forEach((value, place) => {
    const step = Math.max(-8388608, Math.min(8388607, Math.round(value * 8388608)));
    bytes.setUint16(44 + place * 3, step & 0xffff, true);
    bytes.setInt8(46 + place * 3, step >> 16);
  });
  return new Blob([bytes], { type: "audio/wav" });
}
