/* What a page's geometry says, without a picture of it. Each function answers a list of faults, in words; none
   leaves a trace: style sheets, text and direction are put back. The width is that of the window it is called in.

   - `asItIs()`: nothing scrolls sideways, is cut off or spills out of its box; targets are large enough, unless they
     stand in a sentence; the way out of a public page is in sight at its end too.
   - `spaced()`: the same room under a reader's own spacing (WCAG 1.4.12, all four values).
   - `inOtherLanguages()`: the same with every text 40 % longer; and with Arabic letters from right to left, where
     references, addresses and codes keep their order. */
(function () {
  "use strict";
  var SPACED = "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }" +
    " p { margin-block-end: 2em !important }";
  /* what no translation touches: references, serials, addresses, codes, times, numbers, machine words */
  var FIXED = "code, .mono, .id, .seal, .who, pre, time, .kbd, script, style, textarea, option, [data-pane], small b";
  var REFERENCE = /\b\d\d-\d{5,}-[A-Z]\b/g;

  function seen(e) {
    var style = getComputedStyle(e), box = e.getBoundingClientRect();
    return box.width > 1 && box.height > 1 && style.visibility === "visible" && style.clipPath === "none";
  }
  function named(e) {
    var text = (e.textContent || e.value || e.getAttribute("aria-label") || "").trim().replace(/\s+/g, " ").slice(0, 32);
    return e.tagName.toLowerCase() + (e.className && e.className.baseVal === undefined ? "." + String(e.className).trim().replace(/\s+/g, ".") : "") + " “" + text + "”";
  }
  function words(e) {
    return Array.prototype.some.call(e.childNodes, function (n) { return n.nodeType === 3 && n.nodeValue.trim(); });
  }
  function texts() {
    var found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), node;
    while ((node = walk.nextNode())) if (node.nodeValue.trim()) found.push(node);
    return found;
  }
  function written(value, arabic) {
    /* numbers and references stay as they are: no translator touches them */
    return value.split(/(\s+)/).map(function (word) {
      if (!/[a-zà-ÿ]{2}/i.test(word) || /\d/.test(word)) return word;
      return !arabic ? word + word.slice(0, Math.ceil(word.length * 0.4)) : word.replace(/[a-zà-ÿ]/gi, function (c) { return "ابتثجحخدرزسشصضطعفقكلمنهوي".charAt(c.toLowerCase().charCodeAt(0) % 25); });
    }).join("");
  }

  function kept(e) {
    /* inside something that scrolls by itself */
    for (e = e.parentElement; e && e !== document.body; e = e.parentElement) if (getComputedStyle(e).overflowX !== "visible") return true;
    return false;
  }

  function widest() {
    var found = document.body, most = 0;
    document.body.querySelectorAll("*").forEach(function (e) {
      var box = e.getBoundingClientRect(), out = Math.max(box.right - document.documentElement.clientWidth, -box.left);
      if (out > 0 && out >= most && seen(e) && !kept(e)) { most = out; found = e; }
    });
    return named(found);
  }

  function room(how) {
    var faults = [], root = document.scrollingElement;
    var over = root.scrollWidth - document.documentElement.clientWidth;
    if (over > 0) faults.push(how + ": " + over + " px wider than the window, by " + widest());
    document.body.querySelectorAll("*").forEach(function (e) {
      if (!words(e) || !seen(e)) return;
      if (e.ownerSVGElement) {
        /* a drawing shows what stands outside its box, up to what cuts it off */
        var cut = e.ownerSVGElement.parentElement;
        while (cut.parentElement && getComputedStyle(cut).overflowX === "visible") cut = cut.parentElement;
        var label = e.getBoundingClientRect(), edge = cut.getBoundingClientRect();
        var lost = Math.max(edge.left - label.left, cut.scrollWidth > cut.clientWidth ? 0 : label.right - edge.right);
        if (lost > 1) faults.push(how + ": " + Math.round(lost) + " px of the drawing's " + named(e) + " cut off");
        return;
      }
      var style = getComputedStyle(e);
      if (style.display === "inline" || style.textOverflow === "ellipsis" || e.closest(".vh, pre, .raw")) return;
      if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth)
        faults.push(how + ": " + (e.scrollWidth - e.clientWidth) + " px of " + named(e) + (style.overflowX === "visible" ? " outside its box" : " cut off"));
      else if (style.overflowY !== "visible" && style.overflowY !== "auto" && e.scrollHeight > e.clientHeight + 1)
        faults.push(how + ": lines of " + named(e) + " cut off");
    });
    return faults;
  }

  function reordered() {
    var faults = [];
    texts().forEach(function (node) {
      var match, range = document.createRange();
      REFERENCE.lastIndex = 0;
      while ((match = REFERENCE.exec(node.nodeValue))) {
        if (!node.parentElement || !seen(node.parentElement)) continue;
        var before = -Infinity, top = null;
        for (var i = 0; i < match[0].length; i += 1) {
          range.setStart(node, match.index + i);
          range.setEnd(node, match.index + i + 1);
          var box = range.getBoundingClientRect();
          if (top !== null && Math.abs(box.top - top) > 4) { before = -Infinity; }
          if (box.left < before) { faults.push("mirrored: " + match[0] + " is reordered in " + named(node.parentElement)); break; }
          before = box.left; top = box.top;
        }
      }
    });
    return faults;
  }

  function spaced() {
    var sheet = new CSSStyleSheet();
    sheet.replaceSync(SPACED);
    document.adoptedStyleSheets = [sheet];
    try { return room("spaced"); } finally { document.adoptedStyleSheets = []; }
  }

  function translated(how) {
    var mirrored = how === "mirrored", dir = document.documentElement.dir;
    var before = texts().filter(function (n) { return !n.parentElement.closest(FIXED); }).map(function (n) { return [n, n.nodeValue]; });
    before.forEach(function (pair) { pair[0].nodeValue = written(pair[1], mirrored); });
    if (mirrored) document.documentElement.dir = "rtl";
    try {
      return room(how).concat(mirrored ? reordered() : []);
    } finally {
      before.forEach(function (pair) { pair[0].nodeValue = pair[1]; });
      document.documentElement.dir = dir;
    }
  }

  function small() {
    var faults = [], least = document.body.matches(".public, .portal") ? 44 : 24;
    document.body.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary").forEach(function (e) {
      var target = (e.matches("input") && e.closest("label")) || e;
      if (!seen(target) || target.closest(".vh, .skip")) return;
      if (target.tagName === "A" && getComputedStyle(target).display === "inline") return;  /* stands in a sentence */
      var box = target.getBoundingClientRect();
      if (box.height < least - 0.5 || box.width < least - 0.5)
        faults.push(named(target) + " is " + Math.round(box.width) + " by " + Math.round(box.height) + " px");
    });
    return faults;
  }

  function shut_in() {
    /* a public page is left by one link that stays in sight, however far down somebody has read */
    if (!document.body.matches(".public") || document.body.matches(".notice")) return [];
    var link = document.querySelector("a.leave"), at = window.scrollY;
    if (!link) return ["no way out"];
    window.scrollTo(0, document.body.scrollHeight);
    var box = link.getBoundingClientRect();
    var there = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    window.scrollTo(0, at);
    return there && link.contains(there) ? [] : ["the way out is out of sight at the end of the page"];
  }

  window.measured = {
    asItIs: function () { return room("as it is").concat(small(), shut_in()); },
    spaced: spaced,
    inOtherLanguages: function () { return translated("longer").concat(translated("mirrored")); },
  };
})();
