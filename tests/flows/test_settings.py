"""Settings of the models that change while the daemon runs."""

from __future__ import annotations

from datetime import timedelta

from tests.flows.house import House


async def test_a_daemon_whose_settings_change_every_day_keeps_one_set_of_models_besides(
    house: House,
) -> None:
    async with house.daemon() as app:
        for minutes in range(1, 8):
            house.settings["models"]["pool"] = {"prefetch": f"{minutes}m"}
            house.write()
            await app.reload()

            assert app.crew.settings.models.pool.prefetch == timedelta(minutes=minutes)
            assert len(app.retired) <= 1
