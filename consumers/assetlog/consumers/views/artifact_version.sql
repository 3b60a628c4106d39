-- artifact_version: the version $version of the artifact $key as of $p, if it is not retired.
-- with live_artifacts
select pos
from live_artifacts
where pos = (select pos from artifacts where act = 'created' and key = $key order by pos limit 1 offset $version - 1)
