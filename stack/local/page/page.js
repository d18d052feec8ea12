// The page: which dashboard, which series, which time, and how often it is drawn again.

import { element } from "./chart.js";
import { KNOWN, answer, make } from "./panels.js";
import { ask } from "./prometheus.js";

const RANGES = { "Last 5 minutes": 300, "Last 15 minutes": 900, "Last 30 minutes": 1800, "Last hour": 3600, "Last 3 hours": 10800, "Last 6 hours": 21600 };
const REFRESHES = { Off: 0, "5 s": 5, "10 s": 10, "30 s": 30, "1 min": 60 };
const ALL = "$__all";

const find = (id) => document.getElementById(id);
const settings = new URLSearchParams(location.hash.slice(1));
let panels = [];
let dashboard = null;
let scrapeInterval = 5;
let timer = null;
let updating = false;
let again = false;

function remember(name, value) {
  settings.set(name, value);
  history.replaceState(null, "", `#${settings}`);
}

function choose(select, options, wanted) {
  select.replaceChildren(...Object.entries(options).map(([text, value]) => element("option", { value }, text)));
  const values = Object.values(options).map(String);
  select.value = values.includes(String(wanted)) ? wanted : values[0];
}

/** The value of each variable, as it stands in a query. */
function variables() {
  const values = { datasource: "prometheus" };
  for (const variable of dashboard.templating?.list ?? []) {
    const select = find(`variable-${variable.name}`);
    if (!select) continue;
    const regex = (value) => value.replace(/[.*+?^${}()|[\]\\]/g, "\\\\$&");
    values[variable.name] = select.value === ALL ? (variable.allValue ?? ".*")
      : variable.multi ? regex(select.value) : select.value;
  }
  return values;
}

function context() {
  const end = Date.now() / 1000;
  return { variables: variables(), scrapeInterval, range: { start: end - Number(find("range").value), end } };
}

/** The values of `label_values(metric, label)` and `label_values(label)`. */
async function valuesOf(query, values) {
  const text = (query?.query ?? query ?? "").replace(/\$\{?(\w+)\}?/g, (whole, name) => values[name] ?? whole);
  const [, , selector, label] = text.match(/^label_values\(((.+),\s*)?([^,]+)\)$/s)?.map((part) => part?.trim()) ?? [];
  if (!label) throw new Error(`The variable's query is not understood here: ${text}`);
  return ask(`label/${encodeURIComponent(label)}/values`, selector ? { "match[]": selector } : {});
}

async function fillVariables() {
  for (const variable of dashboard.templating?.list ?? []) {
    const select = find(`variable-${variable.name}`);
    if (!select || variable.type === "datasource") continue;
    let found = [];
    if (variable.type === "query") {
      try {
        found = await valuesOf(variable.query, variables());
      } catch (error) {
        status(`${variable.name}: ${error.message}`, true);
      }
    } else found = String(variable.query ?? "").split(",").map((value) => value.trim()).filter(Boolean);
    const options = Object.fromEntries(found.map((value) => [value, value]));
    const wanted = settings.get(`var-${variable.name}`) ?? select.value;
    if (wanted && wanted !== ALL && !found.includes(wanted)) options[`${wanted} (no series)`] = wanted;
    choose(select, variable.includeAll ? { All: ALL, ...options } : options, wanted);
  }
}

function showVariables() {
  find("variables").replaceChildren(...(dashboard.templating?.list ?? []).filter((variable) => variable.hide !== 2).map((variable) => {
    const select = element("select", { id: `variable-${variable.name}`, onchange: () => {
      remember(`var-${variable.name}`, select.value);
      update();
    } });
    if (variable.type === "datasource") choose(select, { Prometheus: "prometheus" });
    return element("label", {}, `${variable.label ?? variable.name} `, select);
  }));
}

function showPanels() {
  const made = dashboard.panels.flatMap((panel) => [panel, ...(panel.collapsed ? panel.panels ?? [] : [])]);
  panels = [];
  const shown = made.map((panel) => {
    if (panel.type === "row") return element("h2", { class: "row" }, panel.title);
    const one = make(panel, explore);
    panels.push(one);
    return one.element;
  });
  find("panels").replaceChildren(...shown);
}

