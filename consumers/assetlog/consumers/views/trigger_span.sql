-- trigger_span: between which positions the events lie that the trigger $id consumed; null for none.
select min(after_pos), max(up_to)
from consumed
where pos <= $p and trigger = $id
