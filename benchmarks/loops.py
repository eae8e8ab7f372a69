"""The bare loops that deliveries are measured against: the same bytes, posted one after another, nothing remembered."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import NamedTuple

import requests
import urllib3

PATH = "/VXPAdapter/RestService/forward/mapi/g?dstcode=VN:GOV:000.00.00.G22:vpcpdvcprovider"
HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
Post = Callable[[bytes], object]


class Pace(NamedTuple):
    """How fast something went, and what it cost."""

    rate: float  #: calls a second
    processor: float  #: seconds of processor time a call


def with_requests(url: str) -> Post:
    """As a script would do it who heeds no environment."""
    session = requests.Session()
    session.trust_env = False
    return lambda body: session.post(url + PATH, data=body, headers=HEADERS).content


def with_urllib3(url: str) -> Post:
    """A layer below."""
    pool = urllib3.PoolManager()
    return lambda body: pool.request("POST", url + PATH, body=body, headers=HEADERS, retries=False).data


def bare(make: Callable[[str], Post], url: str, bodies: Sequence[bytes]) -> Pace:
    """The pace of one loop in a process of its own."""
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=_loop, args=(make, url, bodies, theirs), daemon=True)
    process.start()
    found = Pace(*ours.recv())
    process.join()
    return found


def _loop(make: Callable[[str], Post], url: str, bodies: Sequence[bytes], answer: Connection) -> None:
    post = make(url)
    post(bodies[0])
    began, spent = time.monotonic(), time.process_time()
    for body in bodies:
        post(body)
    seconds, used = time.monotonic() - began, time.process_time() - spent
    answer.send((len(bodies) / seconds, used / len(bodies)))
