-- keys_at: how many assets were met up to $p.
select count(*) from keys where first_pos <= $p
