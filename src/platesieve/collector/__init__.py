"""The agency's side: what a collector keeps of what devices let out, for how long, and who looked at it.

Pure rules and records; what touches a disk, a database or a network is passed in. For whoever builds on it (the
dashboard does):

`records`: `Event`, `Stored`, `Outcome`, `Access`, `Hold`, `Deletion`, `Quarantined`, `Camera`, `ListFreshness`.
`domain.access`: `Purpose`, `OutcomeCode`, `DeletionReason`.

`store.CollectorStore` is the one way to what is kept. Make one with
`platesieve.bootstrap.collector.open_store(database)` (`sqlite:///FILE`, `postgresql+psycopg://...`); it may be used
from several threads, and several processes may have the same database open. Reading:

- `events(since, limit, kinds)`: oldest first, `Stored.cursor > since`; poll it for the live view.
- `newest(limit, kinds)`: newest first; its first `cursor` is where a live view begins.
- `event(id)`; `outcomes(id)`; `accesses(limit, event_id)`; `deletions(limit)`; `holds(id)`.
- `cameras(now_ns)`, `hotlists(now_ns)`: health, last seen, policy, checkpoint status, strain, age of lists.
- `quarantined(limit)`, `quarantine_counts()`; `counts()` for metrics; `outcome_counts(since_ns)`.

Writing that a person does: `record_outcome(Outcome)`, and through the desks below everything that is logged first.

`reveal.RevealDesk.reveal(RevealRequest) -> Revealed` is the only way to a sealed value: it writes the access entry to
the transparency log, then to the store, and only then opens. Make one with
`platesieve.bootstrap.collector.open_desk(settings, store)`. It raises `RevealRefusedError` (message, hint) where event,
case number or purpose do not suffice, `AuditError` where the log cannot be written (nothing was opened then), and
`SealError` where a field does not open. `Revealed.fields` holds the clear values: show them, keep them nowhere.

`retention.RetentionDesk.hold(...)`, `.lift(...)`, `.erase(...)`, `.expire(now)`: the same order, log first.
"""
