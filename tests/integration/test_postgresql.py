"""The collector's store on PostgreSQL: the same promises as on SQLite, on a private cluster in a scratch folder."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from platesieve.domain.errors import StorageError
from tests.contract import test_collector_stores as promises
from tests.fakes.collected import an_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from platesieve.adapters.database.store import SqlStore
    from tests.integration.postgres import Cluster

pytestmark = pytest.mark.integration
pytest.importorskip("psycopg")
PROMISES = [
    promises.test_one_collector_watches_at_a_time,
    promises.test_the_same_event_twice_is_one,
    promises.test_an_id_that_is_taken_or_was_erased_is_a_replay,
    promises.test_a_reader_goes_on_from_its_cursor,
    promises.test_what_is_over_is_found_unless_it_is_held,
    promises.test_the_newest_outcome_counts,
    promises.test_a_camera_shows_its_health_and_how_much_it_cannot_keep_up,
    promises.test_a_last_will_keeps_what_was_known,
    promises.test_a_fork_stays_on_the_wall,
    promises.test_what_is_not_believed_is_counted_and_kept_by_hash,
]


@pytest.fixture
def store(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[SqlStore]:
    """Return a store on a new database."""
    from platesieve.adapters.database.store import SqlStore  # noqa: PLC0415 - an optional extra

    number = abs(hash(request.node.name)) % 10**9
    with closing(SqlStore(cluster.address(f"db{number}"))) as opened:
        yield opened


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_postgresql_keeps_the_same_promises(store: SqlStore, promise: Callable[[SqlStore], None]) -> None:
    """Each test of the contract, as it stands."""
    promise(store)


def test_collectors_side_by_side_give_each_event_one_cursor_in_order(cluster: Cluster) -> None:
    """Four write the same and other events at once; a reader that goes on from its cursor misses none."""
    from platesieve.adapters.database.store import SqlStore  # noqa: PLC0415 - an optional extra

    address = cluster.address("together")
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: SqlStore(address), range(4)))
        seen: list[str] = []
        work = [
            pool.submit(each.keep, [an_event(f"e{(number + begin) % 40}")])
            for number in range(40)
            for begin, each in enumerate(stores)
        ]
        cursor = 0
        while not all(job.done() for job in work) or stores[0].events(cursor):
            for stored in stores[0].events(cursor, limit=7):
                seen.append(stored.event.id)
                cursor = stored.cursor
    assert sorted(seen) == sorted(f"e{number}" for number in range(40))
    for each in stores:
        each.close()


def test_a_database_that_crashes_is_an_error_and_then_there_again(cluster: Cluster) -> None:
    """What was kept is there, and the store finds the way back by itself."""
    from platesieve.adapters.database.store import SqlStore  # noqa: PLC0415 - an optional extra

    with closing(SqlStore(cluster.address("crash"))) as store:
        store.keep([an_event("before")])
        cluster.stop("immediate")
        with pytest.raises(StorageError, match="database refuses"):
            store.keep([an_event("meanwhile")])
        cluster.start()
        assert store.keep([an_event("after")]) == {"after": None}
        assert [stored.event.id for stored in store.events()] == ["before", "after"]
