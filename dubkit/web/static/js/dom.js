/** Elements and icons of the pages: find them, make them. */

/**
 * @typedef {Node|string|null|undefined|false} Child Part of an element; null, undefined and false are left out.
 * @typedef {{[Name in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[Name]) => unknown}} Listeners
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {{on?: Listeners, data?: Record<string, string>, [attribute: string]: unknown}} [props] `on` holds listeners
 *   by event and `data` the dataset; other names are attributes: `true` sets an empty one, `false` and null none.
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, { on = {}, data = {}, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  for (const [event, act] of Object.entries(on)) element.addEventListener(event, /** @type {EventListener} */ (act));
  Object.assign(element.dataset, data);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value != null) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(.../** @type {(Node|string)[]} */ (children.filter((child) => child != null && child !== false)));
  return element;
}

/** Address of an icon in icons.svg, with the version that the page names. @param {string} name */
const iconUrl = (name) => `${document.body.dataset.icons}#${name}`;

/** Make an icon of icons.svg; it is never read aloud, so a word stands beside it. @param {string} name */
export function icon(name) {
  const drawn = document.createElementNS(SVG, "svg");
  drawn.setAttribute("class", "icon");
  drawn.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", iconUrl(name));
  drawn.append(use);
  return drawn;
}

/** Show another icon in an element that has one. @param {Element} element @param {string} name */
export function changeIcon(element, name) {
  element.querySelector("use").setAttribute("href", iconUrl(name));
}

/**
 * Return `element` if it is of the kind. Throws TypeError when it is of another kind; null stays null.
 * @template {Element} [Kind=HTMLElement]
 * @param {EventTarget|null|undefined} element @param {new () => Kind} [kind]
 * @returns {Kind|null}
 */
function expect(element, kind) {
  const wanted = kind ?? HTMLElement;
  if (!element) return null;
  if (element instanceof wanted) return /** @type {Kind} */ (element);
  throw new TypeError(`${element} stands where the page must have a ${wanted.name}`);
}

/**
 * Find the element of the page with an id. Throws TypeError when it is of another kind.
 * @template {HTMLElement} [Kind=HTMLElement]
 * @param {string} id @param {new () => Kind} [kind]
 * @returns {Kind|null}
 */
export const byId = (id, kind) => expect(document.getElementById(id), kind);

/**
 * Find the first element below `root` that a selector names. Throws TypeError when it is of another kind.
 * @template {HTMLElement} [Kind=HTMLElement]
 * @param {ParentNode} root @param {string} selector @param {new () => Kind} [kind]
 * @returns {Kind|null}
 */
export const first = (root, selector, kind) => expect(root.querySelector(selector), kind);

/**
 * Find all elements below `root` that a selector names. Throws TypeError when one is of another kind.
 * @template {HTMLElement} [Kind=HTMLElement]
 * @param {ParentNode} root @param {string} selector @param {new () => Kind} [kind]
 * @returns {Kind[]}
 */
export const all = (root, selector, kind) => [...root.querySelectorAll(selector)].map((element) => expect(element, kind));

/**
 * Find the element that a selector names: where an event happened, or the nearest around it.
 * @template {HTMLElement} [Kind=HTMLElement]
 * @param {EventTarget|null} target @param {string} selector @param {new () => Kind} [kind]
 * @returns {Kind|null}
 */
export const closest = (target, selector, kind) => (target instanceof Element ? expect(target.closest(selector), kind) : null);

/**
 * Find a field of a form by its name. Throws TypeError when it is of another kind.
 * @template {HTMLElement} [Kind=HTMLInputElement]
 * @param {HTMLFormElement} form @param {string} name @param {new () => Kind} [kind]
 * @returns {Kind|null}
 */
export const field = (form, name, kind) => expect(/** @type {Element} */ (form.elements.namedItem(name)), kind ?? /** @type {any} */ (HTMLInputElement));

/** Tell whether typing belongs to an element. @param {EventTarget|null} target */
export function isTyping(target) {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement) return true;
  if (target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !["checkbox", "radio", "button", "range"].includes(target.type);
}
