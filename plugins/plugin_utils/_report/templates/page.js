/* Copyright (c) 2026, the warroom.launch authors
 * GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later */
(function () {
  "use strict";

  /* light or dark: follow the system until the button is used */
  var root = document.documentElement;
  function remember(value) { try { localStorage.setItem("launch-theme", value); } catch (error) { /* a file may have no storage */ } }
  try { if (localStorage.getItem("launch-theme")) { root.dataset.theme = localStorage.getItem("launch-theme"); } } catch (error) { /* likewise */ }
  document.getElementById("theme").addEventListener("click", function () {
    var dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    remember(root.dataset.theme);
  });

  /* copy a command; pages opened from a file have no clipboard API */
  var status = document.getElementById("copied");
  function copied(button) {
    button.textContent = "copied";
    status.textContent = "Copied";
    setTimeout(function () { button.textContent = "copy"; status.textContent = ""; }, 1500);
  }
  function byHand(code, button) {
    var range = document.createRange();
    range.selectNodeContents(code);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    if (document.execCommand("copy")) { copied(button); }
  }
  document.querySelectorAll("button.copy").forEach(function (button) {
    button.addEventListener("click", function () {
      var code = button.parentElement.querySelector("code");
      if (!navigator.clipboard) { byHand(code, button); return; }
      navigator.clipboard.writeText(code.textContent).then(function () { copied(button); }, function () { byHand(code, button); });
    });
  });

  /* the list of all checks */
  var filter = document.getElementById("filter");
  var rows = Array.prototype.slice.call(document.querySelectorAll("#every tbody tr"));
  filter.addEventListener("input", function () {
    var words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    var matching = 0;
    rows.forEach(function (row) {
      var text = row.textContent.toLowerCase();
      row.hidden = !words.every(function (word) { return text.indexOf(word) >= 0; });
      if (!row.hidden) { matching += 1; }
    });
    document.getElementById("matching").textContent = words.length ? matching + " of " + rows.length : "";
  });

  /* a watch rewrites the page: reload it, but not while the reader searches, selects text or has a section open */
  var seconds = Number(document.body.dataset.refresh);
  var folded = document.querySelectorAll("details:not([open])");
  function inUse() {
    return filter.value !== "" || String(getSelection()) !== "" || Array.prototype.some.call(folded, function (section) { return section.open; });
  }
  if (seconds) { setInterval(function () { if (!document.hidden && !inUse()) { location.reload(); } }, seconds * 1000); }

  /* print the folded sections too */
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (section) { section.open = true; });
  });
})();
