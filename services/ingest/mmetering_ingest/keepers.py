"""Work beside the loop of ingest, each in a thread of its own: all run, or the process ends and says why."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def keeping(keepers: Sequence[Callable[[threading.Event], None]], stopping: threading.Event) -> Iterator[None]:
    """Run these meanwhile; in the end, and when one of them ends by itself, `stopping` is set.

    Raises:
        Exception: what ended one of them.
    """

    def stop(_: Future[None]) -> None:
        stopping.set()

    with ThreadPoolExecutor(len(keepers), "keeper") as pool:
        futures = [pool.submit(keeper, stopping) for keeper in keepers]
        for future in futures:
            future.add_done_callback(stop)
        try:
            yield
        finally:
            stopping.set()
    for future in futures:
        future.result()
