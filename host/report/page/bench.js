/* Choices on the page of benchmarks: which results are shown, of which batch, in which theme. The page is whole without. */
(function () {
  "use strict";
  var root = document.documentElement;

  function all(selector) { return Array.from(document.querySelectorAll(selector)); }

  function make(tag, properties, children) {
    var element = Object.assign(document.createElement(tag), properties);
    (children || []).forEach(function (child) { element.append(child); });
    return element;
  }

  /* One of several [value, words], as the page of visualize has it. */
  function chooser(name, label, choices, current, choose) {
    var box = make("div", { className: "switch", role: "radiogroup", ariaLabel: label });
    choices.forEach(function (choice) {
      var input = make("input", { type: "radio", name: name, value: choice[0], checked: choice[0] === current });
      input.addEventListener("change", function () { choose(choice[0]); });
      box.append(make("label", {}, [input, make("span", { textContent: choice[1] })]));
    });
    return box;
  }

  /* ---- theme: kept by the browser where it keeps anything for a file ---- */

  function kept() {
    try { return localStorage.getItem("clvgg-theme") || "auto"; } catch (e) { return "auto"; }
  }

  function setTheme(theme) {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    try { localStorage.setItem("clvgg-theme", theme); } catch (e) { /* then not */ }
  }

  setTheme(kept());
  document.querySelector(".top").append(chooser("theme", "Theme",
    [["auto", "Auto"], ["light", "Light"], ["dark", "Dark"]], kept(), setTheme));

  /* ---- one batch at a time, the same in all sections ---- */

  var batches = [];
  all(".batch").forEach(function (part) {
    if (batches.indexOf(part.dataset.batch) < 0) batches.push(part.dataset.batch);
  });
  batches.sort(function (a, b) { return a - b; });

  function setBatch(batch) {
    all(".batch").forEach(function (part) { part.hidden = part.dataset.batch !== batch; });
    all("[data-batches] input").forEach(function (input) { input.checked = input.value === batch; });
  }

  if (batches.length > 1) {
    all("section").forEach(function (section) {
      if (!section.querySelector(".batch")) return;
      var box = chooser("batch-" + section.id, "Batch", batches.map(function (batch) {
        return [batch, "Batch " + batch];
      }), batches[0], setBatch);
      box.dataset.batches = "";
      section.querySelector(".head").append(box);
    });
    setBatch(batches[0]);
  }

  /* ---- which results are shown ---- */

  var choices = all("[data-choice]");

  function show(run, shown) {
    all('[data-run="' + run + '"]').forEach(function (part) { part.toggleAttribute("hidden", !shown); });
  }

  var boxes = choices.length < 2 ? [] : choices.map(function (item) {
    var input = make("input", { type: "checkbox", checked: true });
    input.addEventListener("change", function () { show(item.dataset.choice, input.checked); });
    item.replaceChildren(make("label", {}, [input].concat(Array.from(item.childNodes))));
    return input;
  });

  function showAll(shown) {
    boxes.forEach(function (input, run) {
      if (input.checked === shown) return;
      input.checked = shown;
      show(run, shown);
    });
  }

  if (boxes.length > 2)
    document.getElementById("legend").append(make("div", { className: "tools" }, ["All", "None"].map(function (words) {
      var button = make("button", { type: "button", textContent: words });
      button.addEventListener("click", function () { showAll(words === "All"); });
      return button;
    })));
})();
