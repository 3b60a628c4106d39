-- log: events about an asset that is seen, and later ones of its artifacts; those of runs and all others name none.
select * from main.log where aid in (select aid from keys) or pos in (select pos from artifacts)
