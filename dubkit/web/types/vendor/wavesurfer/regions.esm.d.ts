// What the review page uses of the regions of wavesurfer.js.

export interface RegionOptions {
  id: string;
  /** Seconds. */
  start: number;
  end: number;
  content: HTMLElement;
  color: string;
  drag: boolean;
  resize: boolean;
  /** Seconds. */
  minLength: number;
}

export interface Region {
  id: string;
  start: number;
  end: number;
  setOptions(options: Partial<RegionOptions>): void;
  remove(): void;
}

declare class Regions {
  static create(): Regions;
  addRegion(options: RegionOptions): Region;
  on(event: "region-update", act: (region: Region, side?: "start" | "end") => void): void;
  on(event: "region-updated", act: (region: Region) => void): void;
  on(event: "region-clicked", act: (region: Region, event: MouseEvent) => void): void;
}

export default Regions;
