-- aliases_of: the assets whose newest alias statement as of $p names the asset $aid.
select other
from (select other, arg_max(aid, pos) as aid from aliases where pos <= $p group by other)
where aid = $aid
order by other
