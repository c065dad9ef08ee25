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
  route: "voice" | "lipdub" | "drive" | "keep";
  reason: string;
  flags: string[];
  conflict: string;
  locked: boolean;
  accepted: boolean;
  /** Whether a person should look at it. */
  to_look_at: boolean;
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
  timing: LineTiming;
}

/** One text that a line may have. */
export interface OwnText {
  number: number;
  text: string;
  /** Predicted at the voice's own pace. */
  seconds: number;
  /** At which it fills the room of the line: 1.2 is a fifth faster than the voice's own. */
  pace: number;
  origin: "translation" | "model" | "list" | "shortened";
  changes: string[];
  losses: string[];
  fidelity: number;
  /** Whether it was chosen for the time of the line. */
  chosen: boolean;
  /** Whether the line has it now. */
  used: boolean;
}

/** When a line is spoken; times are seconds of the episode. */
export interface LineTiming {
  id: string;
  start: number;
  end: number;
  /** Seconds that its text takes at the voice's own pace. */
  predicted: number | null;
  spread: number;
  basis: "schedule" | "candidate" | "take" | "reckoned" | "";
  /** Whether text or times were changed since the line was scheduled. */
  stale: boolean;
  given_start: number | null;
  given: number | null;
  room: number;
  pace: number | null;
  too_long: number;
  seen: boolean;
  fixed: boolean;
  block: string;
  why: string;
  texts: OwnText[];
  spoken_start: number | null;
  spoken: number | null;
  spoken_pace: number | null;
  cut: boolean;
  start_error: number | null;
}

/** A piece of the source that a person's voice may be cloned from. */
export interface PieceRow {
  number: number;
  text: string;
  /** Seconds of the episode. */
  start: number;
  seconds: number;
  score: number;
  scores: Record<string, number>;
  file: string;
  chosen: boolean;
}

/** What a person's voice is cloned from. */
export interface ReferenceRow {
  file: string;
  about: string;
  text: string;
  seconds: number;
  by_hand: boolean;
  /** Whether the next render takes another one. */
  waiting: boolean;
  pieces: PieceRow[];
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
  /** What the voice is cloned from; null where no voice is cloned. */
  reference: ReferenceRow | null;
}

/** Something that is heard in the source; times are seconds of the episode. */
export interface SoundSpan {
  start: number;
  end: number;
  kind: "speech" | "singing" | "music";
}

export interface LineList {
  /** Number of the last change that the lines have. */
  seen: number;
  lines: ReviewLine[];
  speakers: SpeakerRow[];
  duration: number;
  /** Music and singing of the source. */
  sounds: SoundSpan[];
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

/** A line after somebody recorded it; `job` makes the take. */
export interface Recorded {
  seen: number;
  line: ReviewLine;
  job: Started;
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
  /** Id of the batch it was submitted with; empty when it was submitted alone. */
  batch: string;
  priority: "high" | "normal" | "low";
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
  /** Who uploaded it; empty for a file that is everybody's. */
  owner: string;
  /** Whom it is shared with, `*` for everybody; empty unless the person may change that. */
  shared: string[];
}

/** A language that a text means, or may mean. */
export interface LanguageChoice {
  tag: string;
  name: string;
  exact: boolean;
  /** Why nothing here can dub into it; empty when something can. */
  hindrance: string;
}

export interface VoiceChoice {
  name: string;
  title: string;
  gender: "female" | "male" | "";
  /** 0 when it is not known. */
  pitch_hz: number;
}

/** The voices that speak a language. */
export interface Voices {
  language: string;
  engine: string;
  note: string;
  voices: VoiceChoice[];
  /** Whether names that are not listed may be voices too. */
  others: boolean;
}

/** Who is logged in. */
export interface MeOut {
  name: string;
  role: string;
  local: boolean;
  csrf_token: string;
}

export interface ShownChunk {
  number: number;
  /** Times are seconds of the episode. */
  start: number;
  end: number;
  state: "waiting" | "ready" | "outdated" | "failed";
  url: string;
  lines: string[];
  ready_after_seconds: number | null;
}

export interface ShownPlayout {
  language: string;
  seconds: number;
  complete: boolean;
  has_picture: boolean;
  wished_chunk_seconds: number;
  playlist: string;
  init: string;
  final: boolean;
  chunks: ShownChunk[];
}
