-- artifact_updates: the updates of the artifacts $ids as of $p, the newest first.
with updates as (
    select pos, id from artifacts where act = 'updated' and pos <= $p and id in (select unnest($ids::varchar[]))
)
select id, pos, log.time from updates join log using (pos) order by pos desc
