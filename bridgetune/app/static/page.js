// Layers under a curtain and a map, and views that follow one another. Zooming, panning and tiles are OpenSeadragon's,
// forms and progress are htmx's.
"use strict";

const MARKED = 8; // A place that is marked has this part of a picture's longer side.

document.addEventListener("htmx:sendError", () => {
  const line = document.createElement("p");
  line.className = "line";
  line.textContent = "The page's program does not answer; is it still running?";
  document.querySelector("#refused, #said")?.replaceChildren(line);
});

document.addEventListener("htmx:beforeRequest", ({ target }) => {
  target.querySelectorAll(".at").forEach((line) => line.replaceChildren());
});
document.addEventListener("htmx:afterSwap", ({ target }) => {
  enhanceSortableAccessibility(target.querySelectorAll(".sortable"));
});

// A view is as high as its picture is, at its width.
document.querySelectorAll("[data-ratio]").forEach((figure) => {
  figure.style.setProperty("--ratio", figure.dataset.ratio);
});
document.querySelectorAll("[data-fused]").forEach(show);
document.querySelectorAll("[data-views]").forEach(compare);
document.querySelectorAll("[data-mend]").forEach(mend);

function show(figure) {
  const part = (name) => figure.querySelector(`[data-part="${name}"]`);
  const [main, beside] = [view(part("view")), view(part("beside"))];
  const [curtain, against, strength, side] = ["curtain", "against", "strength", "side"].map(part);
  let other;

  const draw = () => {
    if (!other) return;
    const size = other.getContentSize();
    const across = part("view").clientWidth * curtain.value;
    const edge = other.viewerElementToImageCoordinates(new OpenSeadragon.Point(across, 0)).x;
    const left = Math.min(Math.max(edge, 0), size.x);
    other.setOpacity(!side.checked && left < size.x ? 1 : 0);
    other.setClip(new OpenSeadragon.Rect(left, 0, size.x - left, size.y));
  };
  const choose = async () => {
    other = await layer(main, against.value, 1, 0, Boolean(other));
    draw();
    if (!side.checked) return;
    await layer(beside, against.value, 0, 1, beside.world.getItemCount() > 0);
    lead();
  };

  const lead = () => ["leads", "viewport-change"].forEach((event) => main.raiseEvent(event));

  layer(main, figure.dataset.fused, 0, 1)
    .then(choose)
    .then(() => figure.dataset.map && layer(main, figure.dataset.map, 2, 0))
    .then((map) => strength?.addEventListener("input", () => map.setOpacity(Number(strength.value))))
    .then(() => { figure.dataset.ready = "yes"; });
  outline(figure, [main], [figure.dataset.homogeneous]);
  against.addEventListener("change", choose);
  curtain.addEventListener("input", draw);
  main.addHandler("viewport-change", draw);
  main.addHandler("resize", draw);
  side.addEventListener("change", () => {
    part("beside").hidden = !side.checked;
    curtain.hidden = side.checked;
    choose();
  });
  follow([main, beside]);
  offerZoom(figure, main, lead);
}

async function compare(figure) {
  const elements = [...figure.querySelectorAll("[data-layer]")];
  const viewers = elements.map(view);
  const [main] = viewers;
  const lead = () => ["leads", "viewport-change"].forEach((event) => main.raiseEvent(event));
  follow(viewers);
  offerZoom(figure, main, lead);
  const images = await Promise.all(viewers.map((viewer, index) => layer(viewer, elements[index].dataset.layer, 0, 1)));
  const [image] = images;
  const { right, down } = figure.dataset;
  if (right) lookAt(figure, viewers, images, Number(right), Number(down), lead);
  lead();
  const strength = figure.querySelector('[data-part="strength"]');
  const maps = await Promise.all(viewers.map((viewer, index) => {
    const { map } = elements[index].dataset;
    return map && layer(viewer, map, 1, 0);
  }));
  strength?.addEventListener("input", () => maps.forEach((map) => map?.setOpacity(Number(strength.value))));
  outline(figure, viewers, elements.map((element) => element.dataset.homogeneous));
  chooseRegion(figure, viewers, images);
  figure.dataset.ready = "yes";
}

