// Tables of the benchmark of models, and the ratios that matter.

const GROUPS = {
  flower: "A classifier, one row of four numbers",
  patient: "A regression that MLflow saved, one row of ten columns",
  picture: "A picture of 3 x 224 x 224 numbers",
};

/** @param servers with `ways`, their results by the count of connections; `starts` in ms, `memory` in MB */
export function printModels(servers, connections) {
  for (const [group, title] of Object.entries(GROUPS)) {
    const rows = servers.flatMap((server) =>
      server.ways.filter((way) => way.group === group && server.url !== undefined).map((way) => ({ server, way })),
    );
    if (rows.length === 0) continue;
    console.log(`${title}\n`);
    const heads = connections.map((count) => `req/s, ${count} | p50, ms | p99, ms |`);
    console.log(`| server | way | ${heads.join(" ")}`);
    console.log(`| --- | --- |${" --- | --- | --- |".repeat(connections.length)}`);
    for (const { server, way } of rows) {
      const cells = connections.map((count) => {
        const results = way.results[count];
        const middle = (name) => median(results.map((result) => result[name]));
        return `${Math.round(middle("perSecond")).toLocaleString("en")} | ${middle("p50").toFixed(2)} | ${middle("p99").toFixed(2)}`;
      });
      console.log(`| ${server.name} | ${way.name} | ${cells.join(" | ")} |`);
    }
    console.log("");
  }
  console.log("| server | first answer, ms | memory after the load, MB | failed requests |\n| --- | --- | --- | --- |");
  for (const { name, starts, memory, ways, url } of servers) {
    if (url === undefined) continue;
    const all = ways.flatMap(({ results }) => Object.values(results).flat());
    const failed = all.reduce((sum, result) => sum + result.failed, 0);
    console.log(`| ${name} | ${Math.round(median(starts))} | ${memory.toFixed(0)} | ${failed} |`);
  }
  console.log("");
  printRatios(servers);
}

function printRatios(servers) {
  const find = (server, group, name) =>
    servers
      .find((each) => each.name.startsWith(server) && each.url !== undefined)
      ?.ways.find((way) => way.group === group && way.name.endsWith(name));
  const ratio = (text, mine, theirs, count) => {
    if (mine === undefined || theirs === undefined) return;
    const each = mine.results[count]
      .map((result, round) => result.perSecond / theirs.results[count][round].perSecond)
      .filter(Number.isFinite);
    const said =
      each.length === 0 ? "not to be told, for one has answered nothing" : `${median(each).toFixed(2)} times`;
    console.log(`${text}, ${count} connections: ${said}`);
  };
  const iris = find("scorefn, iris", "flower", "/v2, JSON");
  const picture = (name) => find("scorefn, picture", "picture", name);
  for (const count of [1, 32]) {
    ratio("ONNX over /v2, JSON, to MLServer", iris, find("MLServer", "flower", "JSON"), count);
    ratio(
      "ONNX on /score to LitServe",
      find("scorefn, iris", "flower", "/score"),
      find("LitServe", "flower", "/score"),
      count,
    );
    ratio("A picture in binary to JSON", picture("/v2, binary"), picture("/v2, JSON"), count);
    const invocations = find("scorefn, MLflow", "patient", "/invocations");
    ratio(
      "The MLflow folder to mlflow models serve",
      invocations,
      find("mlflow models", "patient", "/invocations"),
      count,
    );
    ratio(
      "The MLflow folder over /v2 to MLServer",
      find("scorefn, MLflow", "patient", "JSON"),
      find("MLServer", "patient", "JSON"),
      count,
    );
  }
  const byHand = find("script by hand, iris", "flower", "JSON");
  if (iris === undefined || byHand === undefined) return;
  const extra = iris.results[1].map(
    (result, round) => 1e6 / result.perSecond - 1e6 / byHand.results[1][round].perSecond,
  );
  console.log(`The protocol above a script by hand, 1 connection: ${median(extra).toFixed(0)} us more per request`);
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
