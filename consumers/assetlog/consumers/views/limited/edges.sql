-- edges: lineage between assets that are both seen.
select * from main.edges where up in (select aid from keys) and down in (select aid from keys)
