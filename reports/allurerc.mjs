// Allure 3's configuration. A plain object: `allure` itself lives in .venv and cannot be imported from here.

const PRODUCT = "Product: the chat is wrong";
const HARNESS = "Harness: the suite could not look";
const INCONCLUSIVE = "Inconclusive: too little was seen";

// Trends over the runs are not among them: Allure has no history of these results.
const CHARTS = [
  { type: "currentStatus", title: "Checks", statuses: ["passed", "failed", "broken", "skipped", "unknown"], metric: "passed" },
  { type: "testResultSeverities", title: "Checks by severity" },
  // Not successRateDistribution: it paints an area red of which nothing could be judged.
  { type: "problemsDistribution", by: "environment", title: "Share of checks that failed or broke, by area" },
];

const PAGE = {
  reportName: "Chat sessions",
  reportLanguage: "en",
  theme: "auto",
  singleFile: true, // else it opens from a server only: a browser lets no page read the files beside it
};

export default {
  name: "Chat sessions",
  plugins: {
    awesome: { options: { ...PAGE, groupBy: ["epic", "feature", "story"], charts: CHARTS } },
    dashboard: { options: { ...PAGE, layout: CHARTS } },
  },
  categories: [
    { id: "product", name: PRODUCT, matchers: [{ statuses: ["failed"] }], groupBy: [{ label: "tag" }, "severity"], expand: true },
    { id: "harness", name: HARNESS, matchers: [{ statuses: ["broken"] }], groupByMessage: true, expand: true },
    { id: "inconclusive", name: INCONCLUSIVE, matchers: [{ statuses: ["skipped"], message: /inconclusive:/i }], groupByMessage: true },
  ],
};
