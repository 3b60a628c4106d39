-- position: how far the fold is, the totals there, and the number of events since the last snapshot.
with last_progress as (
    select pos, folded, duplicates, quarantined, skipped from progress order by pos desc limit 1
),
base as (
    select
        coalesce(max(pos), 0) as pos, coalesce(max(folded), 0) as folded, coalesce(max(duplicates), 0) as duplicates,
        coalesce(max(quarantined), 0) as quarantined, coalesce(max(skipped), 0) as skipped
    from last_progress
),
since as (
    select
        (select count(*) from log, base where log.pos > base.pos) as events,
        (select count(*) from quarantine, base where quarantine.pos > base.pos) as quarantined,
        (select count(*) from skipped, base where skipped.pos > base.pos) as skipped
)
select
    greatest(
        base.pos,
        coalesce((select max(pos) from log), 0),
        coalesce((select max(pos) from quarantine), 0)
    ),
    base.folded + since.events - since.skipped,
    base.duplicates,
    base.quarantined + since.quarantined,
    base.skipped + since.skipped,
    (select count(*) from log where pos > coalesce((select max(snap_pos) from snap), 0))
from base, since
