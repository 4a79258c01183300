// Allure 3's configuration. A plain object: `allure` itself lives in .venv and cannot be imported from here.
// The values of a run are in the JSON file that CHAT_E2E_ALLURE names (reports/allure/config.py writes it).
import { readFileSync } from "node:fs";

const FILE = process.env.CHAT_E2E_ALLURE;
const RUN = {
  environments: [], causes: [], gates: [], performance: undefined, historyPath: null,
  ...(FILE ? JSON.parse(readFileSync(FILE, "utf8")) : {}),
};

const label = (labels, name) => labels.filter((l) => l.name === name).map((l) => l.value);
const INCONCLUSIVE = "Inconclusive: too few observations";

// "Cause: stale-state (frontend state) at src/lib/session.ts:97 endSession. Hint: ..."
const causeTitle = ({ name, layer, where, hint }) =>
  (name === "unexplained" ? "Unexplained: no known cause matches" : `Cause: ${name} (${layer})`) +
  (where ? ` at ${where}` : "") + (hint ? `. Hint: ${hint}` : "");

const CHARTS = [
  { type: "currentStatus", title: RUN.verdict || "Checks", statuses: ["passed", "failed", "broken", "skipped", "unknown"], metric: "passed" },
  { type: "testResultSeverities", title: "Checks by severity" },
  // Not successRateDistribution: it paints an area red of which nothing could be judged.
  { type: "problemsDistribution", by: "environment", title: "Share of checks that failed or broke, by environment" },
  // Trends need a second run in the history.
  ...(RUN.historyPath
    ? [
        { type: "statusDynamics", title: "Checks, run by run" },
        { type: "statusTransitions", title: "Checks that changed, run by run" },
        { type: "durationDynamics", title: "Durations, run by run" },
      ]
    : []),
];

const PAGE = {
  reportName: RUN.name || "Chat sessions",
  reportLanguage: "en",
  theme: "auto",
  singleFile: true, // without it the report needs a server: a browser blocks a local page from reading other files
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
    ...RUN.causes.map((cause) => ({
      id: `cause-${cause.name}`,
      name: causeTitle(cause),
      matchers: ({ status, labels }) => status === "failed" && label(labels, "tag").includes(cause.name),
      groupBy: ["severity"],
      expand: true,
    })),
    { id: "product", name: "Product: the chat is wrong", matchers: [{ statuses: ["failed"] }], groupBy: ["severity"], expand: true },
    { id: "harness", name: "Harness: the suite could not look", matchers: [{ statuses: ["broken"] }], groupByMessage: true, expand: true },
    { id: "known", name: "Known issues, accepted until a date", matchers: [{ statuses: ["skipped"], message: /known issue:/i }], groupByMessage: true },
    { id: "inconclusive", name: INCONCLUSIVE, matchers: [{ statuses: ["skipped"], message: /inconclusive:/i }], groupByMessage: true },
  ],
};
