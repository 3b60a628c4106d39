-- refill_descriptions: what was said of assets in sealed ranges.
insert into descriptions
select
    position, aid, description.name, description.grp, description.kind, description.description, description.url,
    description.owners, description.tags, description.columns, description.extra, description.freshness
from read_parquet($files)
where position > $after and position <= $last and description is not null
