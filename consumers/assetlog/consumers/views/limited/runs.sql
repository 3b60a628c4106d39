-- runs: those that touched assets that are seen and no others: errors and parents may speak of all a run touched.
select *
from main.runs
where run in (
    select run
    from main.log
    where run is not null and aid is not null
    group by run
    having bool_and(aid in (select aid from keys))
)
