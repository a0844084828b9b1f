// Makes elements; text is always text, never markup.

const SVG = "http://www.w3.org/2000/svg";

function fillIn(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Return an element of HTML. */
export function make(name, attributes = {}, ...children) {
  return fillIn(document.createElement(name), attributes, children);
}

/** Return an element of SVG. */
export function draw(name, attributes = {}, ...children) {
  return fillIn(document.createElementNS(SVG, name), attributes, children);
}
