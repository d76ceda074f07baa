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

  // Tree of sections and activities: parents follow children and the other way round, folds, types, counts.
  function wireTree(tree) {
    function includes(within) { return Array.from((within || tree).querySelectorAll("input[data-part='include']")); }
    function peopleOf(item) { return item.querySelector(":scope > .tree-row input[data-part='people'], :scope > .tree-head input[data-part='people']"); }
    function ownBox(item) { return item.querySelector(":scope > .tree-row input[data-part='include'], :scope > .tree-head input[data-part='include']"); }

    function refresh() {
      tree.querySelectorAll("[data-item]").forEach(function (item) {
        var box = ownBox(item);
        if (!box) { return; }
        item.classList.toggle("off", !box.checked);
        var people = peopleOf(item);
        if (people && !people.dataset.locked) {
          var parent = item.parentElement.closest("[data-item]");
          var parentPeople = parent && peopleOf(parent);
          people.disabled = !box.checked || Boolean(parentPeople && !parentPeople.checked);
        }
      });
      var boxes = includes().filter(function (box) { return box.dataset.kind !== "section"; });
      var chosen = boxes.filter(function (box) { return box.checked; }).length;
      var label = tree.querySelector("[data-count]");
      if (label) { label.textContent = chosen + " of " + boxes.length + " activities chosen"; }
      tree.querySelectorAll("[data-item='section']").forEach(function (section) {
        var inner = includes(section).filter(function (box) { return box.dataset.kind !== "section"; });
        var on = inner.filter(function (box) { return box.checked; }).length;
        var count = section.querySelector(":scope > .tree-head .count");
        if (count && inner.length) { count.textContent = on + " of " + inner.length; }
        var box = ownBox(section);
        if (box) { box.indeterminate = box.checked && inner.length > 0 && on < inner.length; }
      });
    }

    function set(box, on) { if (!box.disabled && !box.dataset.locked) { box.checked = on; } }

    tree.addEventListener("change", function (event) {
      var box = event.target;
      var item = box.closest("[data-item]");
      if (!item || !box.dataset.part) { return; }
      if (box.dataset.part === "include") {
        item.querySelectorAll("[data-item] input[data-part='include']").forEach(function (child) { set(child, box.checked); });
        if (box.checked) {
          for (var up = item.parentElement.closest("[data-item]"); up; up = up.parentElement.closest("[data-item]")) {
            var above = ownBox(up);
            if (above) { set(above, true); }
          }
        }
      } else {
        item.querySelectorAll("[data-item] input[data-part='people']").forEach(function (child) {
          if (!child.dataset.locked) { child.disabled = false; child.checked = box.checked; }
        });
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
        var unfold = foldAll.dataset.foldAll === "open";
        tree.querySelectorAll(".fold").forEach(function (each) {
          each.setAttribute("aria-expanded", String(unfold));
          document.getElementById(each.getAttribute("aria-controls")).hidden = !unfold;
        });
        return;
      }
      var bulk = event.target.closest("button[name='bulk']");
      if (!bulk) { return; }
      event.preventDefault();
      var choice = tree.querySelector("select[name='bulk_type']").value;
      var on = bulk.value === "on";
      if (choice === "people") {
        tree.querySelectorAll("input[data-part='people']").forEach(function (box) { if (!box.dataset.locked) { box.checked = on; } });
      } else {
        includes().forEach(function (box) {
          if (choice === "all" || box.dataset.kind === choice) { set(box, on); }
        });
        if (on) {
          includes().filter(function (box) { return box.checked && box.dataset.kind !== "section"; }).forEach(function (box) {
            for (var up = box.closest("[data-item='section']"); up; up = up.parentElement.closest("[data-item='section']")) { set(ownBox(up), true); }
          });
        }
      }
      refresh();
    });

    refresh();
  }

  // An option that depends on another is greyed out while the other is off.
  function wireOptions(form) {
    function refresh() {
      form.querySelectorAll("input[data-needs]").forEach(function (box) {
        if (box.dataset.locked) { return; }
        box.disabled = box.dataset.needs.split(" ").some(function (name) {
          var other = form.querySelector("[name='" + name + "']");
          return other && other.type === "checkbox" && (!other.checked || other.disabled && !other.dataset.locked);
        });
      });
    }
    form.addEventListener("change", refresh);
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
    document.querySelectorAll("form[data-options]").forEach(wireOptions);
    document.querySelectorAll("[data-choose]").forEach(wireChoice);
    document.querySelectorAll(".drop").forEach(wireDrop);
  });
})();
