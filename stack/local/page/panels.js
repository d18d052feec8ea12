// The panels of a dashboard, each drawn from the answers to its queries.

import * as chart from "./chart.js";
import { element } from "./chart.js";
import * as format from "./format.js";
import * as prometheus from "./prometheus.js";

const CALCS = {
  last: (values) => values.at(-1),
  lastNotNull: (values) => values.findLast((value) => !Number.isNaN(value)),
  first: (values) => values[0],
  firstNotNull: (values) => values.find((value) => !Number.isNaN(value)),
  mean: (values) => values.length && values.reduce((sum, value) => sum + value, 0) / values.length,
  min: (values) => Math.min(...values),
  max: (values) => Math.max(...values),
  sum: (values) => values.reduce((sum, value) => sum + value, 0),
  total: (values) => values.reduce((sum, value) => sum + value, 0),
  count: (values) => values.length,
  range: (values) => Math.max(...values) - Math.min(...values),
  delta: (values) => values.at(-1) - values[0],
};
const CALC_NAMES = { lastNotNull: "last", firstNotNull: "first", mean: "mean", min: "min", max: "max", sum: "total" };

function calc(name, points) {
  const values = points.map((point) => point[3] ?? point[1]).filter((value) => Number.isFinite(value));
  return values.length ? (CALCS[name] ?? CALCS.lastNotNull)(values) : undefined;
}

/** The steps of a range: about one for each pixel, as Grafana takes them. */
export function stepsOf({ start, end }, width, scrapeInterval) {
  const wanted = (end - start) / Math.max(60, width);
  const round = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 21600, 86400];
  const step = Math.max(scrapeInterval, round.find((one) => one >= wanted) ?? 86400);
  return { start: Math.floor(start / step) * step, end: Math.floor(end / step) * step, step };
}

/** A query with the variables' values in their places. */
export function filled(query, variables, times, scrapeInterval) {
  const range = times.end - times.start;
  const builtIn = {
    __interval: format.duration(times.step),
    __interval_ms: String(times.step * 1000),
    __rate_interval: format.duration(Math.max(times.step + scrapeInterval, 4 * scrapeInterval)),
    __range: format.duration(range),
    __range_s: String(Math.round(range)),
    __range_ms: String(Math.round(range * 1000)),
  };
  const value = (name) => builtIn[name] ?? variables[name];
  return query.replace(/\$\{(\w+)(?::\w+)?\}|\$(\w+)/g, (whole, braced, bare) => value(braced ?? bare) ?? whole);
}

/** What a panel shows, as one list of series: `{name, color, labels, points}`. */
async function seriesOf(panel, context, times) {
  const targets = (panel.targets ?? []).filter((target) => !target.hide && target.expr);
  const answers = await Promise.all(targets.map(async (target) => {
    const query = filled(target.expr, context.variables, times, context.scrapeInterval);
    const found = target.instant && !target.range
      ? await prometheus.instant(query, times.end)
      : await prometheus.range(query, times);
    return found.map((one) => ({ ...one, name: prometheus.nameOf(one.labels, target.legendFormat) }));
  }));
  const series = answers.flat();
  if (panel.type !== "table" && panel.type !== "heatmap") {
    series.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
  }
  return series.map((one, index) => ({ ...one, color: overridden(panel, one.name) ?? chart.color(index) }));
}

/** The color that the panel gives this series by name. */
function overridden(panel, name) {
  for (const { matcher, properties } of panel.fieldConfig?.overrides ?? []) {
    const matches = matcher.id === "byName" ? matcher.options === name
      : matcher.id === "byRegexp" && new RegExp(String(matcher.options).replace(/^\/|\/$/g, "")).test(name);
    const fixed = matches && properties.find((property) => property.id === "color");
    if (fixed?.value?.fixedColor) return chart.named(fixed.value.fixedColor);
  }
  return null;
}

function optionsOf(panel) {
  const { defaults = {} } = panel.fieldConfig ?? {};
  const custom = defaults.custom ?? {};
  const marked = custom.thresholdsStyle && custom.thresholdsStyle.mode !== "off";
  return {
    unit: defaults.unit, decimals: defaults.decimals, min: defaults.min, max: defaults.max,
    steps: defaults.thresholds?.steps,
    thresholds: marked ? defaults.thresholds?.steps : [],
    stacked: custom.stacking?.mode === "normal",
    bars: custom.drawStyle === "bars",
    fill: custom.fillOpacity, lineWidth: custom.lineWidth,
  };
}

