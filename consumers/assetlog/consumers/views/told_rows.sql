-- told_rows: what was told of the assets numbered $aids up to $p, in order; null where a description says nothing.
select aid, name, grp, kind, description, url, owners, tags, columns, extra, freshness
from descriptions
where pos <= $p and aid in (select unnest($aids::integer[]))
order by pos
