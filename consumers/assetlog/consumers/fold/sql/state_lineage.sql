-- state_lineage: every edge as of $p, readable by anyone.
-- with linked
insert into answers.lineage
select
    up.key, down.key, job, make_timestamp((linked.first_pos >> 20) * 1000)
from linked
join keys as up on up.aid = linked.up
join keys as down on down.aid = linked.down
order by all
