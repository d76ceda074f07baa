// What the pages do beyond plain forms and links. Every page works without this file.
(function () {
  "use strict";

  document.documentElement.classList.add("js");

  // An error summary is read first: it takes the focus when the page opens.
  function focusOnErrors() {
    var summary = document.querySelector(".error-summary");
    if (summary) { summary.focus(); }
  }

  // A link of the error summary leads to the field itself, not only to its place.
  document.addEventListener("click", function (event) {
    var link = event.target.closest(".error-summary a[href^='#']");
    if (!link) { return; }
    var field = document.getElementById(link.getAttribute("href").slice(1));
    if (field) { event.preventDefault(); field.focus(); field.scrollIntoView({ block: "center" }); }
  });

  // Menus close with Escape and when the focus or a click goes elsewhere.
  function closeMenus(except) {
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      if (!except || !menu.contains(except)) { menu.open = false; }
    });
  }
  document.addEventListener("click", function (event) { closeMenus(event.target); });
  document.addEventListener("focusin", function (event) { closeMenus(event.target); });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") { return; }
    var menu = document.querySelector("details.menu[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });

  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.method !== "post" || event.defaultPrevented) { return; }
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    window.setTimeout(function () { delete form.dataset.sent; }, 4000);
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) { delete form.dataset.sent; });
  });

  // A filter applies itself as soon as a list is chosen.
  document.addEventListener("change", function (event) {
    var form = event.target.closest("form[data-apply]");
    if (form && event.target.tagName === "SELECT") { form.requestSubmit(); }
  });

  // The form says that the script has unlocked the boxes that waited: an empty one means no.
  function unlocks(form) {
    if (!form || form.querySelector("[name='every_box']")) { return; }
    var field = document.createElement("input");
    field.type = "hidden";
    field.name = "every_box";
    field.value = "1";
    form.append(field);
  }

  // A box shows the value that counts. One that waits for another is empty, and keeps in data-wish what it becomes then.
  function wait(box, waits) {
    if (waits && !box.dataset.waits) {
      if (!box.dataset.wish) { box.dataset.wish = box.checked ? "1" : "0"; }
      box.dataset.waits = "1";
      box.checked = false;
    } else if (!waits && box.dataset.waits) {
      box.checked = box.dataset.wish !== "0";
      delete box.dataset.waits;
      box.dataset.wish = "";
    }
    box.disabled = waits || Boolean(box.dataset.locked);
  }

  // Search in a list of sections and activities: it shows what it finds and what that stands in, as the server does.
  // `then` is called with the words after each search.
  function wireSearch(tree, then) {
    var field = tree.querySelector("input[name='search']");
    function find() {
      var words = field.value.toLowerCase().split(/\s+/).filter(Boolean), number = 0;
      function mark(item, above) {
        var own = item.dataset.words.toLowerCase();
        var hit = above || words.every(function (word) { return own.includes(word); });
        var below = Array.from(item.querySelectorAll(":scope > ul > [data-item]")).map(function (child) { return mark(child, hit); });
        item.dataset.found = hit ? "1" : "";
        item.hidden = !hit && !below.some(Boolean);
        if (hit && item.dataset.item === "activity") { number += 1; }
        return !item.hidden;
      }
      tree.querySelectorAll(":scope > ul > [data-item]").forEach(function (item) { mark(item, false); });
      tree.querySelector("[data-found]").textContent = words.length ? number + " found" : "";
      if (then) { then(words); }
    }
    field.addEventListener("input", find);
    field.addEventListener("keydown", function (event) { if (event.key === "Enter") { event.preventDefault(); } });
    find();
  }

  // Tree of sections and activities: parents follow children and the other way round, folds, types, counts.
  function wireTree(tree) {
    function includes(within) { return Array.from((within || tree).querySelectorAll("input[data-part='include']")); }
    function part(item, name) { return item.querySelector(":scope > .tree-row input[data-part='" + name + "'], :scope > .tree-head input[data-part='" + name + "']"); }
    function ownBox(item) { return part(item, "include"); }
    function above(item) { return item.parentElement.closest("[data-item]"); }
    function isOn(item) { var box = ownBox(item); return !box || box.checked; }
    function counted(within) {
      var items = Array.from(within.querySelectorAll("[data-item='activity']"));
      return [items.filter(isOn).length, items.length];
    }

    // Buttons for many mean what the search finds.
    function showFound(words) {
      if (words.length) { fold(false); }
      tree.querySelector("option[value='all']").textContent = words.length ? "Everything found" : "Everything";
    }
    function fold(shut) {
      tree.querySelectorAll(".fold").forEach(function (each) {
        each.setAttribute("aria-expanded", String(!shut));
        document.getElementById(each.getAttribute("aria-controls")).hidden = shut;
      });
    }
    function isMeant(box) { return box.closest("[data-item]").dataset.found === "1"; }

    function refresh() {
      tree.querySelectorAll("[data-item]").forEach(function (item) {
        var box = ownBox(item), parent = above(item), people = part(item, "people");
        var parentPeople = parent && part(parent, "people");
        if (box) { item.classList.toggle("off", !box.checked); }
        var reason = item.querySelector(":scope > .tree-row [data-waits-for], :scope > .tree-head [data-waits-for]");
        if (reason) { reason.hidden = !parent || isOn(parent); }
        if (people) { wait(people, !isOn(item) || Boolean(parentPeople && !parentPeople.checked)); }
      });
      var all = counted(tree), label = tree.querySelector("[data-count]");
      if (label) { label.textContent = all[0] + " of " + all[1] + " activities chosen"; }
      tree.querySelectorAll("[data-item='section']").forEach(function (section) {
        var inner = counted(section), box = ownBox(section);
        var count = section.querySelector(":scope > .tree-head .count, :scope > .tree-row .count");
        if (count && inner[1]) { count.textContent = inner[0] + " of " + inner[1]; }
        if (box) { box.indeterminate = box.checked && inner[1] > 0 && inner[0] < inner[1]; }
      });
    }

    // A locked box cannot be chosen or left out by itself, but it goes and comes back with what it stands in.
    function set(box, on) {
      if (!box.dataset.locked) { box.checked = on; return; }
      if (on && box.dataset.wish) { box.checked = box.dataset.wish === "1"; box.dataset.wish = ""; }
      if (!on && !box.dataset.wish) { box.dataset.wish = box.checked ? "1" : "0"; box.checked = false; }
    }
    function bringParents(item) {
      for (var up = above(item); up; up = above(up)) { if (ownBox(up)) { set(ownBox(up), true); } }
    }

    tree.addEventListener("change", function (event) {
      var box = event.target;
      var item = box.closest("[data-item]");
      if (!item || !box.dataset.part) { return; }
      if (box.dataset.part === "include") {
        item.querySelectorAll("[data-item] input[data-part='include']").forEach(function (child) { set(child, box.checked); });
        if (box.checked) { bringParents(item); }
      }
      refresh();
    });

    tree.addEventListener("click", function (event) {
      var fold = event.target.closest(".fold");
      if (fold) {
        var list = document.getElementById(fold.getAttribute("aria-controls"));
        var open = fold.getAttribute("aria-expanded") !== "true";
        fold.setAttribute("aria-expanded", String(open));
        list.hidden = !open;
        return;
      }
      var foldAll = event.target.closest("[data-fold-all]");
      if (foldAll) {
        fold(foldAll.dataset.foldAll === "shut");
        return;
      }
      var bulk = event.target.closest("button[name='bulk']");
      if (!bulk) { return; }
      event.preventDefault();
      var choice = tree.querySelector("select[name='bulk_type']").value;
      var on = bulk.value === "on";
      if (choice === "people") {
        tree.querySelectorAll("input[data-part='people']").forEach(function (box) {
          if (box.dataset.locked || !isMeant(box)) { return; }
          if (box.dataset.waits) { box.dataset.wish = on ? "1" : "0"; } else { box.checked = on; }
        });
      } else {
        includes().forEach(function (box) {
          if ((choice !== "all" && box.dataset.kind !== choice) || !isMeant(box)) { return; }
          if (!box.dataset.locked) { box.checked = on; }
          if (on && box.checked) { bringParents(box.closest("[data-item]")); }
        });
        if (!on) {
          tree.querySelectorAll("[data-item]").forEach(function (item) {
            if (!isOn(item)) { includes(item).forEach(function (child) { set(child, false); }); }
          });
        }
      }
      refresh();
      tree.dispatchEvent(new Event("change", { bubbles: true }));
    });

    // Boxes in a section that is left out are unlocked: choosing one brings its section.
    includes().forEach(function (box) { if (!box.dataset.locked) { box.disabled = false; } });
    tree.querySelectorAll("input[data-part='people']:disabled:not([data-locked])").forEach(function (box) {
      box.dataset.waits = "1";
      box.dataset.wish = "1";
    });
    unlocks(tree.closest("form"));
    wireSearch(tree, showFound);
    refresh();
  }

  // An option that needs another is locked, empty and says why while the other is off.
  function wireOptions(form) {
    function missing(field) {
      return field.dataset.needs.split(" ").find(function (name) {
        var other = form.querySelector("[name='" + name + "']");
        return other && other.type === "checkbox" && !other.checked;
      });
    }
    function refresh() {
      form.querySelectorAll("[data-needs]:not([data-locked])").forEach(function (field) {
        var needed = missing(field), why = document.getElementById(field.getAttribute("aria-describedby"));
        if (field.type === "checkbox") { wait(field, Boolean(needed)); } else { field.disabled = Boolean(needed); }
        var box = field.closest(".check, .field");
        if (box.classList.contains("check")) { box.classList.toggle("locked", Boolean(needed)); }
        box.querySelector("[data-lock-mark]").hidden = !needed;
        why.querySelector("[data-help]").hidden = Boolean(needed);
        why.querySelectorAll("[data-off]").forEach(function (reason) { reason.hidden = reason.dataset.off !== needed; });
      });
    }
    form.querySelectorAll("input[type='checkbox'][data-needs]:disabled:not([data-locked])").forEach(function (box) { box.dataset.waits = "1"; });
    form.addEventListener("change", refresh);
    unlocks(form);
    refresh();
  }

  // What is chosen in a list chooses its radio; another radio empties the lists that it contradicts.
  function wireChoice(group) {
    var radios = Array.from(group.querySelectorAll("input[name='" + group.dataset.choose + "']"));
    var lists = Array.from(group.querySelectorAll("[data-implies]"));
    function controls(list) { return Array.from(list.querySelectorAll("input[type='checkbox'], select")); }
    function filled(list) { return controls(list).some(function (one) { return one.type === "checkbox" ? one.checked : one.value; }); }
    function empty(list) {
      controls(list).forEach(function (one) {
        if (one.type === "checkbox") { one.checked = false; } else if (one.querySelector("option[value='']")) { one.value = ""; }
      });
    }
    function refresh() {
      lists.forEach(function (list) {
        var label = list.querySelector("[data-ticked]");
        if (label) { label.textContent = controls(list).filter(function (one) { return one.checked; }).length; }
      });
    }
    group.addEventListener("change", function (event) {
      var list = event.target.closest("[data-implies]");
      if (list && filled(list)) {
        radios.forEach(function (radio) { radio.checked = radio.value === list.dataset.implies; });
      }
      var chosen = radios.find(function (radio) { return radio.checked; });
      lists.forEach(function (one) { if (chosen && one.dataset.implies !== chosen.value) { empty(one); } });
      refresh();
    });
    refresh();
  }

  // A file can be dropped on the upload box.
  function wireDrop(box) {
    var input = box.querySelector("input[type='file']");
    ["dragover", "dragenter"].forEach(function (name) {
      box.addEventListener(name, function (event) { event.preventDefault(); box.classList.add("over"); });
    });
    ["dragleave", "drop"].forEach(function (name) { box.addEventListener(name, function () { box.classList.remove("over"); }); });
    box.addEventListener("drop", function (event) {
      event.preventDefault();
      if (event.dataTransfer.files.length) { input.files = event.dataTransfer.files; }
    });
  }

  // One screen reader sentence when a job's state changes.
  document.addEventListener("htmx:afterSwap", function () {
    var live = document.getElementById("job-live");
    var said = document.querySelector("[data-say]");
    var sentence = said ? said.dataset.say.replace(/\s+/g, " ").trim() : "";
    if (live && sentence && live.textContent !== sentence) { live.textContent = sentence; }
    var title = document.querySelector("[data-title]");
    if (title) { document.title = title.dataset.title; }
  });

  document.addEventListener("DOMContentLoaded", function () {
    focusOnErrors();
    document.querySelectorAll(".tree[data-tree]").forEach(wireTree);
    document.querySelectorAll("[data-search]").forEach(function (list) { wireSearch(list); });
    document.querySelectorAll("form[data-options]").forEach(wireOptions);
    document.querySelectorAll("[data-choose]").forEach(wireChoice);
    document.querySelectorAll(".drop").forEach(wireDrop);
  });
})();
