-- latest_snapshot: the last snapshot at or before $p, 0 if there is none.
select coalesce(max(snap_pos), 0) from snap where snap_pos <= $p
