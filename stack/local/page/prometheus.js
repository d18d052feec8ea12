// Asks the query API of the server that this page comes from.

/** What the API answers; an error has the server's own sentence. */
export async function ask(path, parameters) {
  const url = new URL(`api/v1/${path}`, document.baseURI);
  for (const [name, value] of Object.entries(parameters ?? {})) {
    for (const one of [value].flat()) url.searchParams.append(name, one);
  }
  let response;
  try {
    response = await fetch(url);
  } catch {
    throw new Error("The server of this page does not answer. Is `cargo workbook up` running?");
  }
  const answer = await response.json().catch(() => null);
  if (!answer) throw new Error(`The server answers ${response.status}, and no JSON.`);
  if (answer.status !== "success") throw new Error(answer.error.replace(/^invalid parameter "query": /, ""));
  return answer.data;
}

const number = (text) =>
  text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text);

/** Series `{labels, points: [[seconds, value]]}` of a query over a range. */
export async function range(query, { start, end, step }) {
  const data = await ask("query_range", { query, start, end, step });
  return data.result.map(({ metric, values }) => ({
    labels: metric,
    points: values.map(([time, value]) => [time, number(value)]),
  }));
}

/** The same of a query at one time, each series with one point. */
export async function instant(query, time) {
  const data = await ask("query", { query, time });
  if (data.resultType === "scalar") {
    return [{ labels: {}, points: [[data.result[0], number(data.result[1])]] }];
  }
  if (data.resultType === "string") throw new Error(`The answer is a text: ${data.result[1]}`);
  return data.result.map(({ metric, value, values }) => ({
    labels: metric,
    points: (values ?? [value]).map(([at, text]) => [at, number(text)]),
  }));
}

/** A series' name: the legend that the panel asks for, or its labels. */
export function nameOf(labels, legend) {
  if (legend && legend !== "__auto") {
    return legend.replace(/\{\{\s*([^}\s]+)\s*\}\}/g, (_, label) => labels[label] ?? "");
  }
  const { __name__: name = "", ...others } = labels;
  const pairs = Object.entries(others).map(([label, value]) => `${label}="${value}"`);
  return pairs.length || !name ? `${name}{${pairs.join(", ")}}` : name;
}
