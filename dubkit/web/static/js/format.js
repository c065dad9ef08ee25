/** Numbers, sizes and times in words, as the server's own pages say them (templating.py). */

/** A number with its noun: "1 line", "3 lines". @param {number} number @param {string} one @param {string} [many] */
export const plural = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

/** Length as people say it: "48 s", "12 min 5 s", "1 h 4 min". @param {number} seconds */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${seconds > 0 ? Math.max(1, whole) : 0} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.floor(minutes / 60)} h`;
}

/** Number of bytes as people say it: "3.4 MB". @param {number} bytes */
export function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}

/** Place in an episode: "1:02.3", with hours where there are any. @param {number} seconds @param {number} [digits] */
export function clock(seconds, digits = 1) {
  const scale = 10 ** digits;
  const whole = Math.round(Math.max(0, seconds) * scale) / scale;
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = (whole % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/**
 * Seconds of a place as people write it: "698.6", "11:38.6", "1:02:03,5", or with frames at the end "0:11:38:12". NaN for
 * what is no time.
 * @param {string} text @param {number} [frame] Seconds of one frame; without them no frames are taken.
 */
export function readClock(text, frame = 0) {
  const parts = text.trim().replace(",", ".").replace(/\s*s$/, "").split(/[:;]/);
  const frames = parts.length === 4 && frame && /^\d+$/.test(parts[3]) ? Number(parts.pop()) * frame : 0;
  const whole = parts.slice(0, -1).every((part) => /^\d+$/.test(part));
  const last = frames ? /^\d+$/ : /^(\d+\.?\d*|\.\d+)$/;
  if (parts.length > 3 || !whole || !last.test(parts.at(-1))) return NaN;
  if (parts.slice(1).some((part) => Number(part) >= 60)) return NaN;
  return parts.reduce((sum, part) => 60 * sum + Number(part), 0) + frames;
}

/** Difference with its sign: "+0.12", "−3.0". @param {number} value @param {number} digits */
export const signed = (value, digits) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;
