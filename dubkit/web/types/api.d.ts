// Answers of the server that the scripts read. tests/web/test_scripts.py holds them against its OpenAPI document.

export interface ReviewLine {
  number: number;
  id: string;
  /** Times are seconds of the episode. */
  start: number;
  end: number;
  speaker: string;
  speaker_name: string;
  source: string;
  text: string;
  candidates: string[];
  route: "voice" | "lipdub" | "keep";
  reason: string;
  flags: string[];
  conflict: string;
  locked: boolean;
  accepted: boolean;
  note: string;
  delivery: string;
  voice: string;
  edited: string[];
  heard: string;
  word_error: number | null;
  start_error: number | null;
  loudness_error: number | null;
  measures: Record<string, string>;
  spoken: number;
  speed: number;
  fit: string;
  take: string;
  takes: number;
}

export interface SpeakerRow {
  id: string;
  name: string;
  description: string;
  guessed: boolean;
  pitch_hz: number;
  voice: string;
  lines: number;
  seconds: number;
  sample: [number, number];
}

export interface LineList {
  /** Number of the last change that the lines have. */
  seen: number;
  lines: ReviewLine[];
  speakers: SpeakerRow[];
  duration: number;
}

export interface ChangedLines {
  seen: number;
  lines: ReviewLine[];
  event: number | null;
  text: string;
}

export interface ChangedLine {
  seen: number;
  line: ReviewLine;
}

export interface ShownTake {
  take: string;
  engine: string;
  voice: string;
  seed: number | null;
  seconds: number;
  speed: number;
  fit: string;
  flags: string[];
  text: string;
  in_use: boolean;
  chosen: boolean;
  /** Where its media are; empty when it has none. */
  sound: string;
  picture: string;
  clip: string;
  span: [number, number] | null;
}

export interface ProvenanceStep {
  stage: string;
  item: string;
  key: string;
  settings: Record<string, unknown>;
  models: Record<string, string>;
  edits: Record<string, unknown>;
  inputs: Record<string, string>;
  degraded: string[];
  error: string;
}

export interface Provenance {
  prompt: string;
  engine: string;
  voice: string;
  seed: number | null;
  models: Record<string, string>;
  edits: string[];
  stages: ProvenanceStep[];
}

export interface Details {
  line: ReviewLine;
  takes: ShownTake[];
  why: Provenance;
}

export interface HistoryRow {
  number: number;
  /** Moment in UTC. */
  at: string;
  who: string;
  action: string;
  text: string;
  undone: boolean;
  undoes: number;
}

export interface Due {
  /** Items of work by stage. */
  items: Record<string, string[]>;
  reasons: Record<string, string>;
  seconds: [number, number];
  text: string;
  nothing: boolean;
}

export interface Started {
  id: string;
  state: JobState;
  lines: string[];
  estimate: Due;
}

export type JobState = "queued" | "running" | "done" | "degraded" | "failed" | "cancelled";

export interface JobProgress {
  stage: string;
  language: string;
  done: number;
  total: number;
  /** Of the whole job, 0 to 1. */
  share: number;
  left_seconds: number | null;
}

export interface ShownWork {
  kind: "dub" | "regenerate" | "render";
  source: string;
  episode: string;
  languages: string[];
  settings: Record<string, string>;
  lines: string[];
  until: string;
}

export interface ShownJob {
  id: string;
  work: ShownWork;
  owner: string;
  state: JobState;
  created: string;
  updated: string;
  attempt: number;
  progress: JobProgress;
  cancelling: boolean;
  error: string;
  degraded: string[];
  result: Record<string, any>;
}

export interface ShotImage {
  id: string;
  start: number;
  end: number;
  image: string;
}

/** Peak n covers the seconds n / rate to (n + 1) / rate. */
export interface Waveform {
  duration: number;
  rate: number;
  peaks: number[];
}

/** A file of the input folder; `size` is in bytes. */
export interface InputEntry {
  name: string;
  size: number;
  modified: string;
}

/** Who is logged in. */
export interface MeOut {
  name: string;
  role: string;
  local: boolean;
  csrf_token: string;
}
