-- snapshot: every asset's rows as of $p, for the views to start from.
-- with asset_rows
insert into snap
select
    $p, aid, materializations, failures, observations, materialized, failed, overdue, retired_pos, active_pos
from asset_rows
order by aid
