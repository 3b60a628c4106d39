-- triggers: those that consumed events of assets that are seen, and no others.
select *
from main.triggers
where trigger in (
    select trigger from main.consumed group by trigger having bool_and(aid is not null and aid in (select aid from keys))
)
