-- policies: each asset's freshness policy, since where it says so, and where it was said last; of some assets, or of all.
with told as (
    select aid, pos, freshness, lag(freshness) over (partition by aid order by pos) as before
    from descriptions
    where
        freshness is not null and pos <= $p
        and ($aids::integer[] is null or aid in (select unnest($aids::integer[])))
)
select aid, arg_max(freshness, pos), max(pos) filter (freshness is distinct from before), max(pos)
from told
group by aid
