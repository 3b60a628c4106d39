-- skipped: nothing; what is of a newer version may be about anything.
select * from main.skipped where false
