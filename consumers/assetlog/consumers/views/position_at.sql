-- position_at: the last position up to $p that an event or a quarantined entry stands at, 0 if there is none.
select greatest(
    coalesce((select pos from log where pos <= $p order by pos desc limit 1), 0),
    coalesce((select pos from quarantine where pos <= $p order by pos desc limit 1), 0)
)
