-- standings: the last materialization, breach of freshness, retirement and other event of the assets numbered $aids.
-- with asset_rows
select aid, coalesce(materialized, 0), coalesce(overdue, 0), coalesce(retired_pos, 0), coalesce(active_pos, 0)
from asset_rows
