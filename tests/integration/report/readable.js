/* Copyright (c) 2026, the warroom.launch authors
 * GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Body of a function that runs in the page: what keeps people from reading or using it, in light and dark, wide and narrow. */
const wrong = [];
const all = selector => [...document.querySelectorAll(selector)];
const say = (what, node) => wrong.push(`${what}: ${(node.outerHTML || "").slice(0, 120)}`);
const name = node => (node.getAttribute("aria-label") || node.textContent || node.title || "").trim();

/* names, labels, order */
const ids = all("[id]").map(node => node.id);
ids.filter((id, at) => ids.indexOf(id) !== at).forEach(id => wrong.push(`id twice: ${id}`));
all("button, a, summary").forEach(node => name(node) || say("no name", node));
all("input").forEach(node => document.querySelector(`label[for="${node.id}"]`) || say("no label", node));
all("svg").forEach(node => {
  if (node.getAttribute("role") === "group" && node.getAttribute("aria-label") && node.querySelector("a")) return;
  if (node.getAttribute("role") === "img" ? !node.getAttribute("aria-label") : !node.getAttribute("aria-hidden")) say("neither named nor hidden", node);
});
all("[aria-labelledby]").forEach(node => document.getElementById(node.getAttribute("aria-labelledby")) || say("label lost", node));
all("a[href^='#']").forEach(node => document.getElementById(node.getAttribute("href").slice(1)) || say("leads nowhere", node));
all("th").forEach(node => node.scope || say("th without scope", node));
all(".scroll").forEach(node => (node.tabIndex === 0 && node.getAttribute("aria-label")) || say("not for the keyboard", node));
let level = 0;
all("h1, h2, h3, h4").forEach(node => {
  const now = Number(node.tagName[1]);
  if (now > level + 1) say("heading skipped", node);
  level = now;
});
if (all("h1").length !== 1 || all("main").length !== 1) wrong.push("one h1 and one main");

/* the drawing: boxes do not overlap, words stay in their boxes, and it scrolls in its own box */
const inside = (one, other) => one.left >= other.left - 1 && one.right <= other.right + 1 && one.top >= other.top - 1 && one.bottom <= other.bottom + 1;
const apart = (one, other) => one.right <= other.left || other.right <= one.left || one.bottom <= other.top || other.bottom <= one.top;
const boxes = all(".graph .box").map(node => [node, node.querySelector("rect").getBoundingClientRect()]);
boxes.forEach(([node, area], at) => {
  boxes.slice(at + 1).forEach(([other, its]) => apart(area, its) || say("boxes overlap", other));
  node.querySelectorAll("text").forEach(text => inside(text.getBoundingClientRect(), area) || say("words stick out of their box", text));
  const [what, state] = [".what", ".state"].map(name => node.querySelector(name));
  if (what && state && !apart(what.getBoundingClientRect(), state.getBoundingClientRect())) say("words overlap", node);
  if (area.width < 60 || area.height < 30) say("box too small to read", node);
});
all(".graph").forEach(node => node.closest(".scroll").getBoundingClientRect().right <= innerWidth || say("drawing sticks out", node));

/* contrast, by WCAG 2 */
const rgb = text => text.match(/[\d.]+/g).map(Number);
const linear = value => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
const light = ([red, green, blue]) => 0.2126 * linear(red / 255) + 0.7152 * linear(green / 255) + 0.0722 * linear(blue / 255);
const ground = node => {
  for (let at = node; at; at = at.parentElement) {
    const colour = rgb(getComputedStyle(at).backgroundColor);
    if (colour.length < 4 || colour[3] > 0) return colour;
  }
  return [255, 255, 255];
};
const texts = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode.parentElement;
  if (walker.currentNode.textContent.trim() && !node.closest("script, style, svg, .hidden, .skip") && !texts.includes(node)) texts.push(node);
}
["light", "dark"].forEach(theme => {
  document.documentElement.dataset.theme = theme;
  texts.slice(0, 1500).forEach(node => {
    const style = getComputedStyle(node);
    const [more, less] = [light(rgb(style.color)), light(ground(node))].sort((one, other) => other - one);
    const ratio = (more + 0.05) / (less + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.6 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) say(`contrast ${ratio.toFixed(2)} in ${theme}`, node);
  });
});

/* nothing sticks out, also on a phone */
const root = document.documentElement;
if (root.scrollWidth > innerWidth) wrong.push(`wider than the window: ${root.scrollWidth} > ${innerWidth}`);
if (innerWidth < 640) {
  document.body.style.width = "360px";
  all("body *").forEach(node => {
    const box = node.getBoundingClientRect();
    if (box.right > 361 && !node.closest(".scroll, nav ul, svg, .skip, .hidden")) say(`sticks out to ${Math.round(box.right)}`, node);
  });
}
return wrong.slice(0, 20);
