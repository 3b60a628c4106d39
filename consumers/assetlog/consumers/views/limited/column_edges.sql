-- column_edges: lineage between columns of assets that are both seen.
select * from main.column_edges where up in (select aid from keys) and down in (select aid from keys)
