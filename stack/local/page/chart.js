// Draws series as SVG: lines, bars, stacks, pies, gauges and heatmaps.

import * as format from "./format.js";

const PALETTE = [
  "#7eb26d", "#eab839", "#6ed0e0", "#ef843c", "#e24d42", "#1f78c1", "#ba43a9", "#705da0",
  "#508642", "#cca300", "#447ebc", "#c15c17", "#890f02", "#0a437c", "#6d1f62", "#584477",
];
const NAMED = {
  green: "var(--good)", orange: "var(--warn)", red: "var(--bad)", yellow: "#eab839",
  blue: "var(--accent)", purple: "#ba43a9", text: "var(--text)", transparent: "transparent",
};

export const color = (index) => PALETTE[index % PALETTE.length];
export const named = (name) =>
  NAMED[name] ?? NAMED[name?.replace(/^(semi-dark|dark|light|super-light)-/, "")] ?? name ?? "var(--accent)";

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function shape(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** The color that thresholds give a value. */
export function threshold(steps, value) {
  let found = null;
  for (const step of steps ?? []) {
    if (step.value === null || step.value === undefined || value >= step.value) found = step.color;
  }
  return found && named(found);
}

/** Adds up what lies below: each point gets a `from`. */
function stack(series) {
  const below = new Map();
  for (const one of series) {
    one.points = one.points.map(([time, value]) => {
      const from = below.get(time) ?? 0;
      const to = from + (Number.isFinite(value) ? value : 0);
      below.set(time, to);
      return [time, to, from, value];
    });
  }
}

/** Parts of a line that are not broken by missing or unwritable values. */
function parts(points, step) {
  const found = [];
  let part = [];
  let before = null;
  for (const point of points) {
    const gap = before !== null && point[0] - before > step * 1.5;
    if (!Number.isFinite(point[1]) || gap) {
      if (part.length) found.push(part);
      part = [];
    }
    if (Number.isFinite(point[1])) part.push(point);
    before = point[0];
  }
  if (part.length) found.push(part);
  return found;
}

/**
 * Lines or bars over time. `series`: `{name, color, points}`; `options`: unit, decimals, min, max,
 * stacked, bars, fill (0 to 100), lineWidth, thresholds; `times`: start, end, step in seconds.
 */
export function overTime(host, series, options, times) {
  const width = Math.max(120, host.clientWidth);
  const height = Math.max(60, host.clientHeight);
  const box = { left: 64, right: 8, top: 6, bottom: 18 };
  const drawn = series.map((one) => ({ ...one }));
  if (options.stacked) stack(drawn);
  const values = drawn.flatMap((one) => one.points.flatMap((point) => [point[1], point[2]]))
    .filter(Number.isFinite);
  let low = options.min ?? Math.min(...values, options.bars || options.stacked ? 0 : Infinity);
  let high = options.max ?? Math.max(...values);
  if (!Number.isFinite(low)) low = 0;
  if (!Number.isFinite(high) || high <= low) high = low + (Math.abs(low) || 1);
  if (options.max === undefined || options.max === null) high += (high - low) * 0.05;

  const x = (time) =>
    box.left + ((time - times.start) / (times.end - times.start || 1)) * (width - box.left - box.right);
  const y = (value) =>
    height - box.bottom - ((Math.min(high, Math.max(low, value)) - low) / (high - low)) * (height - box.top - box.bottom);

  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  svg.append(shape("title", {}, `${drawn.length} series over time`));
  for (const tick of format.ticks(low, high, height / 45, options.unit)) {
    svg.append(shape("line", { class: "grid", x1: box.left, x2: width - box.right, y1: y(tick), y2: y(tick) }));
    const label = shape("text", { x: box.left - 6, y: y(tick) + 3, "text-anchor": "end" });
    label.textContent = format.value(tick, options.unit, options.decimals);
    svg.append(label);
  }
  const span = times.end - times.start;
  const count = Math.max(2, Math.floor((width - box.left) / 90));
  for (let index = 0; index <= count; index += 1) {
    const at = times.start + (span * index) / count;
    const anchor = index === 0 ? "start" : index === count ? "end" : "middle";
    const label = shape("text", { x: x(at), y: height - 4, "text-anchor": anchor });
    label.textContent = format.time(at, span);
    svg.append(label);
  }
  for (const step of options.thresholds ?? []) {
    if (step.value > low && step.value < high) {
      svg.append(shape("line", {
        x1: box.left, x2: width - box.right, y1: y(step.value), y2: y(step.value),
        stroke: named(step.color), "stroke-dasharray": "6 4",
      }));
    }
  }
  const base = (point) => y(point[2] ?? Math.max(low, 0));
  const barWidth = Math.max(1, x(times.start + times.step) - x(times.start) - 1);
  for (const one of drawn) {
    for (const part of parts(one.points, times.step)) {
      if (options.bars) {
        for (const point of part) {
          svg.append(shape("rect", {
            x: x(point[0]) - barWidth / 2, width: barWidth, fill: one.color, "fill-opacity": 0.7,
            y: Math.min(y(point[1]), base(point)), height: Math.max(0.5, Math.abs(base(point) - y(point[1]))),
          }));
        }
        continue;
      }
      const line = part.map((point) => `${x(point[0]).toFixed(1)},${y(point[1]).toFixed(1)}`);
      if (options.fill) {
        const back = [...part].reverse().map((point) => `${x(point[0]).toFixed(1)},${base(point).toFixed(1)}`);
        svg.append(shape("polygon", {
          points: [...line, ...back].join(" "), fill: one.color, "fill-opacity": options.fill / 100,
        }));
      }
      svg.append(part.length === 1
        ? shape("circle", { cx: x(part[0][0]), cy: y(part[0][1]), r: 2, fill: one.color })
        : shape("polyline", {
          points: line.join(" "), fill: "none", stroke: one.color, "stroke-width": options.lineWidth ?? 1.5,
        }));
    }
  }
  const cursor = shape("line", { class: "grid", y1: box.top, y2: height - box.bottom, visibility: "hidden" });
  svg.append(cursor);
  const point = (fraction, client) => {
    const time = times.start + Math.round((fraction * span) / times.step) * times.step;
    cursor.setAttribute("x1", x(time));
    cursor.setAttribute("x2", x(time));
    cursor.setAttribute("visibility", "visible");
    const rows = drawn.map((one) => {
      const found = one.points.find((candidate) => Math.abs(candidate[0] - time) <= times.step / 2);
      return { name: one.name, color: one.color, value: found && (found[3] ?? found[1]) };
    });
    rows.sort((one, other) => (other.value ?? -Infinity) - (one.value ?? -Infinity));
    tip(client, new Date(time * 1000).toLocaleTimeString(), rows.slice(0, 20), options);
  };
  svg.addEventListener("pointermove", (event) => {
    const bounds = svg.getBoundingClientRect();
    const inner = (event.clientX - bounds.left) / bounds.width * width - box.left;
    point(Math.min(1, Math.max(0, inner / (width - box.left - box.right))), event);
  });
  svg.addEventListener("pointerleave", () => {
    cursor.setAttribute("visibility", "hidden");
    tip(null);
  });
  // What the pointer showed is of the drawing before.
  if (host.closest(".panel")?.matches(":hover")) tip(null);
  host.replaceChildren(svg);
}

/** What is under the pointer; `null` takes it away. */
export function tip(at, head, rows, options) {
  let shown = document.getElementById("tip");
  if (!at) {
    shown?.remove();
    return;
  }
  shown ??= document.body.appendChild(element("div", { id: "tip" }));
  shown.replaceChildren(element("div", {}, head), element("table", {}, ...rows.map((row) => element("tr", {},
    element("td", {}, key(row.color), row.name),
    element("td", { class: "number" }, format.value(row.value, options.unit, options.decimals))))));
  const { width, height } = shown.getBoundingClientRect();
  shown.style.left = `${Math.max(4, Math.min(at.clientX + 14, window.innerWidth - width - 4))}px`;
  shown.style.top = `${Math.max(4, Math.min(at.clientY + 14, window.innerHeight - height - 4))}px`;
}

export function key(shade) {
  const made = element("span", { class: "key" });
  made.style.background = shade;
  return made;
}

/** A pie, or a ring. `slices`: `{name, color, value}`. */
export function pie(host, slices, ring) {
  const total = slices.reduce((sum, slice) => sum + slice.value, 0);
  const svg = shape("svg", { viewBox: "-50 -50 100 100", role: "img" });
  svg.append(shape("title", {}, "Shares"));
  let from = -Math.PI / 2;
  for (const slice of slices) {
    const part = slice.value / total;
    const to = from + part * 2 * Math.PI;
    const at = (angle, radius) => `${(Math.cos(angle) * radius).toFixed(3)} ${(Math.sin(angle) * radius).toFixed(3)}`;
    const inner = ring ? 26 : 0;
    const large = part > 0.5 ? 1 : 0;
    const path = part > 0.9999
      ? `M 0 -46 A 46 46 0 1 1 -0.01 -46 L -0.01 ${-inner} A ${inner} ${inner} 0 1 0 0 ${-inner} Z`
      : `M ${at(from, 46)} A 46 46 0 ${large} 1 ${at(to, 46)} L ${at(to, inner)} A ${inner} ${inner} 0 ${large} 0 ${at(from, inner)} Z`;
    const drawn = shape("path", { d: path, fill: slice.color });
    drawn.append(shape("title", {}, `${slice.name}: ${(part * 100).toFixed(1)}%`));
    svg.append(drawn);
    if (part > 0.06) {
      const middle = (from + to) / 2;
      const label = shape("text", { x: Math.cos(middle) * 36, y: Math.sin(middle) * 36 + 2, "text-anchor": "middle", "font-size": 7 });
      label.textContent = `${Math.round(part * 100)}%`;
      label.style.fill = "#fff";
      label.style.fontSize = "7px";
      svg.append(label);
    }
    from = to;
  }
  host.replaceChildren(svg);
}

/** A half circle that is filled up to the value. */
export function gauge(host, { value, low, high, shade, text }) {
  const part = Math.min(1, Math.max(0, (value - low) / (high - low || 1)));
  const at = (angle) => `${(Math.cos(angle) * 40).toFixed(2)} ${(Math.sin(angle) * 40).toFixed(2)}`;
  const arc = (to, color) => shape("path", {
    d: `M ${at(Math.PI)} A 40 40 0 0 1 ${at(Math.PI * (1 + to))}`,
    fill: "none", stroke: color, "stroke-width": 12,
  });
  const svg = shape("svg", { viewBox: "-50 -50 100 66", role: "img" });
  svg.append(shape("title", {}, text), arc(1, "var(--line)"));
  if (part > 0) svg.append(arc(part, shade));
  const label = shape("text", { x: 0, y: 4, "text-anchor": "middle" });
  label.textContent = text;
  label.style.fontSize = "14px";
  label.style.fill = "var(--text)";
  svg.append(label);
  host.replaceChildren(svg);
}

/** Rows of buckets over time, the fuller the stronger. `rows`: `{name, points}` from low to high. */
export function heatmap(host, rows, options, times) {
  const width = Math.max(120, host.clientWidth);
  const height = Math.max(60, host.clientHeight);
  const left = 64;
  const most = Math.max(...rows.flatMap((row) => row.points.map((point) => point[1])).filter(Number.isFinite), 0);
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  svg.append(shape("title", {}, `${rows.length} buckets over time`));
  const cell = (height - 18) / rows.length;
  const across = ((width - left) * times.step) / (times.end - times.start || 1);
  rows.forEach((row, index) => {
    const top = height - 18 - (index + 1) * cell;
    const label = shape("text", { x: left - 6, y: top + cell / 2 + 3, "text-anchor": "end" });
    label.textContent = row.name;
    if (cell > 9 || index % 2 === 0) svg.append(label);
    for (const [time, value] of row.points) {
      if (!(value > 0)) continue;
      const drawn = shape("rect", {
        x: left + ((time - times.start) / (times.end - times.start || 1)) * (width - left) - across / 2,
        y: top, width: across + 0.5, height: cell + 0.5, fill: "var(--warn)", "fill-opacity": 0.08 + 0.92 * (value / most),
      });
      drawn.append(shape("title", {}, `${row.name} at ${format.time(time, 0)}: ${format.value(value, options.unit)}`));
      svg.append(drawn);
    }
  });
  for (const [at, anchor] of [[times.start, "start"], [times.end, "end"]]) {
    const label = shape("text", { x: anchor === "start" ? left : width, y: height - 4, "text-anchor": anchor });
    label.textContent = format.time(at, times.end - times.start);
    svg.append(label);
  }
  host.replaceChildren(svg);
}
