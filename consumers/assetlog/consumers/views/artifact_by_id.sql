-- artifact_by_id: the artifact whose id is $id as of $p; the newest where two sources chose the same id.
-- with live_artifacts
select pos from live_artifacts where id = $id order by pos desc limit 1
