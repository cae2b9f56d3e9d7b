"""Ports: near the usual ones, the same as last time, and never another stack's."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from dev.stack import ports
from dev.stack.folder import DataFolder


@contextmanager
def listener(port: int) -> Iterator[None]:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((ports.HOST, port))
        server.listen()
        yield


@pytest.fixture
def wanted() -> int:
    """A port with room above it."""
    return next(port for port in ports.unused(20) if port < 60_000)


def test_a_port_that_somebody_listens_on_is_not_free(wanted: int) -> None:
    assert ports.is_free(wanted)
    with listener(wanted):
        assert not ports.is_free(wanted)


def test_the_next_port_keeps_the_last_digit(wanted: int) -> None:
    with listener(wanted):
        chosen = ports.near(wanted, set())
    assert chosen > wanted
    assert chosen % 10 == wanted % 10


def test_no_port_at_all_is_said(wanted: int) -> None:
    with pytest.raises(ports.NoPortFree):
        ports.near(wanted, set(range(wanted, 65_536)))


def test_a_moved_port_is_said_once_and_kept(folder: DataFolder, claims: Path, wanted: int) -> None:
    with listener(wanted):
        first, said = ports.assign(folder, {"web": wanted}, claims)
    assert said is not None
    assert f"web {first['web']} (not {wanted})" in said
    # The usual one is free again, but bookmarks and tokens know the other by now.
    assert ports.assign(folder, {"web": wanted}, claims) == (first, None)


def test_the_usual_port_is_tried_before_wandering_further(
    folder: DataFolder, claims: Path, wanted: int
) -> None:
    with listener(wanted):
        moved, _ = ports.assign(folder, {"web": wanted}, claims)
    with listener(moved["web"]):
        assert ports.assign(folder, {"web": wanted}, claims) == ({"web": wanted}, None)


def test_a_stack_that_is_only_starting_keeps_its_ports(
    folder: DataFolder, other_folder: DataFolder, claims: Path, wanted: int
) -> None:
    folder.acquire()
    first, _ = ports.assign(folder, {"web": wanted, "door": wanted + 1}, claims)
    other_folder.acquire()
    second, _ = ports.assign(other_folder, {"web": wanted, "door": wanted + 1}, claims)
    assert not set(first.values()) & set(second.values())


def test_the_ports_of_a_stack_that_is_gone_are_free(
    folder: DataFolder, other_folder: DataFolder, claims: Path, wanted: int
) -> None:
    with ExitStack() as life:
        folder.acquire()
        life.callback(folder.release)
        ports.assign(folder, {"web": wanted}, claims)
    assert ports.assign(other_folder, {"web": wanted}, claims) == ({"web": wanted}, None)
