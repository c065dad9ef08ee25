"""The devices that an engine runs on."""

from __future__ import annotations

from dubkit.errors import SettingError


def visible_devices(setting: str = "auto", *, name: str = "device") -> list[str]:
    """Return the devices that a setting asks for: `auto`, one, or several such as `cuda:0,cuda:2`.

    `auto` is every CUDA device, else Apple's, else the processor; `cuda` is every CUDA device.

    Raises:
        SettingError: a device that this machine does not have; `name` is the setting's, for the message.
    """
    from dubkit.ltx.memory import devices_here

    here = devices_here()
    cuda = [device for device in here if device.startswith("cuda")]
    if setting == "auto":
        return cuda or here[:1]
    if setting == "cuda" and cuda:
        return cuda
    devices = [device.strip() for device in setting.split(",")]
    for device in devices:
        if device not in here:
            expected = f"{device or 'nothing'} is not here; there is {', '.join(here)}"
            raise SettingError(name, setting, expected)
    return list(dict.fromkeys(devices))


def generating_devices(device: str, own: str) -> list[str]:
    """Return the devices that generate: those of `dub.devices`, else those of `device`."""
    return visible_devices(device) if own == "auto" else visible_devices(own, name="dub.devices")
