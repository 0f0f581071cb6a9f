/* Copyright (c) 2026, the warroom.launch authors
 * GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Body of a function that runs in the page: what a reader on this screen would stumble over. */
const wrong = [];
const all = selector => [...document.querySelectorAll(selector)];
const say = (what, node) => wrong.push(`${what}: ${node.textContent.trim().slice(0, 80)}`);
const bottom = node => node.getBoundingClientRect().bottom;

/* the first screen: the verdict, the headline as a whole, the first failing finding */
const headline = document.querySelector("h1");
if (headline.scrollWidth > headline.clientWidth || headline.textContent.includes("…")) say("headline is cut", headline);
if (getComputedStyle(headline).textOverflow !== "clip" || getComputedStyle(headline).overflow !== "visible") say("headline may be cut", headline);
const failing = document.querySelector(".finding.fail");
if (!failing) wrong.push("no failing finding");
else if (bottom(failing) > innerHeight) say(`the first failing finding ends at ${Math.round(bottom(failing))} of ${innerHeight}`, failing);
if (bottom(headline) > innerHeight / 2) say("headline ends in the lower half", headline);
const sentence = headline.textContent.split(";")[0].trim();
const repeated = document.body.innerText.split(sentence).length - 2;
if (repeated > 0) wrong.push(`the headline is repeated ${repeated} times`);

/* tables: with everything unfolded, headings break between words only, and wide tables scroll in their own box */
all("details").forEach(node => { node.open = true; });
function brokenWords(node) {
  const words = [];
  const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    for (const match of walker.currentNode.textContent.matchAll(/\S+/g)) {
      const range = document.createRange();
      range.setStart(walker.currentNode, match.index);
      range.setEnd(walker.currentNode, match.index + match[0].length);
      if (new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1) words.push(match[0]);
    }
  }
  return words;
}
const headings = all("th");
if (headings.length < 10) wrong.push(`only ${headings.length} headings`);
headings.forEach(node => brokenWords(node).forEach(word => wrong.push(`a heading breaks within a word: ${word}`)));
all("table").forEach(node => {
  const box = node.closest(".scroll");
  if (!box) say("table without a box to scroll in", node);
  else if (box.getBoundingClientRect().right > innerWidth + 1) say("table's box sticks out", node);
  else if (node.offsetWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX !== "auto") say("wide table does not scroll", node);
});
if (document.documentElement.scrollWidth > innerWidth) wrong.push(`the page is ${document.documentElement.scrollWidth} wide`);
return wrong;
