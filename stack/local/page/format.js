// Numbers and times as a reader wants them.

const SI = ["", " K", " Mil", " Bil", " Tri"];
const IEC = [" B", " KiB", " MiB", " GiB", " TiB", " PiB"];
const DECIMAL = [" B", " kB", " MB", " GB", " TB", " PB"];

function scaled(value, base, names, decimals) {
  let index = 0;
  while (Math.abs(value) >= base && index < names.length - 1) {
    value /= base;
    index += 1;
  }
  return digits(value, decimals) + names[index];
}

/** So many decimals or, where none are asked for, about three digits that matter. */
function digits(value, decimals) {
  if (decimals !== undefined && decimals !== null) return value.toFixed(decimals);
  if (value === 0) return "0";
  const places = Math.max(0, Math.min(6, 2 - Math.floor(Math.log10(Math.abs(value)))));
  return String(Number(value.toFixed(places)));
}

function seconds(value, decimals) {
  const size = Math.abs(value);
  if (size === 0) return "0 s";
  if (size < 1e-3) return `${digits(value * 1e6, decimals)} µs`;
  if (size < 1) return `${digits(value * 1e3, decimals)} ms`;
  if (size < 60) return `${digits(value, decimals)} s`;
  if (size < 3600) return `${digits(value / 60, decimals)} min`;
  if (size < 86400) return `${digits(value / 3600, decimals)} h`;
  return `${digits(value / 86400, decimals)} d`;
}

const UNITS = {
  none: digits,
  short: (value, decimals) => scaled(value, 1000, SI, decimals),
  percentunit: (value, decimals) => `${digits(value * 100, decimals)}%`,
  percent: (value, decimals) => `${digits(value, decimals)}%`,
  s: seconds,
  ms: (value, decimals) => seconds(value / 1000, decimals),
  dtdurations: seconds,
  bytes: (value, decimals) => scaled(value, 1024, IEC, decimals),
  decbytes: (value, decimals) => scaled(value, 1000, DECIMAL, decimals),
  Bps: (value, decimals) => `${scaled(value, 1000, DECIMAL, decimals)}/s`,
  binBps: (value, decimals) => `${scaled(value, 1024, IEC, decimals)}/s`,
  reqps: (value, decimals) => `${scaled(value, 1000, SI, decimals)} req/s`,
  reqpm: (value, decimals) => `${scaled(value, 1000, SI, decimals)} req/min`,
  ops: (value, decimals) => `${scaled(value, 1000, SI, decimals)} ops/s`,
  cps: (value, decimals) => `${scaled(value, 1000, SI, decimals)} c/s`,
  currencyUSD: (value, decimals) => `$${digits(value, decimals ?? 2)}`,
  dateTimeAsIso: (value) => new Date(value).toISOString(),
};

/** A value in a unit of Grafana's; units that are not known stand after the number. */
export function value(number, unit = "none", decimals) {
  if (number === null || number === undefined || Number.isNaN(number)) return "–";
  if (!Number.isFinite(number)) return number > 0 ? "+Inf" : "-Inf";
  const known = UNITS[unit];
  if (known) return known(number, decimals);
  const [, prefix, suffix] = unit.match(/^(?:(prefix):|suffix:)?(.*)$/) ?? [];
  return prefix ? `${suffix}${digits(number, decimals)}` : `${digits(number, decimals)} ${suffix}`;
}

/** A time of day, with seconds where the range is short. */
export function time(unixSeconds, range) {
  const date = new Date(unixSeconds * 1000);
  const two = (number) => String(number).padStart(2, "0");
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return range < 900 ? `${clock}:${two(date.getSeconds())}` : clock;
}

/** Seconds as Prometheus writes a duration. */
export const duration = (number) => `${Math.max(1, Math.round(number))}s`;

/** Round numbers from low to high, about so many; of bytes, round in their own unit. */
export function ticks(low, high, about, unit) {
  if (["bytes", "binBps"].includes(unit)) {
    const scale = 1024 ** Math.max(0, Math.floor(Math.log2(Math.max(Math.abs(high), 1)) / 10));
    return ticks(low / scale, high / scale, about).map((tick) => tick * scale);
  }
  const span = high - low || Math.abs(high) || 1;
  const rough = span / Math.max(1, about);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
  const found = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-6; tick += step) {
    found.push(Math.abs(tick) < step * 1e-9 ? 0 : tick);
  }
  return found;
}
