-- refill_artifacts: the artifacts of sealed ranges.
insert into artifacts
select position, artifact.act, artifact.id, artifact.key, artifact.type, aid, artifact.run
from read_parquet($files)
where position > $after and position <= $last and artifact is not null
