-- consumed: events of assets that are seen.
select * from main.consumed where aid in (select aid from keys)
