-- consumers: nothing; what is scheduled is shown by what its condition names.
select * from main.consumers where false