function legend(panel, series, options) {
  const wanted = panel.options?.legend;
  if (wanted?.showLegend === false) return null;
  const calcs = wanted?.calcs ?? [];
  const rows = series.map((one) => element("tr", {},
    element("td", {}, chart.key(one.color), one.name),
    ...calcs.map((name) => element("td", { class: "number" },
      format.value(calc(name, one.points), options.unit, options.decimals)))));
  const head = calcs.length
    ? [element("tr", {}, element("th", {}, ""), ...calcs.map((name) => element("th", { class: "number" }, CALC_NAMES[name] ?? name)))]
    : [];
  return element("div", { class: `legend ${wanted?.placement ?? "bottom"}` }, element("table", {}, ...head, ...rows));
}

const DRAW = {
  timeseries(body, panel, series, options, times) {
    const host = element("div", { class: "chart" });
    const scrolled = body.querySelector(".legend")?.scrollTop ?? 0;
    body.replaceChildren(...[host, legend(panel, series, options)].filter(Boolean));
    const shown = body.querySelector(".legend");
    if (shown) shown.scrollTop = scrolled;
    chart.overTime(host, series, options, times);
  },

  stat(body, panel, series, options) {
    const name = panel.options?.reduceOptions?.calcs?.[0];
    const shown = series.map((one) => {
      const value = calc(name, one.points);
      const made = element("div", { class: "stat" }, format.value(value, options.unit, options.decimals),
        series.length > 1 ? element("small", {}, one.name) : null);
      const shade = options.steps?.length > 1 && chart.threshold(options.steps, value);
      if (shade) made.style.color = shade;
      return made;
    });
    body.replaceChildren(element("div", { class: "many" }, ...shown));
  },

  gauge(body, panel, series, options) {
    const name = panel.options?.reduceOptions?.calcs?.[0];
    const hosts = series.map((one) => {
      const value = calc(name, one.points);
      const host = element("div", { class: "chart" });
      const percent = options.unit === "percentunit" ? 1 : 100;
      chart.gauge(host, {
        value, low: options.min ?? 0, high: options.max ?? percent,
        shade: chart.threshold(options.steps, value) ?? "var(--accent)",
        text: format.value(value, options.unit, options.decimals),
      });
      return element("div", { class: "chart" }, host, element("small", {}, series.length > 1 ? one.name : ""));
    });
    body.replaceChildren(element("div", { class: "many" }, ...hosts));
  },

  bargauge(body, panel, series, options) {
    const name = panel.options?.reduceOptions?.calcs?.[0];
    const values = series.map((one) => calc(name, one.points));
    const most = options.max ?? Math.max(...values.filter(Number.isFinite), 0);
    const bars = series.map((one, index) => {
      const full = element("div");
      full.style.width = `${Math.min(100, Math.max(0, (values[index] / (most || 1)) * 100))}%`;
      full.style.height = "100%";
      full.style.background = chart.threshold(options.steps, values[index]) ?? "var(--accent)";
      return element("div", { class: "bar" }, element("span", {}, one.name), element("div", {}, full),
        element("span", {}, format.value(values[index], options.unit, options.decimals)));
    });
    body.replaceChildren(...bars);
  },

  piechart(body, panel, series, options) {
    const name = panel.options?.reduceOptions?.calcs?.[0];
    const slices = series.map((one) => ({ ...one, value: calc(name, one.points) })).filter((one) => one.value > 0);
    if (!slices.length) return nothing(body, panel);
    slices.sort((one, other) => other.value - one.value);
    const total = slices.reduce((sum, slice) => sum + slice.value, 0);
    const host = element("div", { class: "chart" });
    const rows = slices.map((slice) => element("tr", {},
      element("td", {}, chart.key(slice.color), slice.name),
      element("td", { class: "number" }, format.value(slice.value, options.unit, options.decimals)),
      element("td", { class: "number" }, `${((slice.value / total) * 100).toFixed(0)}%`)));
    body.replaceChildren(element("div", { class: "beside" }, host,
      element("div", { class: "legend right" }, element("table", {}, ...rows))));
    return chart.pie(host, slices, panel.options?.pieType === "donut");
  },

  heatmap(body, panel, series, options, times) {
    const bound = (one) => Number((one.labels.le ?? one.name).replace("+Inf", "Infinity"));
    const rows = [...series].sort((one, other) => bound(one) - bound(other));
    // Buckets that hold the ones below them, as Prometheus stores them, are taken apart.
    const single = panel.options?.calculate ? rows : rows.map((row, index) => {
      const below = new Map(index ? rows[index - 1].points : []);
      return { name: row.labels.le ?? row.name, points: row.points.map(([time, value]) => [time, value - (below.get(time) ?? 0)]) };
    });
    const host = element("div", { class: "chart" });
    body.replaceChildren(host);
    chart.heatmap(host, single, options, times);
  },

  table(body, panel, series, options) {
    const labels = [...new Set(series.flatMap((one) => Object.keys(one.labels)))].filter((name) => name !== "__name__");
    const head = element("tr", {}, ...labels.map((name) => element("th", {}, name)), element("th", { class: "number" }, "Value"));
    const rows = series.map((one) => element("tr", {},
      ...labels.map((name) => element("td", {}, one.labels[name] ?? "")),
      element("td", { class: "number" }, format.value(one.points.at(-1)?.[1], options.unit, options.decimals))));
    body.replaceChildren(element("table", {}, head, ...rows));
  },
};

