-- descriptions: what is told of assets that are seen.
select * from main.descriptions where aid in (select aid from keys)
