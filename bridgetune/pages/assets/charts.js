// Hands each chart's numbers, which stand beside it as JSON, to uPlot; charts of one figure share the pointer.
for (const place of document.querySelectorAll(".chart")) {
  const panels = JSON.parse(place.querySelector("script").textContent);
  const cursor = { sync: { key: place.id } };
  place.classList.toggle("many", panels.length > 3);
  const boxes = panels.map(() => place.appendChild(document.createElement("div")));
  const drawn = panels.map((panel, at) => {
    const box = boxes[at];
    const number = (value) => (value == null ? "–" : `${+value.toPrecision(4)}${panel.unit}`);
    const named = (value) => panel.names[value] ?? (panel.names.length ? "" : value?.toLocaleString("en") ?? "–");
    const below = { label: panel.across, ...(panel.names.length ? { values: (u, ticks) => ticks.map(named) } : {}) };
    const options = {
      title: panel.title,
      width: box.clientWidth,
      height: 280,
      cursor,
      scales: { x: { time: false }, y: { distr: panel.logarithmic ? 3 : 1 } },
      axes: [below, { label: panel.up, size: 64, values: (u, ticks) => ticks.map((v) => (v == null ? "" : number(v))) }],
      series: [
        { label: panel.across, value: (u, value) => named(value) },
        ...panel.lines.map((line) => ({ ...line, spanGaps: true, value: (u, value) => number(value) })),
      ],
    };
    return new uPlot(options, panel.numbers, box);
  });
  addEventListener("resize", () => drawn.forEach((one, at) => one.setSize({ width: boxes[at].clientWidth, height: 280 })));
}
