-- meta: nothing.
select * from main.meta where false
