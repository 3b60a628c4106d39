-- quarantine: what the fold could not take before $before and up to $p, newest first.
select pos, code, field, detail
from quarantine
where pos <= $p and pos < $before
order by pos desc
limit $limit
