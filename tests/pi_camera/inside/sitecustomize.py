"""Python imports this at its start: every process of the tests has a camera that replays."""

from tests.pi_camera.replay import install

install()
