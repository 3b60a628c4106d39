-- checks: results about assets that are seen.
select * from main.checks where aid in (select aid from keys)
