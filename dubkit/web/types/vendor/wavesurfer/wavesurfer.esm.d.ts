// What the review page uses of wavesurfer.js.

interface Dyes {
  waveColor: string;
  progressColor: string;
  cursorColor: string;
}

interface Options extends Dyes {
  container: HTMLElement;
  height: number;
  /** One row for each channel. */
  peaks: number[][];
  duration: number;
  minPxPerSec: number;
  cursorWidth: number;
  autoCenter: boolean;
  autoScroll: boolean;
  normalize: boolean;
  cspNonce: string;
}

/** Times are seconds, scroll and width pixels. */
declare class WaveSurfer {
  static create(options: Options): WaveSurfer;
  registerPlugin<Plugin>(plugin: Plugin): Plugin;
  on(event: "ready", act: () => void): void;
  on(event: "scroll", act: (start: number, end: number) => void): void;
  on(event: "redrawcomplete", act: () => void): void;
  on(event: "interaction", act: (seconds: number) => void): void;
  getWrapper(): HTMLElement;
  getScroll(): number;
  getWidth(): number;
  setOptions(options: Partial<Options>): void;
  setScrollTime(seconds: number): void;
  setTime(seconds: number): void;
  zoom(pixelsPerSecond: number): void;
  destroy(): void;
}

export default WaveSurfer;
