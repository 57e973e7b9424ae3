"""What leaves the house leaves it without secrets, whichever way it goes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.bus.port import Result, Task
from harness.text.secrets import Redactor

if TYPE_CHECKING:
    from harness.delivery.channels import Channel


class Redacted:
    """A channel that is handed every final without the secrets in it, and tells of none."""

    def __init__(self, channel: Channel, redactor: Redactor) -> None:
        self.channel = channel
        self.redactor = redactor

    @property
    def name(self) -> str:
        return self.channel.name

    async def deliver(self, task: Task) -> str:
        """As the channel's own. Raises what it raises."""
        return self.redactor.text(await self.channel.deliver(without_secrets(task, self.redactor)))


def without_secrets(task: Task, redactor: Redactor) -> Task:
    """The task with its texts redacted; its ids, times and states are what they were."""
    return replace(
        task,
        title=redactor.text(task.title),
        prompt=redactor.text(task.prompt),
        sender=redactor.text(task.sender),
        error=redactor.text(task.error) if task.error else task.error,
        payload=redactor.value(task.payload),
        result=cleaned(task.result, redactor) if task.result else None,
    )


def cleaned(result: Result, redactor: Redactor) -> Result:
    return replace(
        result,
        text=redactor.text(result.text),
        data=redactor.value(result.data),
        model=redactor.text(result.model),
    )
