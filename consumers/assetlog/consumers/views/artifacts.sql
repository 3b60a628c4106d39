-- artifacts: the newest version of each artifact key, and every artifact without a key, that passes the filters as of
-- $p; the newest first, from before $before. $q: text in the key.
-- with live_artifacts
select max(pos) as pos
from live_artifacts
where
    ($type is null or type = $type)
    and ($aids::integer[] is null or list_contains($aids::integer[], aid))
    and ($run is null or run = $run)
    and ($q is null or contains(key, lower($q)))
group by key, case when key is null then pos end
having max(pos) < $before
order by 1 desc
limit $limit
