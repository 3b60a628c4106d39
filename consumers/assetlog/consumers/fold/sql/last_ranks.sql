-- last_ranks: the rank of the last materialization of every asset that has one, as of $p.
-- with asset_rows
select aid, materialized from asset_rows where materialized is not null
