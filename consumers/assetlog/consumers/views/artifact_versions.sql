-- artifact_versions: the versions of the artifact $key as of $p, the newest first, from before $before.
-- with live_artifacts
select pos from live_artifacts where key = $key and pos < $before order by pos desc limit $limit
