// Allure 3's configuration. A plain object: `allure` itself lives in .venv and cannot be imported from here.
// What differs from run to run is in the JSON file that CHAT_E2E_ALLURE names (reports/allure/config.py writes it).
import { readFileSync } from "node:fs";

const FILE = process.env.CHAT_E2E_ALLURE;
const RUN = {
  environments: [], causes: [], gates: [], performance: undefined, historyPath: null,
  ...(FILE ? JSON.parse(readFileSync(FILE, "utf8")) : {}),
};

const label = (labels, name) => labels.filter((l) => l.name === name).map((l) => l.value);
const INCONCLUSIVE = "Inconclusive: too little was seen";

const CHARTS = [
  { type: "currentStatus", title: "Checks", statuses: ["passed", "failed", "broken", "skipped", "unknown"], metric: "passed" },
  { type: "testResultSeverities", title: "Checks by severity" },
  // Not successRateDistribution: it paints an area red of which nothing could be judged.
  { type: "problemsDistribution", by: "environment", title: "Share of checks that failed or broke, by environment" },
  // Trends say something from the second run on that is in the history.
  ...(RUN.historyPath
    ? [
        { type: "statusDynamics", title: "Checks, run by run" },
        { type: "statusTransitions", title: "Checks that changed, run by run" },
        { type: "durationDynamics", title: "Durations, run by run" },
      ]
    : []),
];

const PAGE = {
  reportName: "Chat sessions",
  reportLanguage: "en",
  theme: "auto",
  singleFile: true, // else it opens from a server only: a browser lets no page read the files beside it
};

export default {
  name: RUN.name || "Chat sessions",
  plugins: {
    awesome: { options: { ...PAGE, groupBy: ["epic", "feature", "story"], charts: CHARTS } },
    dashboard: { options: { ...PAGE, layout: CHARTS } },
  },
  ...(RUN.historyPath
    ? { historyPath: RUN.historyPath, historyLimit: RUN.historyLimit, appendHistory: true }
    : { appendHistory: false }),
  ...(RUN.historyBaseUrl ? { historyBaseUrl: RUN.historyBaseUrl } : {}),
  environments: Object.fromEntries(
    RUN.environments.map((e) => [
      e.id,
      {
        name: e.name,
        variables: e.variables,
        matcher: ({ labels }) => label(labels, "target").includes(e.target) && (!e.browser || label(labels, "browser").includes(e.browser)),
      },
    ]),
  ),
  ...(RUN.performance ? { performance: RUN.performance } : {}),
  qualityGate: { rules: [{ id: "checks", maxFailures: 0, minTestsCount: 1 }, ...RUN.gates.map((rule, n) => ({ id: `figure-${n + 1}`, ...rule }))] },
  categories: [
    ...RUN.causes.map(({ name, layer }) => ({
      id: `cause-${name}`,
      name: name === "unexplained" ? "Unexplained: it fits no known cause" : `Cause: ${name} (${layer})`,
      matchers: ({ status, labels }) => status === "failed" && label(labels, "tag").includes(name),
      groupBy: ["severity"],
      expand: true,
    })),
    { id: "product", name: "Product: the chat is wrong", matchers: [{ statuses: ["failed"] }], groupBy: ["severity"], expand: true },
    { id: "harness", name: "Harness: the suite could not look", matchers: [{ statuses: ["broken"] }], groupByMessage: true, expand: true },
    { id: "known", name: "Known issues: accepted for now", matchers: [{ statuses: ["skipped"], message: /known issue:/i }], groupByMessage: true },
    { id: "inconclusive", name: INCONCLUSIVE, matchers: [{ statuses: ["skipped"], message: /inconclusive:/i }], groupByMessage: true },
  ],
};
