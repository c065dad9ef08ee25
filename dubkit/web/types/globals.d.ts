// What the classic scripts in static/vendor put on `window`: only what the pages use of it.

interface HtmxContext {
  request: { method: string; headers: Record<string, string> };
  response?: { status: number };
  sourceElement: HTMLElement;
  select?: string;
  /** Body of the answer. */
  text: string;
}

interface HtmxSwap {
  ctx: HtmxContext;
  tasks: { fragment: DocumentFragment }[];
}

interface DocumentEventMap {
  "htmx:config:request": CustomEvent<{ ctx: HtmxContext }>;
  "htmx:error": CustomEvent<{ ctx?: HtmxContext }>;
  "htmx:after:request": CustomEvent<{ ctx: HtmxContext }>;
  "htmx:before:swap": CustomEvent<HtmxSwap>;
  "htmx:finally:swap": CustomEvent<HtmxSwap>;
  "htmx:after:swap": CustomEvent<HtmxSwap>;
}

interface HTMLElementEventMap {
  /** A form of forms.js was answered; the detail is the JSON of the answer. */
  answered: CustomEvent<any>;
}

interface EarlierUpload {
  uploadUrl: string;
  urlStorageKey: string;
  metadata?: { filename?: string };
}

interface TusRequest {
  setHeader(name: string, value: string): void;
}

interface TusResponse {
  getStatus(): number;
  getBody(): string;
  getHeader(name: string): string | undefined;
}

interface TusError extends Error {
  originalResponse?: TusResponse | null;
}

interface TusOptions {
  endpoint: string;
  chunkSize: number;
  retryDelays: number[];
  metadata: Record<string, string>;
  removeFingerprintOnSuccess: boolean;
  onBeforeRequest(request: TusRequest): Promise<void>;
  onProgress(sent: number, total: number): void;
  onShouldRetry(error: TusError, attempt: number): boolean;
  onError(error: TusError): void;
  onSuccess(payload: { lastResponse?: TusResponse }): void;
}

declare class TusUpload {
  constructor(file: File, options: TusOptions);
  static terminate(url: string, options: Partial<TusOptions>): Promise<void>;
  url: string | null;
  start(): void;
  abort(terminate?: boolean): Promise<void>;
  findPreviousUploads(): Promise<EarlierUpload[]>;
  resumeFromPreviousUpload(earlier: EarlierUpload): void;
}

interface HlsError {
  type: string;
  details: string;
  fatal: boolean;
}

declare class HlsPlayer {
  static isSupported(): boolean;
  static Events: { ERROR: "hlsError" };
  static ErrorTypes: { NETWORK_ERROR: string; MEDIA_ERROR: string };
  constructor(options: { enableWorker: boolean; startPosition: number; manifestLoadPolicy?: object });
  loadSource(url: string): void;
  attachMedia(video: HTMLVideoElement): void;
  startLoad(): void;
  recoverMediaError(): void;
  destroy(): void;
  on(event: "hlsError", act: (event: string, error: HlsError) => void): void;
}

interface Window {
  Hls?: typeof HlsPlayer;
  htmx: {
    ajax(method: string, url: string, options: { target: Element | string; select?: string; swap: string }): Promise<void>;
  };
  tus: {
    Upload: typeof TusUpload;
    defaultOptions: {
      urlStorage: {
        findAllUploads(): Promise<EarlierUpload[]>;
        removeUpload(key: string): Promise<void>;
      };
    };
  };
}

/** What a script beside the sound has (AudioWorkletGlobalScope). */
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare const currentFrame: number;
declare function registerProcessor(name: string, kind: typeof AudioWorkletProcessor): void;
