"""Random histories against the model of the rules: every answer and every event, over two nodes.

CI runs the same histories each time. `TANDEM_E2E_MODEL_EXAMPLES` asks for more, and then for other ones with each run;
`TANDEM_E2E_MODEL_SEED` repeats such a run.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from model.agents import AgentHistories
from model.values import Settings

KEY = "the key of the model"
EXAMPLES = int(os.environ.get("TANDEM_E2E_MODEL_EXAMPLES", "0"))
SEED = int(os.environ.get("TANDEM_E2E_MODEL_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)


def limits(of: Settings) -> dict[str, int]:
    """The nodes' bounds: so small that random histories reach them."""
    return {
        "TANDEM_LIMITS_PARTICIPANTS": of.participants,
        "TANDEM_LIMITS_MESSAGES": of.messages,
        "TANDEM_LIMITS_PENDING_APPROVALS": of.pending,
        "TANDEM_LIMITS_PENDING_APPROVALS_PER_PARTICIPANT": of.pending_each,
        "TANDEM_LIMITS_PENDING_PERMISSIONS": of.permissions,
        "TANDEM_LIMITS_INVITES": of.invites,
        "TANDEM_LIMITS_SESSIONS_PER_HOST": of.sessions,
    }


def run(machine: type[AgentHistories], examples: int) -> None:
    options = settings(
        max_examples=EXAMPLES or examples,
        stateful_step_count=70,
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink],
        # A history of calls takes its time; that says nothing about the values drawn for it.
        suppress_health_check=[HealthCheck.too_slow],
    )
    if EXAMPLES:
        print(f"TANDEM_E2E_MODEL_SEED={SEED}")
        machine = seed(SEED)(machine)
    run_state_machine_as_test(machine, settings=options)
    print(dict(machine.seen))


@pytest.mark.timeout(max(300, EXAMPLES * 20))
def test_random_histories_keep_the_rules(module_cluster):
    class Open(AgentHistories):
        settings, seen = Settings(), Counter()
        bases = module_cluster(2, **limits(Settings())).bases

    run(Open, 100)


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
        settings, seen = keyed, Counter()
        api_key = KEY
        bases = module_cluster(2, **limits(keyed), **more).bases

    run(Keyed, 60)
