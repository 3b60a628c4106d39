-- groups: the groups after $after by name as of $p, with the number of their assets; retired ones do not count.
-- with asset_state
select grp, count(*)
from asset_state
where grp is not null and not retired and grp > $after
group by grp
order by grp
limit $limit
