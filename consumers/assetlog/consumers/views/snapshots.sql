-- snapshots: the positions of the snapshots after $after, in order.
select coalesce(list(distinct snap_pos order by snap_pos), []) from snap where snap_pos > $after
