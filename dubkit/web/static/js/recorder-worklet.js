/** Runs beside the sound of the page: hands on every sample of the microphone, and nothing else. */

class Recorder extends AudioWorkletProcessor {
  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    const [channel] = inputs[0];
    if (channel) this.port.postMessage({ at: currentFrame, samples: channel.slice() });
    return true;
  }
}

registerProcessor("recorder", Recorder);
