// SPDX-License-Identifier: BSD-3-Clause

// Shorthands for elements of the page.

export function byId(id) {
  return document.getElementById(id);
}

/** An element with properties and children; strings become text, never markup. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}
