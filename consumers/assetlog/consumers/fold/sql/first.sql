-- first: the first entry that was folded, null before it.
select least((select min(pos) from log), (select min(pos) from quarantine))
