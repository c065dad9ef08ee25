// What words.js makes of the ids of lines. Run by tests/web/test_scripts.py, or by hand with `npm test`.
import assert from "node:assert/strict";
import { test } from "node:test";

import { plainly } from "../../dubkit/web/static/js/review/words.js";

const review = { lines: new Map([["s0002", { number: 2 }], ["s0002.1", { number: 3 }]]) };

test("ids of lines become their numbers", () => {
  assert.equal(plainly(review, "s0002 waits for s0002.1, then s0002."), "Line 2 waits for line 3, then line 2.");
  assert.equal(plainly(review, "input changed: translate/s0002"), "input changed: translate/line 2");
});

test("names of files stay as they are", () => {
  for (const file of ["s0002.wav", "microphone/s0002-825a1a1a.wav", "s0002@6.500.wav"]) assert.equal(plainly(review, `${file} is silent.`), `${file} is silent.`);
});
