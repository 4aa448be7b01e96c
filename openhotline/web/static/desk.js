/* Keys of the desk. True here: a key only presses a control that is on the page, never anything else, and
   only while no field has focus; all of them can be turned off in Settings. Every page works without this. */
(function () {
  "use strict";
  var body = document.body;
  var wide = window.matchMedia("(min-width: 900px)");

  function typing(element) {
    if (!element) return false;
    if (element.isContentEditable || element.tagName === "TEXTAREA" || element.tagName === "SELECT") return true;
    if (element.tagName !== "INPUT") return false;
    return !/^(radio|checkbox|button|submit)$/.test(element.type);
  }

  function shown(element) {
    return element && element.getClientRects().length > 0;
  }

  function control(key) {
    var found = document.querySelectorAll("[data-key]");
    for (var i = 0; i < found.length; i += 1) {
      if (found[i].getAttribute("data-key") === key && shown(found[i].closest("label, a, button") || found[i])) return found[i];
    }
    return null;
  }

  function press(element) {
    if (element.matches("input[type=radio]")) {
      element.checked = true;
      element.dispatchEvent(new Event("change", { bubbles: true }));
      var needs = element.getAttribute("data-needs");
      if (needs === "reason") document.getElementById("reason").focus();
    } else if (element.matches("input[type=search]")) {
      element.focus();
      element.select();
    } else {
      element.click();
    }
  }

  function open_pane(link) {
    if (!wide.matches || !window.htmx || !document.getElementById("pane")) return false;
    window.htmx.ajax("GET", link.getAttribute("data-pane"), { target: "#pane", swap: "innerHTML" });
    document.querySelectorAll(".rows tr.on").forEach(function (row) {
      row.classList.remove("on");
      row.querySelector("a").removeAttribute("aria-current");
    });
    link.closest("tr").classList.add("on");
    link.setAttribute("aria-current", "true");
    window.history.replaceState(null, "", link.getAttribute("data-at"));
    link.focus({ preventScroll: false });
    return true;
  }

  function move(by) {
    var links = Array.prototype.slice.call(document.querySelectorAll(".rows a[data-pane], .rows a[data-row]"));
    if (!links.length) return;
    var here = links.findIndex(function (link) { return link.closest("tr").classList.contains("on"); });
    var next = links[Math.min(Math.max(here + by, 0), links.length - 1)];
    if (next.hasAttribute("data-pane") && open_pane(next)) return;
    next.focus();
  }

  document.addEventListener("click", function (event) {
    var link = event.target.closest && event.target.closest("a[data-pane]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    if (open_pane(link)) event.preventDefault();
  });

  document.addEventListener("keydown", function (event) {
    if (body.getAttribute("data-keys") !== "on") return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.defaultPrevented) return;
    var active = document.activeElement;
    if (typing(active)) return;
    var key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
    if (key === "J" || key === "K") {
      event.preventDefault();
      move(key === "J" ? 1 : -1);
      return;
    }
    if (key === "Enter") {
      /* a link or a button that has focus keeps its own Enter; a row of the list or a choice does not */
      if (active && /^(A|BUTTON|SUMMARY)$/.test(active.tagName) && !(active.hasAttribute("data-pane") && active.hasAttribute("aria-current"))) return;
    } else if (key.length !== 1) {
      return;
    }
    var found = control(key);
    if (!found) return;
    event.preventDefault();
    press(found);
  });

  document.addEventListener("htmx:afterSwap", function (event) {
    if (event.detail.target.id !== "pane") return;
    var live = document.getElementById("live");
    var head = document.querySelector("#pane h2");
    if (live && head) live.textContent = head.textContent + " shown";
    var refusal = document.querySelector("#pane [data-refusal]");
    if (refusal) refusal.focus();
  });

  var refusal = document.querySelector("[data-refusal]");
  if (refusal) refusal.focus();
})();
