// What format.js says. Run by tests/web/test_scripts.py, or by hand with `npm test`.
import assert from "node:assert/strict";
import { test } from "node:test";

import { clock, duration, plural, readClock, signed, size } from "../../dubkit/web/static/js/format.js";

test("a number has its noun", () => {
  assert.deepEqual([0, 1, 2].map((number) => plural(number, "line")), ["0 lines", "1 line", "2 lines"]);
  assert.equal(plural(2, "person", "people"), "2 people");
});

test("a length is said in two units at most", () => {
  const words = [0, 0.2, 48.4, 59.6, 725, 3600, 3840].map(duration);
  assert.deepEqual(words, ["0 s", "1 s", "48 s", "1 min", "12 min 5 s", "1 h", "1 h 4 min"]);
});

test("a size has the unit that keeps it short", () => {
  assert.deepEqual([12, 3_400_000, 250_000_000, 5e15].map(size), ["12 bytes", "3.4 MB", "250 MB", "5000 TB"]);
});

test("a place in the episode carries over to the next minute", () => {
  assert.deepEqual([-1, 62.34, 59.99, 3599.96, 3723].map((seconds) => clock(seconds)), ["0:00.0", "1:02.3", "1:00.0", "1:00:00.0", "1:02:03.0"]);
  assert.equal(clock(62.344, 2), "1:02.34");
  assert.equal(clock(62.4, 0), "1:02");
});

test("a place is read as people write it", () => {
  const read = ["698.6", "11:38.6", "1:02:03,5", " 12 s", "0:00.5", ".5", "90:30"].map((text) => readClock(text));
  assert.deepEqual(read, [698.6, 698.6, 3723.5, 12, 0.5, 0.5, 5430]);
  assert.equal(readClock("00:00:03:10", 0.04), 3.4);
  assert.equal(readClock("00:00:03:00", 0.04), 3);
  for (const text of ["", "-1", "abc", "1:60", "1:2:3:4", "1..2", "1:", "--", "1e3"]) assert.ok(Number.isNaN(readClock(text)), text);
});

test("a difference has a sign", () => {
  assert.deepEqual([signed(0.123, 2), signed(-3, 1)], ["+0.12", "−3.0"]);
});
