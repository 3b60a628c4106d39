-- events: positions of the events after $after up to $p, newest first; a filter that is null lets all pass.
select pos
from log
where
    pos > $after and pos <= $p
    and ($aids::integer[] is null or list_contains($aids::integer[], aid))
    and ($type is null or type = $type)
    and ($family is null or starts_with(type, $family))
    and ($run is null or run = $run)
order by pos desc
limit $limit
