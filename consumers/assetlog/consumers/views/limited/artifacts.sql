-- artifacts: those about an asset that is seen, with what was done to them since.
select *
from main.artifacts
where
    aid in (select aid from keys)
    or (aid is null and id in (select id from main.artifacts where aid in (select aid from keys)))
    or (aid is null and id is null and key in (select key from main.artifacts where aid in (select aid from keys)))
