"""Runs pytest; the last lines are `# pass N` and `# fail N`, from pytest's own reports."""

import collections
import sys

import pytest


class Count:
    """How each test ended. One that is skipped, or fails while it is set up or cleaned up, did not pass."""

    def __init__(self):
        self.ends = collections.defaultdict(set)
        self.uncollected = 0

    def pytest_runtest_logreport(self, report):
        self.ends[report.nodeid].add(report.outcome)

    def pytest_collectreport(self, report):
        self.uncollected += report.failed

    @property
    def passed(self):
        return sum(ends == {"passed"} for ends in self.ends.values())

    @property
    def failed(self):
        return sum("failed" in ends for ends in self.ends.values()) + self.uncollected

    @property
    def skipped(self):
        return len(self.ends) - self.passed - sum("failed" in ends for ends in self.ends.values())


if __name__ == "__main__":
    count = Count()
    status = int(pytest.main(sys.argv[1:], plugins=[count]))
    failed = count.failed
    if status != 0 and failed == 0:
        failed = 1
    if count.skipped:
        print(f"# skip {count.skipped}")
    print(f"# pass {count.passed}\n# fail {failed}")
    sys.exit(0 if status == 0 and failed == 0 and count.passed > 0 else 1)