// A place, given in shares of the sides, is marked in all views, and gone to: at 1:1, or larger where the picture is small.
function lookAt(figure, viewers, images, right, down, lead) {
  const [main] = viewers;
  const [image] = images;
  const { x, y } = image.getContentSize();
  const across = Math.max(x, y) / MARKED;
  const center = image.imageToViewportCoordinates(x * right, y * down);
  viewers.forEach((viewer, index) => {
    const element = document.createElement("div");
    element.className = "mark";
    const location = images[index].imageToViewportRectangle(x * right - across / 2, y * down - across / 2, across, across);
    viewer.addOverlay({ element, location });
  });
  const go = (closer, atOnce) => {
    const { viewport } = main;
    const least = viewport.getHomeZoom();
    viewport.zoomTo(Math.max(image.imageToViewportZoom(1), least * closer), null, atOnce);
    viewport.panTo(center, atOnce);
    viewport.applyConstraints(atOnce);
  };
  go(1, true);
  figure.querySelector('[data-part="place"]').addEventListener("click", () => { lead(); go(3, false); });
}

// A layer that is fetched when it is first asked for: it takes a moment to find.
function outline(figure, viewers, sources) {
  const box = figure.querySelector('[data-part="homogeneous"]');
  let drawn;
  box?.addEventListener("change", async () => {
    drawn ??= Promise.all(viewers.map((viewer, index) => layer(viewer, sources[index], 9, 0)));
    (await drawn).forEach((each) => each.setOpacity(box.checked ? 1 : 0));
    figure.dataset.outlined = box.checked;
  });
}

// A rectangle, dragged in any view, typed, or what is seen; it is drawn in all of them.
function chooseRegion(figure, viewers, images) {
  const form = figure.querySelector("[data-region]");
  if (!form) return;
  const part = (name) => form.querySelector(`[data-part="${name}"]`);
  const fields = ["left", "top", "width", "height"].map((name) => form.elements.namedItem(name));
  const marks = viewers.map(() => undefined);

  const draw = () => {
    const rectangle = fields.map((field) => Number(field.value));
    images.forEach((image, index) => {
      const location = image.imageToViewportRectangle(...rectangle);
      if (marks[index]) { viewers[index].updateOverlay(marks[index], location); return; }
      const element = document.createElement("div");
      element.className = "mark";
      marks[index] = element;
      viewers[index].addOverlay({ element, location });
    });
  };
  const choose = (first, second) => {
    const { x, y } = images[0].getContentSize();
    const ends = [[first.x, second.x, x], [first.y, second.y, y]].map(([one, other, most]) => (
      [Math.min(one, other), Math.max(one, other)].map((end) => Math.round(Math.min(Math.max(end, 0), most)))));
    const values = [ends[0][0], ends[1][0], ends[0][1] - ends[0][0], ends[1][1] - ends[1][0]];
    fields.forEach((field, index) => { field.value = values[index]; });
    draw();
  };

  viewers.forEach((viewer, index) => {
    const at = ({ position }) => images[index].viewerElementToImageCoordinates(position);
    let begun;
    let moved;
    viewer.addHandler("canvas-press", (event) => { [begun, moved] = [part("choosing").checked && at(event), false]; });
    viewer.addHandler("canvas-drag", (event) => {
      if (!begun) return;
      event.preventDefaultAction = true;
      moved = true;
      choose(begun, at(event));
    });
    viewer.addHandler("canvas-drag-end", (event) => { event.preventDefaultAction = part("choosing").checked; });
    viewer.addHandler("canvas-release", () => { if (begun && moved) form.requestSubmit(); begun = undefined; });
  });
  part("seen").addEventListener("click", () => {
    const seen = images[0].viewportToImageRectangle(viewers[0].viewport.getBounds(true));
    choose(seen.getTopLeft(), seen.getBottomRight());
    form.requestSubmit();
  });
  fields.forEach((field) => field.addEventListener("change", draw));
}

