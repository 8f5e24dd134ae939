/* The report of clvgg visualize. Everything that comes from names goes through textContent or
 * properties, never through markup. */
(function () {
  "use strict";
  var report = JSON.parse(document.getElementById("report").textContent);
  var nav = document.getElementById("nav"), main = document.getElementById("main");
  var viewer = document.getElementById("viewer");
  var shown = null;  /* the layer on the page */
  var opened = -1;   /* the map in the viewer */
  var cards = [];
  var side = "both";
  var ways = {};     /* of each layer by name: how its units are projected back, an index of its modes */
  var wayNames = { deconv: "Deconvolution", guided: "Guided", gradient: "Gradient" };
  var wayWords = { deconv: "deconvolution", guided: "guided backpropagation", gradient: "the gradient" };

  function make(tag, properties, children) {
    var element = document.createElement(tag);
    Object.keys(properties || {}).forEach(function (name) {
      if (name in element) element[name] = properties[name];
      else element.setAttribute(name, properties[name]);
    });
    (children || []).forEach(function (child) {
      if (child) element.append(child);
    });
    return element;
  }

  function lastPart(path) { return path.slice(path.lastIndexOf("/") + 1) || path; }
  function number(value) { return value.toLocaleString("en-US", { maximumSignificantDigits: 4 }); }

  function picture(source, alt, width, height) {
    if (!source) return make("span", { className: "picture", title: "left out" });
    var image = make("img", { alt: alt, decoding: "async" });
    image.loading = "lazy";
    if (width) image.width = width;
    if (height) image.height = height;
    image.src = source;
    return make("span", { className: "picture" }, [image]);
  }

  function projection(unit) { return unit.projections[ways[shown.name]]; }

  function nine(units, source, className) {
    return make("span", { className: "nine " + className }, units.map(function (unit) {
      return picture(source(unit), "");
    }));
  }

  /* ---- a layer ---- */

  function card(map, index) {
    var fires = map.units.length > 0;
    var name = [make("b", { textContent: "map " + map.map }),
                make("span", { className: "faint", textContent: fires ? number(map.units[0].value) : "" })];
    var inside = fires
      ? make("span", { className: "sides" }, [nine(map.units, projection, "projections"),
                                             nine(map.units, function (unit) { return unit.patch; }, "patches")])
      : make("span", { className: "never", textContent: "never fires" });
    var button = make("button", { className: "card", type: "button" },
                      [inside, make("span", { className: "name" }, name)]);
    button.setAttribute("aria-label", "map " + map.map + (fires ? ", strongest value " + number(map.units[0].value) : ", never fires"));
    button.disabled = !fires;
    button.addEventListener("click", function () { open(index); });
    return button;
  }

  /* One of several [value, words], the current one marked; `choose` is called with another's value. */
  function chooser(name, label, choices, current, choose) {
    var box = make("div", { className: "switch", role: "radiogroup" });
    box.setAttribute("aria-label", label);
    choices.forEach(function (choice) {
      var input = make("input", { type: "radio", name: name, value: choice[0], checked: choice[0] === current });
      input.addEventListener("change", function () { choose(choice[0]); });
      box.append(make("label", {}, [input, make("span", { textContent: choice[1] })]));
    });
    return box;
  }

  function sideChooser() {
    return chooser("side", "What the cards show",
                   [["both", "Both"], ["projections", "Projections"], ["patches", "Photographs"]], side,
                   function (value) { side = value; applySide(); });
  }

  /* Of a layer with one mode it says which. */
  function wayChooser(name, changed) {
    var choices = shown.modes.map(function (mode, i) { return [i, wayNames[mode]]; });
    return choices.length < 2 ? null : chooser(name, "How units are projected back", choices, ways[shown.name], function (value) {
      ways[shown.name] = value;
      changed();
    });
  }

  function applySide() {
    main.className = side === "both" ? "" : "one only-" + side;
    var sees = shown ? Math.max(shown.size[0], shown.size[1]) : 0;
    main.classList.toggle("pixels", sees > 0 && sees < 100);
    main.classList.toggle("deep", sees >= 100); /* more to be seen in each picture */
  }

  function fillCards() {
    cards = shown.cards.map(card);
    main.querySelector(".cards").replaceChildren.apply(main.querySelector(".cards"), cards);
  }

  function showLayer(layer) {
    shown = layer;
    ways[layer.name] = ways[layer.name] || 0;
    var sees = "A unit sees " + layer.size[0] + " \u00D7 " + layer.size[1] + " pixels \u00B7 " +
      layer.cards.length + " of " + layer.maps + " maps, each with the photographs that excite it most" +
      (layer.modes.length === 1 ? ", and by " + wayWords[layer.modes[0]] + " what of them does it" : "");
    var head = make("div", {}, [make("h2", { textContent: layer.name, id: "heading" }),
                                make("p", { className: "faint", textContent: sees })]);
    main.replaceChildren(make("div", { className: "head" }, [head, wayChooser("way", fillCards), sideChooser()]),
                         make("div", { className: "cards" }));
    fillCards();
    if (layer.silent.length > 0)
      main.append(make("p", { className: "faint silent", textContent:
        (layer.silent.length === 1 ? "One map never fires" : layer.silent.length + " maps never fire") +
        " on these photographs: " + layer.silent.join(", ") }));
    var links = make("p", { className: "faint silent links" });
    layer.figures.forEach(function (figure, i) {
      if (figure)
        links.append(make("a", { href: figure, textContent: "This layer as a file, by " + wayWords[layer.modes[i]] }));
    });
    main.append(links);
    applySide();
  }

  /* ---- figures: their pictures lie side by side in one sheet, their words are here ---- */

  /* Picture `index` of a figure's sheet. */
  function part(entry, index) {
    var about = entry.about, column = index % about.columns, row = Math.floor(index / about.columns);
    var place = make("span", { className: "part" });
    place.style.aspectRatio = about.width + " / " + about.height;
    if (!entry.sheet) return place;
    var image = make("img", { alt: about.cells[index].title });
    image.loading = "lazy";
    var across = about.width + 2 * about.gutter, down = about.height + 2 * about.gutter;
    image.style.width = 100 * about.columns * across / about.width + "%";
    image.style.height = 100 * about.rows * down / about.height + "%";
    image.style.left = -100 * (column * across + about.gutter) / about.width + "%";
    image.style.top = -100 * (row * down + about.gutter) / about.height + "%";
    image.src = entry.sheet;
    place.append(image);
    return place;
  }

  function bar(about) {
    var scale = make("span", { className: "scale" });
    scale.style.background = "linear-gradient(to right, " + about.colours.join(", ") + ")";
    return make("span", { className: "bar-words" }, [scale, make("span", { textContent: about.low }),
      make("span", { textContent: about.unit }), make("span", { textContent: about.high })]);
  }

  function legend(entries) {
    return make("span", { className: "legend" }, entries.map(function (entry) {
      var patch = make("span", { className: "patch" });
      patch.style.background = entry.colour;
      return make("span", {}, [patch, entry.name]);
    }));
  }

  function figure(entry) {
    var about = entry.about, grid = about.kind === "grid";
    var cells = about.cells.map(function (cell, i) {
      var title = make("span", { className: "title", textContent: cell.title }), picture = part(entry, i);
      return make("figure", {}, [grid ? picture : title, grid ? title : picture,
        cell.bar ? bar(cell.bar) : null, cell.legend ? legend(cell.legend) : null]);
    });
    return make("section", { className: "figure" }, [make("h3", { textContent: about.title }),
      make("p", { className: "faint", textContent: about.note + (entry.sheet ? "" : " \u00B7 left out") }),
      make("div", { className: about.kind }, cells),
      entry.figure ? make("p", { className: "faint" }, [make("a", { href: entry.figure, textContent: "This figure as a file" })]) : null]);
  }

  function showPage(page) {
    shown = null;
    cards = [];
    var head = make("div", {}, [make("h2", { textContent: page.name, id: "heading" }),
                                make("p", { className: "faint", textContent: page.note })]);
    main.replaceChildren(make("div", { className: "head" }, [head]),
      make("div", { className: "figures" }, page.figures.map(figure)));
    applySide();
  }

  /* ---- the nine pairs of a map ---- */

  function open(index) {
    var map = shown.cards[index];
    opened = index;
    document.getElementById("viewer-title").textContent = shown.name + " \u00B7 map " + map.map;
    document.getElementById("previous").disabled = neighbour(-1) < 0;
    document.getElementById("next").disabled = neighbour(1) < 0;
    var way = wayChooser("viewer-way", function () { fillCards(); fillPairs(); });
    document.getElementById("viewer-way").replaceChildren.apply(document.getElementById("viewer-way"), way ? [way] : []);
    fillPairs();
    viewer.scrollTop = 0;
    if (!viewer.open) viewer.showModal();
  }

  function fillPairs() {
    var map = shown.cards[opened];
    document.getElementById("pairs").replaceChildren.apply(document.getElementById("pairs"), map.units.map(function (unit, rank) {
      var name = lastPart(unit.file);
      var where = "row " + unit.y + ", column " + unit.x;
      var caption = make("figcaption", {}, [
        make("b", { textContent: (rank + 1) + ". " + name }), make("br"),
        make("span", { className: "faint", textContent: "value " + number(unit.value) + " at " + where })]);
      caption.title = unit.file;
      return make("figure", {}, [make("div", { className: "sides" }, [
        picture(projection(unit), "what of " + name + " it answers to"),
        picture(unit.patch, "part of " + name + " that it sees")]), caption]);
    }));
    document.getElementById("pairs").classList.toggle("pixels", Math.max(shown.size[0], shown.size[1]) < 100);
  }

  /* The next map in a direction that fires, or -1. */
  function neighbour(step) {
    for (var i = opened + step; i >= 0 && i < shown.cards.length; i += step)
      if (shown.cards[i].units.length > 0) return i;
    return -1;
  }

  function go(step) {
    var to = neighbour(step);
    if (to >= 0) open(to);
  }

  document.getElementById("previous").addEventListener("click", function () { go(-1); });
  document.getElementById("next").addEventListener("click", function () { go(1); });
  document.getElementById("close").addEventListener("click", function () { viewer.close(); });
  viewer.addEventListener("click", function (event) { if (event.target === viewer) viewer.close(); });
  viewer.addEventListener("close", function () { if (cards[opened]) cards[opened].focus(); });
  viewer.addEventListener("keydown", function (event) {
    if (event.target.type === "radio") return; /* arrows choose among those */
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      go(event.key === "ArrowLeft" ? -1 : 1);
      event.preventDefault();
    }
  });

  /* ---- arrow keys among cards and among the links ---- */

  function columns() {
    var first = cards[0].getBoundingClientRect().top, count = 0;
    while (count < cards.length && Math.abs(cards[count].getBoundingClientRect().top - first) < 2) count++;
    return Math.max(count, 1);
  }

  main.addEventListener("keydown", function (event) {
    var at = cards.indexOf(document.activeElement);
    if (at < 0) return;
    var step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(), ArrowDown: columns() }[event.key];
    if (event.key === "Home") step = -at;
    if (event.key === "End") step = cards.length - 1 - at;
    if (step === undefined) return;
    var to = at + step;
    while (cards[to] && cards[to].disabled) to += step < 0 ? -1 : 1;
    if (cards[to]) cards[to].focus();
    event.preventDefault();
  });

  nav.addEventListener("keydown", function (event) {
    var links = Array.from(nav.querySelectorAll("a")), at = links.indexOf(document.activeElement);
    var step = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 }[event.key];
    if (at < 0 || step === undefined) return;
    if (links[at + step]) links[at + step].focus();
    event.preventDefault();
  });

  /* ---- where we are ---- */

  function link(address, text) {
    return make("li", {}, [make("a", { href: "#" + address, title: text,
      textContent: text.replace(/[_.\/-]/g, "$&\u200B") /* where names may break */ })]);
  }

  /* One list of links for each group. */
  function fillNav() {
    var groups = { Layers: report.layers.map(function (layer, i) { return link("layer-" + i, layer.name); }) };
    report.pages.forEach(function (page, i) {
      (groups[page.group] = groups[page.group] || []).push(link("page-" + i, page.name));
    });
    Object.keys(groups).forEach(function (group) {
      if (groups[group].length > 0)
        nav.append(make("h2", { textContent: group }), make("ul", {}, groups[group]));
    });
  }

  /* Scrolls the links, across or down, to the one that is current. */
  function showCurrent() {
    var a = nav.querySelector("[aria-current]");
    if (!a) return;
    nav.scrollLeft = a.offsetLeft - (nav.clientWidth - a.offsetWidth) / 2;
    if (a.offsetTop < nav.scrollTop || a.offsetTop + a.offsetHeight > nav.scrollTop + nav.clientHeight)
      nav.scrollTop = a.offsetTop - nav.clientHeight / 2;
  }

  function route() {
    if (location.hash === "#main") return main.focus(); /* from the link that skips */
    var parts = /^#(layer|page)-(\d+)(?:-(\d+))?$/.exec(location.hash) || [];
    var list = parts[1] === "page" ? report.pages : report.layers, index = Number(parts[2]);
    if (!list[index]) {
      list = report.layers.length > 0 ? report.layers : report.pages;
      index = report.layers.length > 0 ? list.length - 1 : 0;
    }
    if (!list[index]) return;
    if (viewer.open) viewer.close();
    opened = -1;
    if (list === report.layers) showLayer(list[index]);
    else showPage(list[index]);
    var address = "#" + (list === report.layers ? "layer-" : "page-") + index;
    nav.querySelectorAll("a").forEach(function (a) {
      if (a.getAttribute("href") === address) {
        a.setAttribute("aria-current", "page");
      } else a.removeAttribute("aria-current");
    });
    showCurrent();
    document.title = list[index].name + " \u00B7 " + report.title;
    window.scrollTo(0, 0);
    if (list === report.layers && parts[3] && list[index].cards[Number(parts[3])] && list[index].cards[Number(parts[3])].units.length > 0)
      open(Number(parts[3]));
  }

  fillNav();
  window.addEventListener("hashchange", route);
  window.addEventListener("resize", showCurrent);
  if (location.hash === "#main") location.hash = "";
  route();
})();