export const KNOWN = [...Object.keys(DRAW), "text", "row"];

function nothing(body, panel) {
  const text = panel.fieldConfig?.defaults?.noValue
    ?? "No data: no series matches, or there are too few samples yet. `cargo workbook load` makes traffic.";
  body.replaceChildren(element("p", { class: "nothing" }, text));
}

/** Makes a panel; its `update` asks and draws again. */
export function make(panel, explore) {
  const body = element("div", { class: "body" });
  const title = element("span", { title: panel.description ?? "" }, panel.title ?? "");
  const queries = (panel.targets ?? []).filter((target) => target.expr);
  const open = queries.length
    ? element("button", { type: "button", title: "Show the PromQL", "aria-label": `PromQL of ${panel.title}`,
      onclick: () => explore(queries.map((target) => target.expr)) }, "PromQL")
    : null;
  const made = element("section", { class: "panel", "aria-label": panel.title ?? "", "data-type": panel.type },
    element("h2", {}, title, open), body);
  const { x = 0, w = 12, h = 8 } = panel.gridPos ?? {};
  made.style.gridColumn = `${x + 1} / span ${w}`;
  made.style.gridRow = `span ${h}`;

  async function update(context) {
    if (panel.type === "text") {
      body.replaceChildren(element("div", {}, panel.options?.content ?? ""));
      return;
    }
    const draw = DRAW[panel.type];
    if (!draw) {
      body.replaceChildren(element("p", { class: "nothing wrong" }, `This page draws no panel of the type "${panel.type}".`));
      return;
    }
    const times = stepsOf(context.range, body.clientWidth, context.scrapeInterval);
    try {
      const series = await seriesOf(panel, context, times);
      made.dataset.series = series.length;
      if (series.some((one) => one.points.length)) draw(body, panel, series, optionsOf(panel), times);
      else nothing(body, panel);
      delete made.dataset.error;
    } catch (error) {
      made.dataset.error = error.message;
      body.replaceChildren(element("p", { class: "nothing wrong" }, error.message));
    }
  }
  return { element: made, update };
}

let asked = 0;

/** The answer to a query that somebody has typed: a chart and a table of the newest values. */
export async function answer(host, query, context) {
  const filledIn = filled(query, context.variables, stepsOf(context.range, 800, context.scrapeInterval), context.scrapeInterval);
  const times = stepsOf(context.range, 800, context.scrapeInterval);
  host.replaceChildren(element("p", { class: "nothing" }, "Asking …"));
  asked += 1;
  const mine = asked;
  try {
    const found = await prometheus.range(filledIn, times);
    // A newer question has been asked meanwhile.
    if (mine !== asked) return;
    const series = found.slice(0, 100)
      .map((one, index) => ({ ...one, name: prometheus.nameOf(one.labels), color: chart.color(index) }));
    const question = element("p", {}, element("code", {}, filledIn),
      found.length > series.length ? ` ${found.length} series, of which the first 100 are shown.` : "");
    if (!series.length) {
      host.replaceChildren(question, element("p", { class: "nothing" }, "No series: the query can be read, and nothing matches it in this range. Is the name right?"));
      return;
    }
    const drawn = element("div", { class: "chart" });
    const rows = series.map((one) => element("tr", {}, element("td", {}, chart.key(one.color), one.name),
      element("td", { class: "number" }, format.value(one.points.at(-1)[1]))));
    host.replaceChildren(question, drawn, element("table", {}, ...rows));
    chart.overTime(drawn, series, {}, times);
  } catch (error) {
    if (mine === asked) host.replaceChildren(element("p", { class: "wrong" }, error.message));
  }
}
