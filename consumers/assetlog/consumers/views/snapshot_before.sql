-- snapshot_before: the position of the last snapshot up to $p, 0 if there is none.
select coalesce(max(snap_pos), 0) from snap where snap_pos <= $p
