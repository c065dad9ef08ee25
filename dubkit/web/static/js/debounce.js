/**
 * Return a function that runs `act` once, `wait` milliseconds after the last of its calls.
 * @param {() => void} act @param {number} wait
 * @returns {() => void}
 */
export function debounce(act, wait) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, wait);
  };
}