async function showAlerts() {
  const { alerts } = await ask("alerts");
  const firing = alerts.filter((alert) => alert.state === "firing");
  const pending = alerts.length - firing.length;
  find("alerts").hidden = !alerts.length;
  find("alerts").replaceChildren(
    ...firing.map((alert) => element("p", {}, element("strong", {}, alert.labels.alertname), " fires. ", alert.annotations.summary ?? alert.annotations.description ?? "")),
    ...(pending ? [element("p", {}, `${pending} pending.`)] : []));
}

/** A sentence for each target that is down; where a learner's service may be is no problem. */
async function showTargets() {
  const { activeTargets } = await ask("targets");
  return activeTargets
    .filter((target) => target.health === "down" && !(activeTargets.length > 1 && target.labels.job === "your-service"))
    .map((target) => `${target.labels.job} is down: ${target.lastError}`);
}

/** Asks all queries again. One at a time: a slow answer is not overtaken. */
async function update() {
  if (!dashboard) return;
  if (updating) {
    again = true;
    return;
  }
  updating = true;
  clearTimeout(timer);
  try {
    await fillVariables();
    const now = context();
    const [down] = await Promise.all([showTargets(), showAlerts(), ...panels.map((panel) => panel.update(now))]);
    const problems = [...fileErrors, ...down];
    status([`${new Date().toLocaleTimeString()}: ${panels.length} panels`, ...problems].join(" · "), problems.length > 0);
  } catch (error) {
    status(error.message, true);
  }
  updating = false;
  if (again) {
    again = false;
    return update();
  }
  const seconds = Number(find("refresh").value);
  if (seconds) timer = setTimeout(() => (document.hidden ? later() : update()), seconds * 1000);
}

/** A page that nobody sees asks nothing. */
function later() {
  document.addEventListener("visibilitychange", () => update(), { once: true });
}

function status(text, wrong = false) {
  find("status").textContent = text;
  find("status").classList.toggle("wrong", wrong);
}

function explore(queries) {
  choose(find("queries"), Object.fromEntries((queries ?? []).map((query, index) => [`Query ${index + 1}`, query])));
  find("queries").parentElement.hidden = (queries?.length ?? 0) < 2;
  find("query").value = queries?.[0] ?? find("query").value;
  find("explorer").showModal();
  find("query").focus();
  if (find("query").value.trim()) run();
}

function run() {
  return answer(find("answer"), find("query").value, context());
}

let fileErrors = [];

async function show(uid) {
  const response = await fetch("dashboards");
  if (!response.ok) throw new Error(await response.text());
  const { dashboards, errors } = await response.json();
  fileErrors = errors;
  choose(find("dashboard"), Object.fromEntries(dashboards.map((one) => [one.title, one.uid])), uid);
  dashboard = dashboards.find((one) => one.uid === find("dashboard").value);
  if (!dashboard) {
    status(["There is no dashboard in stack/grafana/dashboards.", ...errors].join(" · "), true);
    return;
  }
  document.title = `${dashboard.title} · Metrics Workbook`;
  const unknown = dashboard.panels.map((panel) => panel.type).filter((type) => !KNOWN.includes(type));
  if (unknown.length) console.warn("Panels that this page does not draw:", unknown);
  showVariables();
  showPanels();
  await update();
}

async function start() {
  const theme = localStorage.getItem("theme");
  if (theme) document.documentElement.dataset.theme = theme;
  choose(find("range"), RANGES, settings.get("range") ?? 900);
  choose(find("refresh"), REFRESHES, settings.get("refresh") ?? 5);
  for (const id of ["range", "refresh"]) {
    find(id).addEventListener("change", () => {
      remember(id, find(id).value);
      update();
    });
  }
  find("dashboard").addEventListener("change", () => {
    remember("dashboard", find("dashboard").value);
    show(find("dashboard").value).catch((error) => status(error.message, true));
  });
  find("queries").addEventListener("change", () => {
    find("query").value = find("queries").value;
    run();
  });
  find("explore").addEventListener("click", () => explore());
  find("run").addEventListener("click", run);
  find("query").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
  });
  find("theme").addEventListener("click", () => {
    const light = matchMedia("(prefers-color-scheme: light)").matches;
    const now = document.documentElement.dataset.theme ?? (light ? "light" : "dark");
    document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
    localStorage.setItem("theme", document.documentElement.dataset.theme);
  });
  let waiting = null;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(update, 200);
  });
  const { scrape_interval: seconds } = await (await fetch("settings")).json();
  scrapeInterval = seconds;
  await show(settings.get("dashboard"));
}

start().catch((error) => status(error.message, true));
