"""Cron lines as Debian's cron reads them: five fields, a zone, and the instants they mean.

Pure: text and times in, times out. `cronsim` is the oracle of the tests (docs/schedule.md
lists where we refuse what it takes).
"""

from harness.cronline.fields import CronlineError
from harness.cronline.line import Cronline, instant_of

__all__ = ["Cronline", "CronlineError", "instant_of"]
