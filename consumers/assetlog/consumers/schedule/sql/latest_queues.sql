-- latest_queues: what was queued at the last snapshot up to a position.
select snap_pos, state from snap_queues where snap_pos <= $p order by snap_pos desc limit 1
