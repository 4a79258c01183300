"""What the suite observes of a chat: the stored session, the screen, the end of a reply, the providers."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from e2e.profile.values.fields import MISSING, InvalidValue, JMESPath, Part, Regex, Text
from e2e.profile.values.steps import Locate


class Session(Part):
    """Where the page stores the session ID. The ID is compared, never the raw value."""

    store: Literal["localStorage", "sessionStorage", "cookie", "url", "indexedDB", "none"] = "localStorage"
    """``none``: in memory only. Then only sent IDs are judged."""
    key: str | None = Field(default=None, min_length=1, examples=["chat_session"])
    """Name of the item, the cookie, or (IndexedDB) the record."""
    key_pattern: Regex | None = Field(default=None, examples=["^chat:"])
    """For a key that differs per user or chat. The key that was written last is used."""
    id: JMESPath | None = Field(default=None, examples=["sessionId"])
    """JMESPath into the stored JSON value. Without it and without ``regex`` the whole value is the ID."""
    regex: Regex | None = Field(default=None, examples=["/c/([0-9a-f-]{36})"])
    """On the stored text, or for ``url`` on the page's address. Its first group is the ID."""
    database: Text | None = Field(default=None, examples=["chat"])
    """Name of the database. IndexedDB only."""
    object_store: Text | None = Field(default=None, examples=["kv"])
    """Name of the object store in it. IndexedDB only."""

    @model_validator(mode="after")
    def _keys_fit_the_store(self) -> Self:
        keys = [k for k in ("key", "key_pattern") if getattr(self, k) is not None]
        tables = [p for p in ("database", "object_store") if getattr(self, p) is not None]
        selectors = [w for w in ("id", "regex") if getattr(self, w) is not None]
        if len(selectors) == 2:
            raise InvalidValue(
                "regex", self.regex, "id already selects the ID in the value; hint: leave one of them out"
            )
        unused = [
            *(keys if self.store in ("none", "url") else []),
            *(tables if self.store != "indexedDB" else []),
            *(selectors if self.store == "none" else []),
            *(["id"] if self.store == "url" and self.id is not None else []),
        ]
        if unused:
            raise InvalidValue(
                unused[0],
                getattr(self, unused[0]),
                f'not used with store = "{self.store}"; hint: leave it out',
            )
        if self.store == "url" and self.regex is None:
            raise InvalidValue(
                "regex", MISSING, 'required with store = "url"; hint: regex = "/c/([0-9a-f-]{36})"'
            )
        if self.store in ("none", "url"):
            return self
        if len(keys) == 2:
            raise InvalidValue(
                "key_pattern", self.key_pattern, "key is already set; hint: leave one of them out"
            )
        if not keys:
            raise InvalidValue(
                "key",
                MISSING,
                f'store = "{self.store}" needs key or key_pattern; hint: key = "chat_session"',
            )
        for place, example in (("database", "chat"), ("object_store", "kv")):
            if self.store == "indexedDB" and place not in tables:
                raise InvalidValue(
                    place, MISSING, f'required with store = "indexedDB"; hint: {place} = "{example}"'
                )
        return self


class Reply(Part):
    """How the end of a reply is recognised. All conditions that are set must be met."""

    exchange_finished: bool = True
    """The response has ended, by its wire rule."""
    gone: Locate | None = Field(default=None, examples=[{"role": "button", "name": "Stop"}])
    """This element is hidden or gone, such as the Stop button."""
    shown: Locate | None = Field(default=None, examples=[{"role": "button", "name": "Send"}])
    """This element is visible again, such as the Send button."""
    text_stable_for: float | None = Field(default=None, gt=0, le=30, examples=[0.5])
    """Seconds for which the last reply's text did not change (needs ``screen.messages``)."""

    @model_validator(mode="after")
    def _has_a_condition(self) -> Self:
        if (
            not self.exchange_finished
            and self.gone is None
            and self.shown is None
            and self.text_stable_for is None
        ):
            raise ValueError(
                "needs exchange_finished, gone, shown or text_stable_for;"
                ' hint: gone = { role = "button", name = "Stop" }'
            )
        return self


class Screen(Part):
    """What the page shows."""

    messages: Locate | None = Field(default=None, examples=[{"test_id": "message"}])
    """Every message of the conversation: the user's and the assistant's."""
    provider: Locate | None = Field(default=None, examples=[{"test_id": "provider"}])
    """The provider's name beside a reply. The last one belongs to the last reply."""
    provider_attribute: Text | None = Field(default=None, examples=["alt"])
    """Attribute of that element that has the name. Default: its visible text."""
    provider_regex: Regex | None = Field(default=None, examples=["^Avatar for (.+)$"])
    """On that text or attribute. Its first group is the name."""
    mask: tuple[Locate, ...] = Field(default=(), examples=[[{"test_id": "session-line"}]])
    """Covered in screenshots: every element that shows a session ID."""


class Providers(Part):
    """Who may reply, and how often."""

    names: tuple[Text, ...] | None = Field(default=None, min_length=1, examples=[["Big hat", "Tall boot"]])
    """All providers that may reply. An observed provider that is not listed is a finding."""
    count: int | None = Field(default=None, ge=1, le=10_000, examples=[9])
    """The number of providers, if their names are not known beforehand."""
    weights: dict[str, float] | None = Field(default=None, examples=[{"Big hat": 0.7, "Tall boot": 0.3}])
    """Expected shares. Without them all providers are expected equally often."""
    min_effective_providers: float | None = Field(default=None, ge=1, le=10_000, examples=[3.5])
    """Inverse Simpson index that the sessions must reach, if no list is known."""
    map: dict[str, str] = Field(default={}, examples=[{"prov_3": "Big hat"}])
    """Name in payloads -> name in reports."""
    source: tuple[Literal["reply", "label", "backend"], ...] = Field(
        default=("reply", "backend", "label"), min_length=1
    )
    """Where the provider is read from. The first source that has it is used."""

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.weights is not None:
            if (
                not self.weights
                or min(self.weights.values()) <= 0
                or abs(sum(self.weights.values()) - 1) > 1e-6
            ):
                raise InvalidValue(
                    "weights",
                    self.weights,
                    'shares must be above 0 and sum to 1; hint: weights = { "Big hat" = 0.7, "Tall boot" = 0.3 }',
                )
            if self.names is not None and (other := sorted(set(self.names) ^ set(self.weights))):
                raise InvalidValue(
                    "weights",
                    self.weights,
                    f"names and weights differ: {', '.join(other)}; hint: list the same providers in both",
                )
        if self.names is not None and len(set(self.names)) != len(self.names):
            raise InvalidValue("names", self.names, "contains a provider twice; hint: leave one out")
        known = self.names or (tuple(self.weights) if self.weights else None)
        if self.count is not None and known is not None and self.count != len(known):
            raise InvalidValue(
                "count", self.count, f"{len(known)} providers are listed; hint: leave count out"
            )
        for wire, name in self.map.items():
            if known is not None and name not in known:
                raise InvalidValue(
                    f"map.{wire}", name, f"not one of the providers; hint: use one of {', '.join(known)}"
                )
        if len(set(self.source)) != len(self.source):
            raise InvalidValue("source", self.source, "contains a source twice; hint: leave one out")
        return self
