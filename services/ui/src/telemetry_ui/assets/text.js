// Text on its way to the screen.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function escape(text) {
  return String(text).replaceAll(/[&<>"']/g, (sign) => `&#${sign.codePointAt(0)};`);
}
