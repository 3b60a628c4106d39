-- alias_assets: run-time aliases of assets that are seen.
select * from main.alias_assets where aid in (select aid from keys)
