-- refill_alias_assets: what run-time aliases stood for in sealed ranges.
insert into alias_assets
select position, resolved_alias, aid
from read_parquet($files)
where position > $after and position <= $last and resolved_alias is not null
