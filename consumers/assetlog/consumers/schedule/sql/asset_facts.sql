-- asset_facts: the name and the group of each asset that has one, as of a position.
select aid, arg_max(name, pos) filter (name is not null), arg_max(grp, pos) filter (grp is not null)
from descriptions
where pos <= $p and (name is not null or grp is not null)
group by aid
