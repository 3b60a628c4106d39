-- asset_checks: the results of the checks of the assets numbered $aids up to $p, in order.
select aid, name, part, not passed and severity = 'error' as spoils
from checks
where pos <= $p and aid in (select unnest($aids::integer[]))
order by pos
