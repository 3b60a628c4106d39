-- snap: what the events of assets that are seen add up to.
select * from main.snap where aid in (select aid from keys)
