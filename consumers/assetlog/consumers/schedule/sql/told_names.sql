-- told_names: names and groups that were told between two positions.
select pos, aid, name, grp
from descriptions where pos > $after and pos <= $p and (name is not null or grp is not null) order by pos
