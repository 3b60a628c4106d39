-- head: the last position that is folded, 0 for none.
select greatest(
    coalesce((select max(pos) from log), 0),
    coalesce((select max(pos) from quarantine), 0),
    coalesce((select max(pos) from progress), 0)
)
