"""Random histories against the model of the rules: every answer and every event, over two nodes.

CI plays the same histories each time. `TANDEM_E2E_MODEL_EXAMPLES` asks for more, and then for other ones with each run;
`TANDEM_E2E_MODEL_SEED` repeats such a run. A history that goes wrong is shortened before it is shown.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections import Counter

import pytest

from model.agents import AgentHistories
from model.calls import STATUS
from model.history import play, shrink, steps_of
from model.values import Settings

KEY = "the key of the model"
EXAMPLES = int(os.environ.get("TANDEM_E2E_MODEL_EXAMPLES", "0"))
SEED = os.environ.get("TANDEM_E2E_MODEL_SEED") or (str(random.SystemRandom().getrandbits(32)) if EXAMPLES else "ci")
#: Steps of one history.
STEPS = 50

#: What every run comes to, beside every code of the model: events, and the ends that lifetimes have.
EVENTS = {
    "shared_session_created",
    "session_updated",
    "session_closed",
    "participant_joined",
    "participant_left",
    "participant_updated",
    "message_created",
    "prompt_pending_approval",
    "prompt_approved",
    "prompt_rejected",
    "prompt_withdrawn",
    "prompt_expired",
    "prompt_dispatch_started",
    "prompt_dispatch_completed",
    "prompt_dispatch_failed",
    "permission_requested",
    "permission_resolved",
    "permission_withdrawn",
    "host_online",
    "host_session_update",
    "session_closed closed",
    "session_closed expired",
    "permission_withdrawn session_closed",
    "permission_withdrawn session_expired",
}


def limits(of: Settings) -> dict[str, object]:
    """The nodes' bounds: so small that random histories reach them."""
    return {
        "TANDEM_LIMITS_PARTICIPANTS": of.participants,
        "TANDEM_LIMITS_MESSAGES": of.messages,
        "TANDEM_LIMITS_PENDING_APPROVALS": of.pending,
        "TANDEM_LIMITS_PENDING_APPROVALS_PER_PARTICIPANT": of.pending_each,
        "TANDEM_LIMITS_PENDING_PERMISSIONS": of.permissions,
        "TANDEM_LIMITS_INVITES": of.invites,
        "TANDEM_LIMITS_SESSIONS_PER_HOST": of.sessions,
        # A session whose time is over is told of when a sweeper looks.
        "TANDEM_SWEEPER_INTERVAL": "50ms",
    }


def run(machine: type[AgentHistories], histories: int) -> None:
    print(f"TANDEM_E2E_MODEL_SEED={SEED}")
    for number in range(EXAMPLES or histories):
        seed = f"{SEED}-{number}"
        steps = steps_of(seed, STEPS)
        if broken := play(machine, seed, steps):
            short = shrink(steps, lambda fewer, seed=seed: play(machine, seed, fewer) is not None)
            raise play(machine, seed, short) or broken
    if not EXAMPLES:
        missed = (set(STATUS) | EVENTS) - set(machine.seen) - machine.out_of_reach
        assert not missed, f"these histories never came to {sorted(missed)}"


@pytest.mark.timeout(max(300, EXAMPLES * 20))
def test_random_histories_keep_the_rules(module_cluster):
    class Open(AgentHistories):
        settings, seen = Settings(), Counter()
        out_of_reach = {"API_KEY_REQUIRED", "HOST_TOKEN_REQUIRED", "REASON_REQUIRED"}
        cluster = module_cluster(2, **limits(Settings()))
        bases, redis = cluster.bases, cluster.redis

    run(Open, 80)


@pytest.mark.timeout(max(300, EXAMPLES * 20))
def test_random_histories_keep_the_rules_of_keyed_access(module_cluster):
    keyed = Settings(keyed=True, reason_required=True)
    more = {
        "TANDEM_ACCESS": "keyed",
        "TANDEM_API_KEYS": f"model:{hashlib.sha256(KEY.encode()).hexdigest()}",
        "TANDEM_APPROVALS_REASON_REQUIRED": "true",
        "TANDEM_RATE_PARTICIPANT": "off",
        "TANDEM_RATE_ADDRESS": "off",
    }

    class Keyed(AgentHistories):
        settings, seen, out_of_reach = keyed, Counter(), set()
        api_key = KEY
        cluster = module_cluster(2, **limits(keyed), **more)
        bases, redis = cluster.bases, cluster.redis

    run(Keyed, 60)


def test_a_history_that_goes_wrong_is_shortened_to_what_matters():
    assert shrink(list(range(50)), lambda steps: {3, 40, 41} <= set(steps)) == [3, 40, 41]
    assert shrink([7], lambda steps: True) == [7]
