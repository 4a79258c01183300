// Allure 3's configuration. A plain object: `allure` itself lives in .venv and cannot be imported from here.

const PRODUCT = "Product: the chat is wrong";
const HARNESS = "Harness: the suite could not look";
const INCONCLUSIVE = "Inconclusive: too little was seen";

export default {
  name: "Chat sessions",
  plugins: {
    awesome: {
      options: {
        reportName: "Chat sessions",
        reportLanguage: "en",
        theme: "auto",
        singleFile: false,
        groupBy: ["epic", "feature", "story"],
        charts: [
          { type: "currentStatus", title: "Checks" },
          { type: "problemsDistribution", by: "environment", title: "Problems" },
          { type: "durations", title: "How long the checks took", groupBy: "none" },
        ],
      },
    },
    dashboard: {
      options: {
        reportName: "Chat sessions",
        reportLanguage: "en",
        singleFile: false,
        layout: [
          { type: "currentStatus", title: "Checks", statuses: ["passed", "failed", "broken", "skipped", "unknown"], metric: "passed" },
          { type: "testResultSeverities", title: "Checks by severity" },
          { type: "statusDynamics", title: "Checks over the last runs", limit: 30 },
          { type: "durations", title: "How long the checks took", groupBy: "none" },
        ],
      },
    },
  },
  categories: [
    { id: "product", name: PRODUCT, matchers: [{ statuses: ["failed"] }], groupBy: [{ label: "tag" }, "severity"], expand: true },
    { id: "harness", name: HARNESS, matchers: [{ statuses: ["broken"] }], groupByMessage: true, expand: true },
    { id: "inconclusive", name: INCONCLUSIVE, matchers: [{ statuses: ["skipped"], message: /inconclusive:/i }], groupByMessage: true },
  ],
};