async function mend(figure) {
  const part = (name) => figure.querySelector(`[data-part="${name}"]`);
  const place = figure.dataset.mend;
  const viewer = view(part("view"));
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = svg.appendChild(document.createElementNS(svg.namespaceURI, "polyline"));
  let map, points;

  const show = async (version, replace) => {
    const image = await layer(viewer, `${place}/${version}/fused.dzi`, 0, 1, replace);
    map = await layer(viewer, `${place}/${version}/map.dzi`, 1, Number(part("strength").value), replace);
    figure.dataset.ready = version;
    return image;
  };
  const send = async (what, body) => {
    const answer = await fetch(`${place}/${what}`, { method: "POST", headers: { "HX-Request": "true" }, body });
    if (!answer.ok) { part("refused").innerHTML = await answer.text(); return; }
    const { version, done, undone } = await answer.json();
    part("refused").replaceChildren();
    part("undo").disabled = !done;
    part("redo").disabled = !undone;
    await show(version, true);
  };
  const paint = async () => {
    const [size, softness, frame] = ["size", "softness", "frame"].map((name) => Number(part(name).value));
    const stroke = { points, size, softness, frame, even: part("even").checked };
    points = undefined;
    await send("paint", JSON.stringify(stroke));
    if (!points) line.removeAttribute("points");
  };

  const image = await show(figure.dataset.version, false);
  const { x, y } = image.getContentSize();
  svg.setAttribute("viewBox", `0 0 ${x} ${y}`);
  svg.classList.add("stroke");
  viewer.addOverlay({ element: svg, location: image.getBounds() });
  const at = ({ position }) => {
    const found = image.viewerElementToImageCoordinates(position);
    return [found.x, found.y];
  };
  viewer.addHandler("canvas-press", (event) => {
    if (!part("painting").checked) return;
    points = [at(event)];
    line.setAttribute("stroke-width", part("size").value);
  });
  viewer.addHandler("canvas-drag", (event) => {
    if (!points) return;
    event.preventDefaultAction = true;
    points.push(at(event));
    line.setAttribute("points", points.join(" "));
  });
  viewer.addHandler("canvas-drag-end", (event) => { event.preventDefaultAction = part("painting").checked; });
  viewer.addHandler("canvas-double-click", (event) => { event.preventDefaultAction = part("painting").checked; });
  viewer.addHandler("canvas-release", () => { if (points) paint(); });
  part("dab").addEventListener("click", () => {
    const middle = image.viewportToImageCoordinates(viewer.viewport.getCenter(true));
    points = [[middle.x, middle.y]];
    paint();
  });
  for (const what of ["undo", "redo"]) part(what).addEventListener("click", () => send(what));
  part("strength").addEventListener("input", () => map.setOpacity(Number(part("strength").value)));
  offerZoom(figure, viewer, () => {});
}

function offerZoom(figure, viewer, lead) {
  figure.querySelectorAll("[data-zoom]").forEach((button) => button.addEventListener("click", () => {
    lead();
    zoom(viewer, button.dataset.zoom);
  }));
}

function view(element) {
  const viewer = OpenSeadragon({
    element, drawer: "canvas", showNavigationControl: false, maxZoomPixelRatio: 16, minZoomImageRatio: 0.1, visibilityRatio: 1,
    animationTime: 0.4, gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
  });
  viewer.addHandler("zoom", () => {
    const image = viewer.world.getItemAt(0);
    if (image) viewer.drawer.setImageSmoothingEnabled(image.viewportToImageZoom(viewer.viewport.getZoom()) < 1);
  });
  return viewer;
}

function layer(viewer, tileSource, index, opacity, replace = false) {
  return new Promise((success, error) => viewer.addTiledImage({
    tileSource, index, opacity, replace, success: ({ item }) => success(item), error,
  }));
}

// Whoever is touched leads; the others are where it is.
function follow(viewers) {
  let leader = viewers[0];
  for (const viewer of viewers) {
    for (const touched of ["canvas-enter", "canvas-press", "canvas-key", "leads"]) {
      viewer.addHandler(touched, () => { leader = viewer; });
    }
    viewer.addHandler("viewport-change", () => {
      if (viewer === leader) viewers.forEach((each) => place(each, leader));
    });
  }
}

function place(viewer, leader) {
  if (viewer === leader || !viewer.world.getItemCount()) return;
  viewer.viewport.zoomTo(leader.viewport.getZoom(true), null, true);
  viewer.viewport.panTo(leader.viewport.getCenter(true), true);
}

function zoom(viewer, how) {
  const { viewport } = viewer;
  if (how === "in") viewport.zoomBy(1.5);
  if (how === "out") viewport.zoomBy(1 / 1.5);
  if (how === "pixels") {
    viewport.zoomTo(viewer.world.getItemAt(0).imageToViewportZoom(1));
    viewport.applyConstraints();
  }
  if (how === "all") viewport.goHome();
}
