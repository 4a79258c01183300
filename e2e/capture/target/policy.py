"""The profile's policy as it is recorded beside the observations."""

from __future__ import annotations

from e2e.profile.profile import Profile
from e2e.records.records import Accepted, Policy


def policy_of(profile: Profile) -> Policy:
    """What the profile says is right, as the record of it."""
    providers = profile.providers
    return Policy(
        rotation=profile.policy.rotation,
        reload_keeps=profile.policy.reload == "keeps",
        sends_id=profile.sends_id,
        store=profile.id_store.store,
        key=profile.id_store.key or profile.id_store.key_pattern,
        providers=providers.names or (tuple(providers.weights) if providers.weights else None),
        provider_count=providers.count,
        weights=providers.weights,
        min_effective_providers=providers.min_effective_providers,
        affinity=profile.policy.affinity,
        provider_source=providers.source,
        empty_chat=profile.policy.empty_chat,
        tabs=profile.policy.tabs,
        in_address=any(r.session is not None and r.session.page is not None for r in profile.wire),
        bearer=profile.policy.id_is_secret,
        has_label=profile.screen.provider is not None,
        has_memory=profile.memory is not None,
        has_backend=profile.backend is not None,
        accepted=tuple(
            Accepted(one.cause, one.until.isoformat(), one.reason, one.link) for one in profile.known_issues
        ),
    )
