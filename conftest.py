"""Wiring only: one concern per plugin, in e2e/plugin/."""

pytest_plugins = [
    "e2e.plugin.settings.options",
    "e2e.plugin.writer",
    "e2e.plugin.shards",
    "e2e.plugin.browsers.environments",
    "e2e.plugin.target",
    "e2e.plugin.browser",
    "e2e.plugin.run",
    "e2e.plugin.verdicts",
    "e2e.plugin.outputs",
    "e2e.plugin.export.hand_over",
    "e2e.plugin.export.junit",
    "e2e.plugin.export.traces",
    "e2e.plugin.random_test",
    "e2e.plugin.allure",
]
