-- unmatched: how many rows the projection has between two positions that the log gave no entry for.
select count(*)
from (
    select pos from log where pos > $after and pos <= $last
    union all
    select pos from quarantine where pos > $after and pos <= $last
) as known
anti join sealing on sealing.position = known.pos
