-- artifact_history: what happened to the artifact $id of key $key, created at $created, as of $p, from before $before;
-- the newest first.
with acts as (
    select pos, act
    from artifacts
    where
        pos >= $created and pos <= $p and pos < $before
        and (
            (id = $id and (act <> 'created' or pos = $created))
            or (act = 'retired' and id is null and key = $key)
        )
)
select pos, act, log.time from acts join log using (pos) order by pos desc limit $limit
