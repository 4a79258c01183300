"""Wiring only: one concern per plugin, in fixtures/plugins/."""

pytest_plugins = [
    "fixtures.plugins.options",
    "fixtures.plugins.shards",
    "fixtures.plugins.target",
    "fixtures.plugins.browser",
    "fixtures.plugins.disk",
    "fixtures.plugins.run",
    "fixtures.plugins.outputs",
    "fixtures.plugins.walk",
    "fixtures.plugins.allure_report",
]
