-- state_assets: every asset as of $p, readable by anyone.
-- with asset_state
insert into answers.assets
select
    key, name, grp, kind, description, url, owners, tags, columns, extra, freshness,
    state, state_reason, retired, materializations, failures, observations,
    make_timestamp((first_pos >> 20) * 1000),
    make_timestamp(((materialized >> 63)::bigint - 72057594037927936)),
    make_timestamp(((failed >> 63)::bigint - 72057594037927936))
from asset_state
order by key
