"""Requests, streams and uploads made from the contract, in every form HTTP allows and some that it does not.

A few seconds belong to every run. TANDEM_FUZZ_SECONDS makes it long, TANDEM_FUZZ_SEED gives it other numbers; a finding
prints seed, worker and case, and the bytes that were sent.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter

from fuzz.worker import Worker
from support.processes import open_descriptors, resident_bytes
from support.scenario import share
from support.waiting import Deadline, eventually

SECONDS = float(os.environ.get("TANDEM_FUZZ_SECONDS", "12"))
SEED = int(os.environ.get("TANDEM_FUZZ_SEED", "1"))
WORKERS = 4

#: Bounds that a session meets within a short run, and little to keep for replay, so that cursors get too old.
SETTINGS = {
    "TANDEM_LIMITS_BODY": "16KiB",
    "TANDEM_LIMITS_PROMPT": "8KiB",
    "TANDEM_LIMITS_MESSAGE_TEXT": "4KiB",
    "TANDEM_LIMITS_NOTIFICATION": "4KiB",
    "TANDEM_LIMITS_PARTICIPANTS": "12",
    "TANDEM_LIMITS_PENDING_APPROVALS_PER_PARTICIPANT": "8",
    "TANDEM_LIMITS_INVITES": "6",
    "TANDEM_LIMITS_SESSIONS_PER_HOST": "20",
    "TANDEM_EVENTS_RETAINED": "200",
    "TANDEM_TIMEOUTS_HEAD": "60s",
    "TANDEM_TIMEOUTS_BODY": "60s",
}

#: More than a node of a debug build needs with this many connections; what grows with every case passes it.
MOST_BYTES = 600 << 20


def test_nothing_that_a_client_can_send_breaks_a_node(make_cluster):
    cluster = make_cluster(2, **SETTINGS)
    before = [open_descriptors(node.process.pid) for node in cluster.nodes]
    workers = [Worker(cluster.bases, SEED, number) for number in range(WORKERS)]
    deadline, stop, findings = Deadline(SECONDS), threading.Event(), []

    def work(worker: Worker) -> None:
        try:
            worker.run(deadline, stop)
        except BaseException as finding:  # noqa: BLE001 - raised below, in the test's own thread
            findings.append(finding)
            stop.set()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if findings:
        raise findings[0]

    def total(name: str) -> Counter:
        return sum((getattr(worker, name) for worker in workers), Counter())

    statuses, kinds, codes = total("statuses"), total("kinds"), total("codes")
    memory = [resident_bytes(node.process.pid) for node in cluster.nodes]
    print(f"seed {SEED}: {sum(kinds.values())} cases {dict(kinds)}, {sum(w.events for w in workers)} events")
    print(f"answers {dict(sorted(statuses.items()))}, resident {[m >> 20 for m in memory]} MiB")
    print(f"codes {dict(codes.most_common())}")
    assert max(memory) < MOST_BYTES, memory
    # It got deep: a good part was done, and refusals came from many rules.
    assert sum(n for s, n in statuses.items() if s < 300) > sum(statuses.values()) / 10, statuses
    assert len(codes) >= 12, codes
    for node, descriptors in zip(cluster.nodes, before, strict=True):
        assert node.process.is_running
        assert node.api.get("/health/ready").status == 200
        eventually(lambda: open_descriptors(node.process.pid) <= descriptors + 8, "its connections to be closed")
        for line in node.process.log_path.read_text("utf-8").splitlines():
            if line.startswith("{"):
                assert json.loads(line)["level"] not in ("error", "critical"), line
    share(cluster.api).comment("still well")
